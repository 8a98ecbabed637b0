"""Problems are data: what is wrong, with which object, and where its key stands."""

from collections.abc import Iterable
from typing import Literal

import msgspec

Severity = Literal["error", "warning"]

KeyPath = tuple[str, ...]
"""A key's path inside its file, as decoded: ``("model", "context_size")``."""

ObjectKey = str
"""An object of admission: ``slot/chat``, ``profile/rocm`` or ``capability/voice.stt``."""


def slot_key(name: str) -> ObjectKey:
    return f"slot/{name}"


def profile_key(name: str) -> ObjectKey:
    return f"profile/{name}"


def capability_key(child: str) -> ObjectKey:
    """``child`` is dotted: ``voice.stt``."""
    return f"capability/{child}"


class Position(msgspec.Struct, frozen=True, order=True):
    """A place in a text; both count from 1, columns in characters."""

    line: int
    column: int


class Problem(msgspec.Struct, frozen=True, kw_only=True):
    """One fault of a home.

    ``file`` is relative to the home.  ``path`` names the key; ``point`` says whether the key
    itself (unknown, duplicate) or its value is to blame.  ``at`` is filled by
    ``desired.positions`` for files that have problems, or by the decoder for syntax errors.
    ``parties`` are the objects that cannot be admitted while an error stands.
    """

    code: str
    message: str
    file: str = ""
    path: KeyPath = ()
    hint: str = ""
    severity: Severity = "error"
    point: Literal["key", "value"] = "value"
    at: Position | None = None
    parties: tuple[ObjectKey, ...] = ()

    @property
    def address(self) -> str:
        """``slots/chat.toml:3:8``, as far as it is known."""
        if self.at is None:
            return self.file
        return f"{self.file}:{self.at.line}:{self.at.column}"


def errors(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    return tuple(p for p in problems if p.severity == "error")


def sort_key(problem: Problem) -> tuple[str, int, int, str, str]:
    """The order in which problems are shown: by file, then place, then code."""
    at = problem.at or Position(0, 0)
    return (problem.file, at.line, at.column, problem.code, problem.message)
