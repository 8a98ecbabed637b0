"""Values, key names and whole files as TOML writes them."""

import re
from typing import Any

import msgspec

Value = str | int | float | bool | list["Value"] | tuple["Value", ...] | dict[str, "Value"]

_BARE = re.compile(r"[A-Za-z0-9_-]+")


def literal(value: Value) -> str:
    """A value on one line; a dict is written as an inline table.

    Raises ``TypeError`` for what TOML has no form for, and ``ValueError`` for a text that is no Unicode.
    """
    match value:
        case str():
            # JSON's texts are TOML's too, but for one character
            return msgspec.json.encode(value).decode().replace("\x7f", "\\u007f")
        case bool():
            return "true" if value else "false"
        case int() | float():
            return repr(value)
        case list() | tuple():
            return f"[{', '.join(map(literal, value))}]"
        case dict() if value:
            return f"{{ {', '.join(f'{key_part(name)} = {literal(inner)}' for name, inner in value.items())} }}"
        case dict():
            return "{}"
        case _:
            raise TypeError(f"{type(value).__name__} has no form in TOML")


def key_part(name: str) -> str:
    """One part of a key, in quotes where it needs them."""
    return name if _BARE.fullmatch(name) else literal(name)


def dotted(path: tuple[str, ...]) -> str:
    """A whole key."""
    return ".".join(map(key_part, path))


def new_text(tree: dict[str, Any]) -> str:
    """The text of a whole new file, with line feeds as line ends."""
    import tomli_w  # noqa: PLC0415 - few commands write a new file

    return tomli_w.dumps(tree)
