"""The rewriting of one TOML text by one edit.

It trusts that the edit makes sense for the text; whether the outcome means what it should is for the
caller to see.
"""

from collections.abc import Iterable
from typing import NamedTuple

from hal0_operator.changes.layout import Layout, Pair, Section, Span, comments_above, line_before, line_end, line_start
from hal0_operator.changes.literal import dotted, key_part
from hal0_operator.model.problem import KeyPath


def with_value(data: bytes, path: KeyPath, value: str, newline: str) -> bytes:
    """The value, in TOML's form, at a key: where the key stands, else beside its neighbours.

    A table that stood there by headers or dotted keys goes.  New lines end as ``newline`` says.
    """
    layout = Layout(data)
    pair = layout.pair(path)
    if pair is not None:
        return _replaced(data, [(pair.value, value.encode())])
    if any(layout.pairs(path)) or any(layout.below(path)):
        layout = Layout(dropped(data, path))
    return _inserted(layout, path, value, newline)


def renamed(data: bytes, path: KeyPath, name: str) -> bytes:
    """The last part of the path renamed in each header and key that spells it."""
    layout = Layout(data)
    names = (*(section.name for section in layout.below(path)), *(pair.name for pair in layout.pairs(path)))
    spans = (name.span_of(len(path) - 1) for name in names)
    return _replaced(data, [(span, key_part(name).encode()) for span in spans if span])


def _replaced(data: bytes, replacements: Iterable[tuple[Span, bytes]]) -> bytes:
    """With new bytes for some ranges, which may touch and overlap."""
    parts, at = [], 0
    for span, new in sorted(replacements):
        parts += [data[at : span.start], new]
        at = max(at, span.end)
    return b"".join((*parts, data[at:]))


# ── removing ───────────────────────────────────────────────────────────────────────────────────


def dropped(data: bytes, path: KeyPath) -> bytes:
    """Without a key, or a table with all that is below it.

    Comments right above what goes belong to it, but for those that the text begins with, which are the
    file's.  Comments right above what follows stay, and so do those between empty lines.
    """
    layout = Layout(data)
    spans = [_section_span(layout, section) for section in layout.below(path)]
    inline: dict[Pair, list[Pair]] = {}
    for pair in layout.pairs(path):
        if pair.outer is None:
            spans.append(_pair_span(data, pair))
        else:
            inline.setdefault(pair.outer, []).append(pair)
    for outer, doomed in inline.items():
        spans += _inline_spans(outer, doomed)
    return _without(data, spans)


def _pair_span(data: bytes, pair: Pair) -> Span:
    start = line_start(data, pair.start)
    return Span(comments_above(data, start, pair.floor) or start, line_end(data, pair.value.end))


def _section_span(layout: Layout, section: Section) -> Span:
    data, after = layout.data, layout.next_section(section)
    stop = after.top if after else len(data)
    own = section.end
    while own < stop and data[own : line_end(data, own)].strip():
        own = line_end(data, own)
    rest = own
    while rest < stop and not data[rest : line_end(data, rest)].strip():
        rest = line_end(data, rest)
    return Span(section.top, rest)


def _inline_spans(outer: Pair, doomed: list[Pair]) -> list[Span]:
    """Each key goes with the comma after it; the last ones go with the comma before them."""
    pairs = outer.inner
    staying = [index for index, pair in enumerate(pairs) if pair not in doomed]
    if not staying:
        return [Span(outer.value.start + 1, outer.value.end - 1)]
    last = staying[-1]
    spans = [
        Span(pair.start, pairs[index + 1].start) for index, pair in enumerate(pairs[:last]) if index not in staying
    ]
    if last + 1 < len(pairs):
        spans.append(Span(pairs[last].value.end, pairs[-1].value.end))
    return spans


def _without(data: bytes, spans: list[Span]) -> bytes:
    """Without some ranges; empty lines that would then end the text go too."""
    if spans and max(spans, key=lambda span: span.end).end == len(data):
        kept = _replaced(data, [(span, b"") for span in spans])
        while kept.endswith(b"\n") and not line_before(kept, len(kept)):
            kept = kept[: line_start(kept, len(kept) - 1)]
        return kept
    return _replaced(data, [(span, b"") for span in spans])


# ── adding ─────────────────────────────────────────────────────────────────────────────────────


class _Lines(NamedTuple):
    """Lines to add before the one at ``at``."""

    at: int
    texts: list[str]


def _inserted(layout: Layout, path: KeyPath, value: str, newline: str) -> bytes:
    """A new key: in the inline table around it, among the keys of its table, else below a new header."""
    for depth in range(len(path) - 1, 0, -1):
        outer = layout.pair(path[:depth])
        if outer is not None:
            return _into_inline(layout.data, outer, f"{dotted(path[depth:])} = {value}")
    data, (at, lines) = layout.data, _lines(layout, path, value)
    new = "".join(line + newline for line in lines)
    if at and data[at - 1] != ord("\n"):
        new = newline + new
    return _replaced(data, [(Span(at, at), new.encode())])


def _lines(layout: Layout, path: KeyPath, value: str) -> _Lines:
    table = path[:-1]
    home = layout.section(table)
    if home is not None:
        return _into_section(layout, home, f"{key_part(path[-1])} = {value}")
    for depth in range(len(table), 0, -1):
        pairs = list(layout.pairs(table[:depth]))
        if pairs:
            beside = next((pair for pair in reversed(pairs) if pair.path[:-1] == table), pairs[-1])
            written = len(beside.path) - len(beside.name.spans)
            return _below_pair(layout.data, beside, f"{dotted(path[written:])} = {value}")
        if any(layout.below(table[:depth])):
            break
    return _below_new_header(layout, table, f"{key_part(path[-1])} = {value}")


def _into_inline(data: bytes, outer: Pair, entry: str) -> bytes:
    if outer.inner:
        at = outer.inner[-1].value.end
        return _replaced(data, [(Span(at, at), f", {entry}".encode())])
    at = outer.value.start + 1
    return _replaced(data, [(Span(at, at), (f" {entry} " if at == outer.value.end - 1 else f" {entry}").encode())])


def _into_section(layout: Layout, section: Section, entry: str) -> _Lines:
    pairs = section.pairs
    if pairs:
        plain = [pair for pair in pairs if len(pair.name.spans) == 1]
        return _below_pair(layout.data, (plain or pairs)[-1], entry)
    if section.path:
        return _Lines(section.keys_start, [entry])
    at = _below_head(layout.data)
    crowded = layout.data[at : line_end(layout.data, at)].strip() != b""
    return _Lines(at, [entry, ""] if crowded else [entry])


def _below_head(data: bytes) -> int:
    """Below the comments that a text begins with, unless they belong to what stands right under them."""
    at = 0
    while data.startswith(b"#", at):
        at = line_end(data, at)
    return 0 if data[at : line_end(data, at)].strip() else at


def _below_pair(data: bytes, pair: Pair, entry: str) -> _Lines:
    indent = data[line_start(data, pair.start) : pair.start].decode()
    return _Lines(line_end(data, pair.value.end), [indent + entry])


def _below_new_header(layout: Layout, table: KeyPath, entry: str) -> _Lines:
    """Before the tables below it; else after those of the nearest table around it, or at the end."""
    header = f"[{dotted(table)}]"
    for depth in range(len(table), 0, -1):
        near = list(layout.below(table[:depth]))
        if near:
            after = near[0] if depth == len(table) else layout.next_section(near[-1])
            break
    else:
        after = None
    at = after.top if after else len(layout.data)
    lines = [header, entry, ""] if after else [header, entry]
    return _Lines(at, ["", *lines] if line_before(layout.data, at) else lines)
