"""What a key's value may be: each rule reads a value and describes it as JSON Schema.

``read`` returns the value as the structs hold it, or ``None`` when the key counts as absent:
blank text, or a fault that it has reported.
"""

import re
import shlex
from collections.abc import Mapping
from typing import Any, Protocol

import msgspec

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.suggest import closest
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.userinfo import starred

_CONTROL = re.compile(r"[\x00-\x08\x0b\x0c\x0e-\x1f\x7f]")
"""What neither an argument of a program nor a terminal should get; tab and line ends may stay."""

LONGEST = 4_096
"""Characters of a text, as of a path; of flags, ``LONGEST_WORDS``."""
LONGEST_WORDS = 65_536

MAX_SECONDS = 366 * 24 * 3600
"""A year: what is longer was meant in another unit."""


class Rule(Protocol):
    """A kind of value."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> Any: ...

    def schema(self) -> dict[str, Any]: ...


def kind_of(value: object) -> str:
    """What a decoded value is, in a reader's words; values themselves may be secrets."""
    match value:
        case bool():
            return "true or false"
        case int():
            return "a whole number"
        case float():
            return "a decimal number"
        case str():
            return "text"
        case list():
            return "a list"
        case dict():
            return "a table"
        case _:
            return "a date or time"


def refuse_kind(value: object, wants: str, faults: Faults, path: KeyPath, hint: str = "") -> None:
    faults.value(path, f"`{dotted(path)}` must be {wants}, not {kind_of(value)}", hint)


def carried(text: str, faults: Faults, path: KeyPath) -> bool:
    """Whether text can go where texts go; reports it when not."""
    if _CONTROL.search(text):
        faults.value(path, f"`{dotted(path)}` holds a control character", "remove it")
        return False
    return True


class Text(msgspec.Struct, frozen=True):
    """Text; blank is absent.  ``pattern`` and ``wants`` narrow it, ``longest`` bounds its characters."""

    pattern: str = ""
    wants: str = "text"
    hint: str = ""
    longest: int = LONGEST

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        if type(value) is not str:
            hint = "" if isinstance(value, list | dict) else f'quote it: {path[-1]} = "…"'
            refuse_kind(value, self.wants, faults, path, hint)
            return None
        if not value or value.isspace():
            return None
        if not carried(value, faults, path):
            return None
        if len(value) > self.longest:
            faults.value(path, f"`{dotted(path)}` has {len(value)} characters, more than {self.longest}")
            return None
        if self.pattern and (not re.search(self.pattern, value) or "\n" in value):
            faults.value(path, f"`{dotted(path)}` must be {self.wants}", self.hint)
            return None
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string"} | ({"pattern": f"^$|{self.pattern}"} if self.pattern else {})


MODEL_NAME = Text(r"^[^-]", "text that begins with no `-`", "what begins so is a flag to its server")


class Words(msgspec.Struct, frozen=True):
    """Text that is split like a shell's words, and kept as written."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        if isinstance(value, list):
            refuse_kind(value, "text", faults, path, "write the flags as one text")
            return None
        text = Text(longest=LONGEST_WORDS).read(value, faults, path)
        if text is not None and not _UNQUOTED.isdisjoint(text):
            try:
                shlex.split(text)
            except ValueError as error:
                what = "a quote that is not closed" if "quotation" in str(error) else "nothing after its last `\\`"
                hint = "it is split like words in a shell: close the quote or escape it"
                faults.value(path, f"`{dotted(path)}` has {what}", hint)
                return None
        return text

    def schema(self) -> dict[str, Any]:
        return {"type": "string"}


_UNQUOTED = frozenset("\"'\\")


class Choice(msgspec.Struct, frozen=True):
    """One of some words; blank is absent.  ``meant`` maps words of old to what they mean now."""

    options: tuple[str, ...]
    code: str = ""
    meant: Mapping[str, str] = {}

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        if type(value) is not str:
            one = ", ".join(self.options)
            refuse_kind(value, f"one of {one}", faults, path, f'quote it: {path[-1]} = "{self.options[0]}"')
            return None
        if value in self.options:
            return value
        if not value or value.isspace():
            return None
        near = self.meant.get(value.strip().casefold()) or closest(value, self.options)
        choices = f"one of: {', '.join(self.options)}"
        hint = f"did you mean `{near}`? {choices}" if near else choices
        faults.value(path, f"`{dotted(path)}` is `{clipped(value)}`, which is unknown", hint, self.code)
        return None

    def schema(self) -> dict[str, Any]:
        return {"enum": [*self.options, ""]}


class Whole(msgspec.Struct, frozen=True):
    """A whole number from ``low`` to ``high``."""

    low: int
    high: int = 2**31 - 1
    hint: str = ""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> int | None:
        if type(value) is not int:
            refuse_kind(value, "a whole number", faults, path, self._written(value, path))
            return None
        if not self.low <= value <= self.high:
            span = f"from {self.low} to {self.high}"
            figure = str(value) if abs(value) < 10**20 else "far beyond it"
            faults.value(path, f"`{dotted(path)}` must be {span}, not {figure}", self.hint)
            return None
        return value

    def _written(self, value: object, path: KeyPath) -> str:
        if isinstance(value, float) and value.is_integer():
            return f"write {path[-1]} = {int(value)}"
        if isinstance(value, str) and value.strip().isdecimal():
            return f"without quotes: {path[-1]} = {value.strip()}"
        return ""

    def schema(self) -> dict[str, Any]:
        return {"type": "integer", "minimum": self.low, "maximum": self.high}


class Number(msgspec.Struct, frozen=True):
    """A finite number, whole or decimal, from ``low`` (or above it) to ``high``."""

    wants: str
    low: float = 0
    high: float = MAX_SECONDS
    above: bool = False

    def read(self, value: Any, faults: Faults, path: KeyPath) -> float | None:
        if type(value) not in (int, float):
            hint = f"without quotes and unit: {path[-1]} = 30" if isinstance(value, str) else ""
            refuse_kind(value, self.wants, faults, path, hint)
            return None
        good = value > self.low if self.above else value >= self.low
        # neither holds for nan
        if not (good and value <= self.high):
            least = "more than" if self.above else "at least"
            faults.value(path, f"`{dotted(path)}` must be {least} {self.low:g} and at most {self.high:.0f}")
            return None
        return float(value)

    def schema(self) -> dict[str, Any]:
        least = "exclusiveMinimum" if self.above else "minimum"
        return {"type": "number", least: self.low, "maximum": self.high}


SECONDS = Number("a number of seconds")
SOME_SECONDS = Number("a number of seconds", above=True)


class Switch(msgspec.Struct, frozen=True):
    """``true`` or ``false``."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> bool | None:
        if type(value) is bool:
            return value
        hint = f"write {path[-1]} = true or {path[-1]} = false, without quotes"
        refuse_kind(value, "true or false", faults, path, hint)
        return None

    def schema(self) -> dict[str, Any]:
        return {"type": "boolean"}


class Many(msgspec.Struct, frozen=True):
    """A list of texts; every bad item is reported by its index."""

    item: Text

    def read(self, value: Any, faults: Faults, path: KeyPath) -> tuple[str, ...] | None:
        if type(value) is not list:
            hint = f'write {path[-1]} = ["…"]' if isinstance(value, str) else ""
            refuse_kind(value, "a list of texts", faults, path, hint)
            return None
        read = []
        for index, item in enumerate(value):
            place = (*path, str(index))
            text = self.item.read(item, faults, place)
            if text is not None:
                read.append(text)
            elif isinstance(item, str) and (not item or item.isspace()):
                faults.value(place, f"`{dotted(path)}` has a blank item", "remove it")
        return tuple(read)

    def schema(self) -> dict[str, Any]:
        item = {"type": "string", "minLength": 1}
        return {"type": "array", "items": item | ({"pattern": self.item.pattern} if self.item.pattern else {})}


class Anything(msgspec.Struct, frozen=True):
    """Whatever hal0 wrote there: it has no effect here."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> Any:  # noqa: ARG002 - a Rule
        return value

    def schema(self) -> dict[str, Any]:
        return {}


def clipped(text: str, limit: int = 40) -> str:
    """Text of a home as a message may repeat it: one short printable line, without the password of an address."""
    line = "".join(c if c.isprintable() else "·" for c in starred(text)[: limit + 1])
    return line if len(line) <= limit else line[:limit] + "…"
