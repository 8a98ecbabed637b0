"""Text for people and programs: tables, JSON, colour, and control characters made harmless."""

import difflib
import os
import sys
import unicodedata
from collections.abc import Iterable, Sequence
from typing import TextIO

UNSAFE = frozenset(("Cc", "Cf", "Cs", "Zl", "Zp"))
"""Unicode categories that move a cursor, reorder or hide text."""

DIFF_COLOURS = {"+": "green", "-": "red", "@": "grey"}
"""Of a unified diff's rows, by their first character."""

COLOURS = {"red": "31", "green": "32", "yellow": "33", "blue": "34", "grey": "90", "bold": "1"}


def neutral(text: str) -> str:
    """``text`` on one line, with every control and formatting character as a visible escape."""
    if text.isascii() and text.isprintable():
        return text
    return "".join(c if unicodedata.category(c) not in UNSAFE else _escape(c) for c in text)


def _escape(char: str) -> str:
    code = ord(char)
    named = {"\n": r"\n", "\t": r"\t", "\r": r"\r"}
    if code < 0x100:
        return named.get(char) or f"\\x{code:02x}"
    return f"\\u{code:04x}" if code < 0x10000 else f"\\U{code:08x}"


def write_line(text: str, stream: TextIO | None = None) -> None:
    """One neutral line, flushed when it ends what a reader may wait for."""
    out = stream or sys.stdout
    out.write(neutral(text) + "\n")


def table(rows: Sequence[Sequence[str]], header: Sequence[str]) -> list[str]:
    """Aligned lines, header first, two spaces between columns; empty cells show as ``-``."""
    cells = [[neutral(cell) or "-" for cell in row] for row in (header, *rows)]
    widths = [max(len(row[i]) for row in cells) for i in range(len(header))]
    return ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]


def colourful(stream: TextIO) -> bool:
    """Colour only on a terminal that understands it, and never against ``NO_COLOR``."""
    return stream.isatty() and not os.environ.get("NO_COLOR") and os.environ.get("TERM", "") not in ("", "dumb")


def paint(text: str, colour: str, on: bool) -> str:
    return f"\x1b[{COLOURS[colour]}m{text}\x1b[0m" if on and colour else text


def did_you_mean(word: str, known: Iterable[str]) -> str:
    """``, did you mean 'get'?`` or nothing."""
    near = difflib.get_close_matches(word, list(known), n=1, cutoff=0.6)
    return f", did you mean {near[0]!r}?" if near else ""
