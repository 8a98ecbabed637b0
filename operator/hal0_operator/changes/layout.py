"""Where headers, keys and values of one TOML text stand, as ranges of bytes.

The text is one that the decoder has taken.  Only what is asked for is looked at: the keys of a
section, and those of an inline table, are collected when they are first needed.
"""

import re
from collections.abc import Iterator
from functools import cached_property
from itertools import accumulate, chain, pairwise
from typing import TYPE_CHECKING, NamedTuple

from hal0_operator.desired.positions import key_parts, key_text, parser
from hal0_operator.model.problem import KeyPath

if TYPE_CHECKING:
    from tree_sitter import Node


_PLAIN = re.compile(rb"[A-Za-z0-9_-]+(?:\.[A-Za-z0-9_-]+)*")
"""A key without quotes and white space; most are so, and need no look at their parts."""
_NEW_ESCAPE = re.compile(rb"\\(?:e|x([0-9A-Fa-f]{2})|.)")
_SHORT_TIME = re.compile(
    rb"(?<![\d:+-])(?:\d{4}-\d\d-\d\d[Tt ])?\d\d:\d\d(?![\d:])(?:[Zz]|[+-]\d\d:\d\d)?",
)


class Span(NamedTuple):
    """From the first byte to behind the last."""

    start: int
    end: int


class Name(NamedTuple):
    """A key or a header's name: the full path, and where the parts stand that are written here."""

    path: KeyPath
    spans: tuple[Span, ...]

    def span_of(self, depth: int) -> Span | None:
        """Where the part at that depth of the path is written, ``None`` when a table around this one has it."""
        at = depth - (len(self.path) - len(self.spans))
        return self.spans[at] if at >= 0 else None


class Pair:
    """A key with its value.

    ``floor`` is where the lines begin that nothing before it claims, ``outer`` the key of the inline table
    that it stands in.
    """

    def __init__(self, node: "Node", name: Name, value: "Node", floor: int, outer: "Pair | None") -> None:
        self.name = name
        self.path = name.path
        self.start = node.start_byte
        self.value = Span(value.start_byte, value.end_byte)
        self.floor = floor
        self.outer = outer
        self._node = value

    @cached_property
    def inner(self) -> "tuple[Pair, ...]":
        """The keys of an inline table, none for any other value."""
        if self._node.type != "inline_table":
            return ()
        return tuple(Pair(child, name, value, 0, self) for child, name, value in _pairs(self._node, self.path))


class Section:
    """A header with the keys below it; the first one of a text is the root, which has no header."""

    def __init__(self, data: bytes, node: "Node", name: Name, before: "Section | None") -> None:
        self.name = name
        self.path = name.path
        self.before = before
        self._data = data
        self._node = node

    @property
    def start(self) -> int:
        """Where the line of the header begins; 0 for the root."""
        return line_start(self._data, self.name.spans[0].start) if self.name.spans else 0

    @cached_property
    def keys_start(self) -> int:
        """Where the line below the header begins; 0 for the root."""
        return line_end(self._data, self.name.spans[-1].end) if self.name.spans else 0

    @cached_property
    def pairs(self) -> tuple[Pair, ...]:
        found: list[Pair] = []
        floor = self.keys_start
        for child, name, value in _pairs(self._node, self.path):
            found.append(Pair(child, name, value, floor, None))
            floor = line_end(self._data, value.end_byte)
        return tuple(found)

    @property
    def end(self) -> int:
        """Where the line below the last key begins, or the one below the header."""
        return line_end(self._data, self.pairs[-1].value.end) if self.pairs else self.keys_start

    @property
    def top(self) -> int:
        """Where the comments right above the header begin."""
        return comments_above(self._data, self.start, self.before.end if self.before else 0)


class Layout:
    """The sections of a text in order."""

    def __init__(self, text: bytes) -> None:
        self.data = text
        document = parser().parse(text).root_node
        if document.has_error:
            document = parser().parse(_older(text)).root_node
        self.sections = [Section(text, document, Name((), ()), None)]
        for node in document.children:
            key = node.child(1) if node.type in {"table", "table_array_element"} else None
            if key is not None:
                self.sections.append(Section(text, node, _name((), key), self.sections[-1]))
        self._at: dict[KeyPath, list[Section]] = {}
        for section in self.sections:
            self._at.setdefault(section.path, []).append(section)

    def section(self, path: KeyPath) -> Section | None:
        """The section of a table; of an array of tables, its first element."""
        return next(iter(self._at.get(path, ())), None)

    def below(self, path: KeyPath) -> Iterator[Section]:
        """The sections of a table and of all tables below it."""
        return (section for section in self.sections if section.path[: len(path)] == path)

    def pair(self, path: KeyPath) -> Pair | None:
        """The key that gives a path its value in one piece."""
        return next((pair for pair in self.pairs(path) if pair.path == path), None)

    def pairs(self, path: KeyPath) -> Iterator[Pair]:
        """The keys at a path or below it that stand outside of its own headers; the outermost ones only."""
        sections = chain.from_iterable(self._at.get(path[:depth], ()) for depth in range(len(path)))
        for section in sections:
            yield from _reaching(section.pairs, path)

    def next_section(self, section: Section) -> Section | None:
        return next((after for before, after in pairwise(self.sections) if before is section), None)


def _older(text: bytes) -> bytes:
    """The same layout without what TOML 1.1 has and the parser does not know: new escapes, times without seconds.

    Only lengths count here; what stands in comments and plain texts may change too.
    """
    text = _NEW_ESCAPE.sub(lambda found: b"\\n" + (found[1] or b"") if found[0][1:2] in b"ex" else found[0], text)
    return _SHORT_TIME.sub(lambda found: b"1" * len(found[0]), text)


def _reaching(pairs: tuple[Pair, ...], path: KeyPath) -> Iterator[Pair]:
    for pair in pairs:
        if pair.path[: len(path)] == path:
            yield pair
        elif path[: len(pair.path)] == pair.path:
            yield from _reaching(pair.inner, path)


def _pairs(table: "Node", outer: KeyPath) -> "Iterator[tuple[Node, Name, Node]]":
    for node in table.children:
        if node.type != "pair":
            continue
        key, *rest = (child for child in node.children if child.type not in {"=", "comment"})
        if rest and key.type.endswith("_key"):
            yield node, _name(outer, key), rest[0]


def _name(outer: KeyPath, key: "Node") -> Name:
    text = key.text or b""
    if _PLAIN.fullmatch(text):
        words = text.split(b".")
        starts = accumulate((len(word) + 1 for word in words[:-1]), initial=key.start_byte)
        spans = tuple(Span(start, start + len(word)) for start, word in zip(starts, words, strict=True))
        return Name((*outer, *text.decode().split(".")), spans)
    parts = key_parts(key)
    path = (*outer, *map(key_text, parts))
    return Name(path, tuple(Span(part.start_byte, part.end_byte) for part in parts))


# ── lines ──────────────────────────────────────────────────────────────────────────────────────


def line_start(data: bytes, at: int) -> int:
    """Where the line begins that holds a byte."""
    return data.rfind(b"\n", 0, at) + 1


def line_end(data: bytes, at: int) -> int:
    """Where the line after that of a byte begins, or the text ends."""
    return data.find(b"\n", at) + 1 or len(data)


def line_before(data: bytes, start: int) -> bytes:
    """The line that ends where another one begins, without white space around it."""
    return data[line_start(data, start - 1) : start].strip() if start else b""


def comments_above(data: bytes, start: int, floor: int) -> int:
    """The beginning of the comment lines right above the line at ``start``, none of them above ``floor``."""
    while start > floor and line_before(data, start).startswith(b"#"):
        start = line_start(data, start - 1)
    return start
