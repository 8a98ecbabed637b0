"""Key path to line and column, for files that have problems.

The text is parsed once more, by tree-sitter, which keeps places and gives up on no text.  It
never decides what a file means.
"""

from collections.abc import Iterable, Iterator, Mapping
from functools import cache
from itertools import islice
from typing import TYPE_CHECKING, NamedTuple

import msgspec

from hal0_operator.desired.source import SourceFile
from hal0_operator.model.problem import KeyPath, Position, Problem

if TYPE_CHECKING:
    from tree_sitter import Node, Parser

_BOM = b"\xef\xbb\xbf"
_MAX_DEPTH = 16
"""Of key names, inline tables and lists; what is deeper is found at its outer value."""
_MAX_ITEMS = 1000
"""Items of a list that have places of their own."""
_MAX_NAME = 1024
"""Bytes of a key, dots included; a longer one is taken as a single part."""
_START = Position(1, 1)


class Repeat(NamedTuple):
    """A key or table that stands twice."""

    path: KeyPath
    first: Position
    again: Position


class Index:
    """Where every key, value and table header of one text stands."""

    def __init__(self, data: bytes) -> None:
        data = data.removeprefix(_BOM)
        self._lines = data.split(b"\n")
        self._keys: dict[KeyPath, Position] = {}
        self._values: dict[KeyPath, Position] = {}
        self._headers: dict[KeyPath, Position] = {}
        self._dotted: set[KeyPath] = set()
        self._lists: dict[KeyPath, int] = {}
        self.repeats: list[Repeat] = []
        for node in parser().parse(data).root_node.children:
            if node.type == "pair":
                self._pair((), node, 0)
            elif node.type in {"table", "table_array_element"}:
                self._table(node)

    def key(self, path: KeyPath) -> Position | None:
        return self._keys.get(path)

    def value(self, path: KeyPath) -> Position | None:
        return self._values.get(path) or self._headers.get(path) or self._keys.get(path)

    def header(self, path: KeyPath) -> Position | None:
        """The nearest table around a path that is not there."""
        for end in range(len(path) - 1, 0, -1):
            place = self._headers.get(path[:end]) or self._keys.get(path[:end])
            if place is not None:
                return place
        return None

    def _at(self, node: "Node") -> Position:
        row, column = node.start_point
        line = self._lines[row] if row < len(self._lines) else b""
        return Position(row + 1, len(line[:column].decode(errors="replace")) + 1)

    def _table(self, node: "Node") -> None:
        name = next((child for child in node.children if child.type.endswith("_key")), None)
        if name is None:
            return
        path = self._name((), name)
        if node.type == "table_array_element":
            self._lists[path] = self._lists.get(path, -1) + 1
            path = (*path, str(self._lists[path]))
        elif path in self._headers or path in self._values or path in self._dotted:
            self._repeat(path, name)
        self._headers.setdefault(path, self._at(node))
        for child in node.children:
            if child.type == "pair":
                self._pair(path, child, 0)

    def _pair(self, outer: KeyPath, node: "Node", depth: int) -> None:
        name, *rest = (child for child in node.children if child.type not in {"=", "comment"})
        if not rest or not name.type.endswith("_key"):
            return
        path = self._name(outer, name)
        tables = [path[:end] for end in range(len(outer) + 1, len(path))]
        taken = next((table for table in tables if table in self._values), None)
        if taken is not None:
            self._repeat(taken, name)
        elif path in self._values or path in self._headers or path in self._dotted:
            self._repeat(path, name)
        self._dotted.update(tables)
        self._value(path, rest[0], depth)

    def _value(self, path: KeyPath, node: "Node", depth: int) -> None:
        self._values.setdefault(path, self._at(node))
        if depth >= _MAX_DEPTH:
            return
        if node.type == "inline_table":
            for child in node.children:
                if child.type == "pair":
                    self._pair(path, child, depth + 1)
        elif node.type == "array":
            items = (child for child in node.children if child.is_named and child.type != "comment")
            for index, child in enumerate(islice(items, _MAX_ITEMS)):
                self._value((*path, str(index)), child, depth + 1)

    def _name(self, outer: KeyPath, node: "Node") -> KeyPath:
        """The full path of a key; its parts are noted on the way."""
        path = outer
        for part in key_parts(node)[:_MAX_DEPTH]:
            path = (*path, key_text(part))
            self._keys.setdefault(path, self._at(part))
        return path

    def _repeat(self, path: KeyPath, name: "Node") -> None:
        self.repeats.append(Repeat(path, self._keys.get(path, _START), self._at(key_parts(name)[-1])))


def key_parts(node: "Node") -> list["Node"]:
    """The parts of a key, from left to right; tree-sitter nests ``a.b.c`` to the left."""
    parts: list[Node] = []
    if node.end_byte - node.start_byte > _MAX_NAME:
        return [node]
    while node.type == "dotted_key":
        *left, right = (child for child in node.children if child.type.endswith("_key"))
        parts.append(right)
        if not left:
            break
        node = left[0]
    else:
        parts.append(node)
    return parts[::-1]


def key_text(node: "Node") -> str:
    """What one part of a key says, without its quotes."""
    text = (node.text or b"").decode(errors="replace")
    if node.type != "quoted_key":
        return text
    return _unquoted(text)


def _unquoted(text: str) -> str:
    import tomli  # noqa: PLC0415 - quoted keys are rare

    try:
        return next(iter(tomli.loads(f"{text} = 0")))
    except (tomli.TOMLDecodeError, StopIteration):
        return text[1:-1]


@cache
def parser() -> "Parser":
    """The one parser of the process."""
    # loaded only when some file has problems or is edited: a good home never pays for it
    import tree_sitter_toml  # noqa: PLC0415
    from tree_sitter import Language, Parser  # noqa: PLC0415

    return Parser(Language(tree_sitter_toml.language()))


def first_repeat(data: bytes) -> Repeat | None:
    """The first key or table of a text that stands twice, None when all stand once."""
    return min(Index(data).repeats, key=lambda repeat: repeat.again, default=None)


def locate(problems: Iterable[Problem], files: Mapping[str, SourceFile]) -> tuple[Problem, ...]:
    """Fills ``at`` where it is missing: the key or value of the path, else the header of its
    table, else line 1.  ``files`` is by ``Problem.file``; problems of other files stay as they are.
    """
    indexes: dict[str, Index] = {}
    located = []
    for problem in problems:
        source = files.get(problem.file)
        if problem.at is not None or source is None:
            located.append(problem)
            continue
        if problem.file not in indexes:
            indexes[problem.file] = Index(source.data)
        at = _find(indexes[problem.file], problem) if problem.path else _START
        located.append(msgspec.structs.replace(problem, at=at))
    return tuple(located)


def _find(index: Index, problem: Problem) -> Position:
    spellings = tuple(_spellings(problem))
    look = index.key if problem.point == "key" else index.value
    for spelling in spellings:
        if place := look(spelling):
            return place
    for spelling in spellings:
        if place := index.header(spelling):
            return place
    return _START


def _spellings(problem: Problem) -> Iterator[KeyPath]:
    """A slot's keys may stand at the root or below ``[slot]``."""
    yield problem.path
    if problem.file not in {"profiles.toml", "capabilities.toml"} and problem.path[:1] != ("slot",):
        yield ("slot", *problem.path)
