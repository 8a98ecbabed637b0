"""The one reader that decides whether a text is TOML, and what it says when it is not."""

import re
from typing import Any, NamedTuple

import tomli

from hal0_operator.desired import positions
from hal0_operator.model.problem import KeyPath, Position

_BOM = b"\xef\xbb\xbf"
_MARKER = re.compile(r"^(<{7}|\|{7}|={7}|>{7})(?: .*)?$", re.MULTILINE)
_LEADING_ZERO = re.compile(r"[+-]?0+([0-9]+)")
_VALUE = re.compile(r"""^\s*(?:[^=\s"']|"[^"]*"|'[^']*'|[ \t])*?=\s*(?=\S)""")
"""A line up to the value of its key."""
_WORD = re.compile(r"[^\s#,\]}]+")
_BOOLEANS = frozenset({"true", "false", "yes", "no", "on", "off", "none", "null"})
_DEEP = 100
"""Nesting that no file of a home needs; the reader gives up some way beyond."""


class Fault(NamedTuple):
    """Why a text is no TOML, and where."""

    at: Position
    message: str
    hint: str = ""
    path: KeyPath = ()


def parse(data: bytes) -> dict[str, Any] | Fault:
    """Bytes of a TOML file, one byte order mark and CRLF line ends allowed."""
    data = data.removeprefix(_BOM)
    try:
        text = data.decode()
    except UnicodeDecodeError as error:
        return _undecodable(data, error)
    try:
        return tomli.loads(text)
    except tomli.TOMLDecodeError as error:
        at = Position(error.lineno, error.colno)
        return _conflict(text) or _repeated(data, error.msg, at) or _refined(text.split("\n"), error.msg, at)
    except RecursionError:
        return Fault(_deepest(text), "nested too deeply")
    except ValueError:
        # int() refuses thousands of digits, and tomli lets that through without a place
        return Fault(_place(text, _longest_number(text)), "a number with thousands of digits")


def is_blank(data: bytes) -> bool:
    """Nothing but comments and white space; such a text decodes to no keys at all."""
    return all(not line.strip() or line.lstrip().startswith(b"#") for line in data.removeprefix(_BOM).splitlines())


def _place(text: str, offset: int) -> Position:
    return Position(text.count("\n", 0, offset) + 1, offset - (text.rfind("\n", 0, offset)))


def _undecodable(data: bytes, error: UnicodeDecodeError) -> Fault:
    before = data[: error.start].decode()
    at = _place(before, len(before))
    if data[:2] in {b"\xff\xfe", b"\xfe\xff"}:
        return Fault(at, "not UTF-8 but UTF-16", "save the file as UTF-8")
    return Fault(at, f"not UTF-8: byte 0x{data[error.start]:02x}", "save the file as UTF-8")


def _conflict(text: str) -> Fault | None:
    marker = _MARKER.search(text)
    if marker is None:
        return None
    hint = "choose a side and remove the lines of <<<<<<<, ======= and >>>>>>>"
    return Fault(_place(text, marker.start()), "unresolved merge conflict: the file holds git's markers", hint)


def _repeated(data: bytes, message: str, at: Position) -> Fault | None:
    """A key or a table that stands twice: point at the second, name the first."""
    if not message.startswith(("Cannot", "Duplicate")):
        return None
    repeat = positions.first_repeat(data)
    if repeat is None:
        return Fault(at, "a key or a table is given twice", message)
    what = f"`{'.'.join(repeat.path)}`"
    return Fault(repeat.again, f"{what} is given twice", f"first set on line {repeat.first.line}", repeat.path)


def _deepest(text: str) -> Position:
    depth = 0
    for found in re.finditer(r"[\[\]{}]", text):
        depth += 1 if found[0] in "[{" else -1
        if depth > _DEEP:
            return _place(text, found.start())
    return Position(1, 1)


def _longest_number(text: str) -> int:
    found = re.search(r"[0-9a-fA-F_xob]{1000,}", text)
    return found.start() if found else 0


def _refined(lines: list[str], message: str, at: Position) -> Fault:
    """Tomli's own message with the place of the value and a way out, where one is plain."""
    line = lines[at.line - 1].rstrip("\r") if at.line <= len(lines) else ""
    here, value = line[at.column - 1 :], _VALUE.match(line)
    text = line[value.end() :] if value else ""
    start = Position(at.line, value.end() + 1) if value else at
    said = f"not valid TOML: {message[:1].lower()}{message[1:]}"
    word = _WORD.match(text)
    if word and (number := _LEADING_ZERO.fullmatch(word[0])):
        return Fault(start, "not valid TOML: a number may not begin with 0", f"write {number[1]}")
    if message == "Invalid value":
        return _no_value(here, at, said)
    if message.startswith("Expected '='"):
        yaml = here.startswith(":")
        return Fault(at, said, "TOML writes key = value" if yaml else "write key = value")
    if "'\\n'" in message or message == "Unterminated string":
        return Fault(start, "not valid TOML: a text is not closed", "end it with the quote that began it, \" or '")
    if message.startswith("Unescaped"):
        return Fault(start, said, "write \\\\ for \\, or put the text into single quotes")
    if message.startswith("Expected newline"):
        # a value that goes on where it should end, `8081.` or `2024-13-45`, is pointed at whole
        within = value is not None and not line[at.column - 2 : at.column - 1].isspace() and here[:1] not in "\"'"
        return Fault(start if within else at, said, "one key a line, and texts in quotes")
    return Fault(at, said)


def _no_value(here: str, at: Position, said: str) -> Fault:
    word = _WORD.match(here)
    if word is None:
        return Fault(at, "not valid TOML: a value is missing", "write one after the =")
    if word[0].lower() in _BOOLEANS:
        return Fault(at, said, "write true or false, in lower case and without quotes")
    if word[0][0] in "“”„‘’«`":
        return Fault(at, said, 'use straight quotes: "…"')
    if word[0][0] in "[{":
        return Fault(at, said)
    return Fault(at, said, 'quote it: "…"')  # not repeated: it may be a secret
