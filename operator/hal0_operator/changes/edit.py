"""Edits of a TOML text that keep its comments and layout, checked against what they should mean.

Bytes are replaced where they stand, and the same edits are made on the decoded tree.  When the edited
text does not decode to the edited tree, the edit is refused: a layout that this does not understand
costs an answer, never a value.
"""

from collections.abc import Iterable, Iterator
from typing import Any, NamedTuple, assert_never

import tomli

from hal0_operator.changes.literal import Value, dotted, literal, new_text
from hal0_operator.changes.rewrite import dropped, renamed, with_value
from hal0_operator.model.problem import KeyPath

__all__ = ["CannotEdit", "Drop", "Edit", "Rename", "Set", "Value", "edited", "literal", "new_text"]


class Set(NamedTuple):
    """Give a key a value; it is added to its table when it is not there.

    A dict over a table that is there makes the table hold just these keys, each where it stands;
    elsewhere it is written as an inline table.
    """

    path: KeyPath
    value: Value


class Drop(NamedTuple):
    """Remove a key, or a table with all that is below it; nothing happens when it is not there."""

    path: KeyPath


class Rename(NamedTuple):
    """Give a key or a table another name in the same place; nothing happens when only the new one is there."""

    path: KeyPath
    name: str


Edit = Set | Drop | Rename


class CannotEdit(Exception):
    """The text cannot be edited safely; ``args[0]`` says what has to be done by hand, and why."""


def edited(text: str, edits: Iterable[Edit]) -> str:
    """``text`` with the edits made, one after the other; all else stays as it is, byte for byte.

    A byte order mark and CRLF line ends are kept.  Raises ``CannotEdit``, and ``tomli.TOMLDecodeError`` for a
    bad text.
    """
    bom, body = ("\ufeff", text[1:]) if text.startswith("\ufeff") else ("", text)
    try:
        tree = tomli.loads(body)
        data = body.encode()
    except tomli.TOMLDecodeError:
        raise
    except (RecursionError, ValueError) as error:
        raise CannotEdit(f"edit it by hand: it nests too deeply or holds what cannot be read ({error})") from error
    newline = "\r\n" if body.partition("\n")[0].endswith("\r") else "\n"
    for edit in edits:
        try:
            for step in _steps(tree, edit):
                data, tree = _step(data, tree, step, newline)
        except UnicodeEncodeError as error:
            raise CannotEdit("half a character, a surrogate, cannot be written: give the whole text") from error
        except (RecursionError, ValueError) as error:
            raise CannotEdit(f"{_wish(edit)} by hand: the file's layout is unusual there") from error
    return bom + data.decode()


def _step(data: bytes, tree: dict[str, Any], step: Edit, newline: str) -> tuple[bytes, dict[str, Any]]:
    """Text and tree after one edit.  Raises ``ValueError`` when they differ."""
    wanted = _on_tree(tree, step)
    data = _on_text(data, step, newline)
    tree = tomli.loads(data.decode())
    if isinstance(step, Drop):
        # a table may go with its last key, or stay
        same = _same(_without_hollow(tree, step.path), _without_hollow(wanted, step.path))
    else:
        same = _same(tree, wanted)
    if not same:
        raise ValueError
    return data, tree


def _wish(edit: Edit) -> str:
    match edit:
        case Set(path, value):
            return f"set {dotted(path)} = {literal(value)}"
        case Drop(path):
            return f"remove {dotted(path)}"
        case Rename(path, name):
            return f"rename {dotted(path)} to {name}"
        case _:
            assert_never(edit)


# ── the tree ───────────────────────────────────────────────────────────────────────────────────


_ABSENT = object()


def _steps(tree: dict[str, Any], edit: Edit) -> Iterator[Edit]:
    """What is left to do: nothing for what is so already, and keys one by one for a table that is there."""
    present = _at(tree, edit)
    match edit:
        case Set(path, dict(value)) if value and isinstance(present, dict):
            for name, inner in value.items():
                yield from _steps(tree, Set((*path, name), inner))
            yield from (Drop((*path, name)) for name in present if name not in value)
        case Set(_, value):
            if not _same(present, _plain(value)):
                yield edit
        case Drop(_):
            if present is not _ABSENT:
                yield edit
        case Rename(path, name):
            there = _at(tree, Drop((*path[:-1], name))) is not _ABSENT
            if there != (present is not _ABSENT):
                yield from () if there else (edit,)
            elif name != path[-1] or not there:
                why = f"{name} is there too" if there else "it is not there"
                raise CannotEdit(f"{_wish(edit)} by hand: {why}")
        case _:
            assert_never(edit)


def _at(tree: dict[str, Any], edit: Edit) -> object:
    """What stands at the edit's path, ``_ABSENT`` when nothing does."""
    found: object = tree
    for depth, part in enumerate(edit.path):
        if found is not _ABSENT and not isinstance(found, dict):
            if isinstance(edit, Set):
                raise CannotEdit(f"{_wish(edit)} by hand: {dotted(edit.path[:depth])} is not a table")
            return _ABSENT
        found = found.get(part, _ABSENT) if isinstance(found, dict) else _ABSENT
    return found


def _on_tree(tree: dict[str, Any], edit: Edit) -> dict[str, Any]:
    """The edited tree; the tables on the way to the edit are copied, all others are shared."""
    root = table = dict(tree)
    for part in edit.path[:-1]:
        table[part] = table = dict(table.get(part, {}))
    last = edit.path[-1]
    match edit:
        case Set(_, value):
            table[last] = _plain(value)
        case Drop(_):
            del table[last]
        case Rename(_, name):
            table[name] = table.pop(last)
        case _:
            assert_never(edit)
    return root


def _plain(value: Value) -> object:
    """A value as the decoder gives it back."""
    if isinstance(value, dict):
        return {name: _plain(inner) for name, inner in value.items()}
    return [_plain(inner) for inner in value] if isinstance(value, list | tuple) else value


def _same(one: object, other: object) -> bool:
    """Equal and of the same types throughout: 1, 1.0 and true are three values, and nan is one."""
    if isinstance(one, dict) and isinstance(other, dict):
        return one.keys() == other.keys() and all(_same(value, other[name]) for name, value in one.items())
    if isinstance(one, list) and isinstance(other, list):
        return len(one) == len(other) and all(map(_same, one, other))
    if isinstance(one, str) or isinstance(other, str):
        return one == other
    # numbers and dates: their forms tell -0.0 from 0.0, and two time zones of one moment
    return repr(one) == repr(other)


def _without_hollow(tree: dict[str, Any], path: KeyPath) -> dict[str, Any]:
    """The tree without the tables on a path that hold nothing."""
    if len(path) < 2 or path[0] not in tree:
        return tree
    rest = {name: value for name, value in tree.items() if name != path[0]}
    inner = _without_hollow(tree[path[0]], path[1:])
    return {**rest, path[0]: inner} if inner else rest


# ── the text ───────────────────────────────────────────────────────────────────────────────────


def _on_text(data: bytes, edit: Edit, newline: str) -> bytes:
    match edit:
        case Set(path, value):
            return with_value(data, path, literal(value), newline)
        case Drop(path):
            return dropped(data, path)
        case Rename(path, name):
            return renamed(data, path, name)
        case _:
            assert_never(edit)
