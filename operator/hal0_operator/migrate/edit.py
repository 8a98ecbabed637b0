"""Small edits of a TOML text that keep its comments and layout, checked against what they should mean.

The text is edited line by line, and the same edits are made on the decoded tree.  When the edited text
does not decode to the edited tree, the edit is refused: a layout that this does not understand costs an
answer, never a value.
"""

import copy
import re
from collections.abc import Iterable
from typing import Any, NamedTuple, assert_never

import msgspec
import tomli

from hal0_operator.model.problem import KeyPath

Scalar = str | int | bool


class Set(NamedTuple):
    """Give a key a value; it is added to its table when it is not there."""

    path: KeyPath
    value: Scalar


class Drop(NamedTuple):
    """Remove a key, or a table with all that is below it."""

    path: KeyPath


class Rename(NamedTuple):
    """Give a key or a table another name in the same place."""

    path: KeyPath
    name: str


Edit = Set | Drop | Rename


class CannotEdit(Exception):
    """The text is laid out in a way that cannot be edited safely; ``args[0]`` says what was wanted."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with the edits made.  Raises ``CannotEdit``, and ``tomli.TOMLDecodeError`` for a bad text."""
    bom, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    tree = tomli.loads(body)
    for edit in edits:
        tree = _on_tree(tree, edit)
        body = _on_text(body, edit)
        try:
            same = _pruned(tomli.loads(body)) == _pruned(tree)
        except tomli.TOMLDecodeError:
            same = False
        if not same:
            raise CannotEdit(f"{_wish(edit)} by hand: the file's layout is unusual there")
    return bom + body


def _wish(edit: Edit) -> str:
    match edit:
        case Set(path, value):
            return f"set {'.'.join(path)} = {literal(value)}"
        case Drop(path):
            return f"remove {'.'.join(path)}"
        case Rename(path, name):
            return f"rename {'.'.join(path)} to {name}"
        case _:
            assert_never(edit)


def literal(value: Scalar) -> str:
    """A value as TOML writes it; JSON's numbers and switches are TOML's too, and its texts but for one character."""
    return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")


def _on_tree(tree: dict[str, Any], edit: Edit) -> dict[str, Any]:
    tree = copy.deepcopy(tree)
    table = tree
    for part in edit.path[:-1]:
        table = table.setdefault(part, {})
    last = edit.path[-1]
    match edit:
        case Set(_, value):
            table[last] = value
        case Drop(_):
            del table[last]
        case Rename(_, name):
            table[name] = table.pop(last)
        case _:
            assert_never(edit)
    return tree


def _pruned(tree: dict[str, Any]) -> dict[str, Any]:
    """Without empty tables: the last key of a table takes its header along, and no file here cares."""
    inner = {name: _pruned(value) if isinstance(value, dict) else value for name, value in tree.items()}
    return {name: value for name, value in inner.items() if value != {}}


# ── the text ───────────────────────────────────────────────────────────────────────────────────

_PART = r"""(?:[A-Za-z0-9_-]+|"(?:[^"\\\n]|\\.)*"|'[^'\n]*')"""
_DOTTED = rf"{_PART}(?:[ \t]*\.[ \t]*{_PART})*"
_HEADER = re.compile(rf"[ \t]*\[[ \t]*({_DOTTED})[ \t]*\][ \t]*(?:#.*)?\r?\n?")
_KEY = re.compile(rf"[ \t]*({_DOTTED})[ \t]*=[ \t]*")
_VALUE = re.compile(r"""("(?:[^"\\\n]|\\.)*"|'[^'\n]*'|[^#\r\n"']*?)([ \t]*(?:#[^\r\n]*)?\r?\n?)""")

_ROW = re.compile(r"[^\n]*\n|[^\n]+")


class _Line(NamedTuple):
    """A header or a key with where its name stands; ``end`` is the line after its last one."""

    header: bool
    path: KeyPath
    depth: int
    start: int
    end: int
    name: tuple[int, int]


def _on_text(text: str, edit: Edit) -> str:
    rows = _ROW.findall(text)
    lines = _lines(rows)
    match edit:
        case Set(path, value):
            _set(rows, lines, path, value)
        case Drop(path):
            _drop(rows, lines, path)
        case Rename(path, name):
            _rename(rows, lines, path, name)
        case _:
            assert_never(edit)
    return "".join(rows)


def _lines(rows: list[str]) -> list[_Line]:
    """Headers and keys in order.  Rows that are neither belong to the value before them."""
    found: list[_Line] = []
    table: KeyPath = ()
    for number, row in enumerate(rows):
        header = _HEADER.fullmatch(row)
        match = header or _KEY.match(row)
        if match is None:
            if found and not found[-1].header and row.strip() and not row.lstrip().startswith("#"):
                found[-1] = found[-1]._replace(end=number + 1)
            continue
        parts = tuple(next(iter(tomli.loads(f"{part} = 0"))) for part in re.findall(_PART, match[1]))
        path = parts if header else (*table, *parts)
        table = path if header else table
        found.append(_Line(header is not None, path, len(path) - len(parts), number, number + 1, match.span(1)))
    return found


def _set(rows: list[str], lines: list[_Line], path: KeyPath, value: Scalar) -> None:
    there = next((line for line in lines if not line.header and line.path == path), None)
    if there is None:
        _insert(rows, lines, path, value)
        return
    row = rows[there.start]
    key = _KEY.match(row)
    old = _VALUE.fullmatch(row, key.end()) if key else None
    if old is not None:
        rows[there.start] = row[: old.start(1)] + literal(value) + old[2]


def _insert(rows: list[str], lines: list[_Line], path: KeyPath, value: Scalar) -> None:
    """After the last key of its table, else right below the table's header, else in a new table at the end."""
    newline = "\r\n" if rows and rows[0].endswith("\r\n") else "\n"
    if rows and not rows[-1].endswith("\n"):
        rows[-1] += newline
    own = [line for line in lines if not line.header and line.path[:-1] == path[:-1]]
    header = next((line for line in lines if line.header and line.path == path[:-1]), None)
    depth = own[-1].depth if own else len(path) - 1
    new = f"{'.'.join(path[depth:])} = {literal(value)}{newline}"
    if own:
        rows.insert(own[-1].end, new)
    elif header is not None:
        rows.insert(header.end, new)
    elif len(path) == 1:
        rows.insert(_below_head(rows), new)
    else:
        rows += [newline] * bool(rows) + [f"[{'.'.join(path[:-1])}]{newline}", new]


def _below_head(rows: list[str]) -> int:
    """Below the comments that a file begins with, unless they belong to what stands right under them."""
    end = next((number for number, row in enumerate(rows) if not row.lstrip().startswith("#")), len(rows))
    return end if end == len(rows) or not rows[end].strip() else 0


def _drop(rows: list[str], lines: list[_Line], path: KeyPath) -> None:
    """Comments right above what goes belong to it; those right above what follows stay."""
    headers = [line for line in lines if line.header]
    doomed: set[int] = set()
    for line in lines:
        if line.path[: len(path)] == path and not line.header:
            doomed.update(range(line.start, line.end))
    for index, header in enumerate(headers):
        if header.path[: len(path)] == path:
            end = _above(rows, headers[index + 1].start) if index + 1 < len(headers) else len(rows)
            doomed.update(range(_above(rows, header.start), end))
    rows[:] = [row for number, row in enumerate(rows) if number not in doomed]


def _above(rows: list[str], start: int) -> int:
    """The first of the comment rows that stand right above a row."""
    while start > 0 and rows[start - 1].lstrip().startswith("#"):
        start -= 1
    return start


def _rename(rows: list[str], lines: list[_Line], path: KeyPath, name: str) -> None:
    for line in lines:
        at = len(path) - 1 - line.depth
        if line.path[: len(path)] != path or at < 0:
            continue
        row = rows[line.start]
        start, end = line.name
        parts = list(re.finditer(_PART, row[start:end]))
        rows[line.start] = row[: start + parts[at].start()] + name + row[start + parts[at].end() :]
