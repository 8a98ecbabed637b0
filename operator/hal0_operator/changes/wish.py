"""What a person asks of a home.

``keys`` are keys as the file has them, tables nested, values as TOML and JSON share them; ``None`` removes a
key, and what is not named stays as it is.
"""

from typing import Any

import msgspec

Keys = dict[str, Any]


def without_removals(keys: Keys) -> Keys:
    """The keys that are given a value, in tables too."""
    inner = {name: without_removals(value) if isinstance(value, dict) else value for name, value in keys.items()}
    return {name: value for name, value in inner.items() if value is not None}


class SetCapability(msgspec.Struct, frozen=True):
    """``child`` is dotted: ``voice.tts``.  Keys: enabled, device, model, provider, and legacy ``backend``."""

    child: str
    keys: Keys


class CreateSlot(msgspec.Struct, frozen=True):
    name: str
    keys: Keys


class EditSlot(msgspec.Struct, frozen=True):
    name: str
    keys: Keys


class DeleteSlot(msgspec.Struct, frozen=True):
    name: str


class CreateProfile(msgspec.Struct, frozen=True):
    """``source``, where given, is a profile of the catalogue whose keys are copied; ``keys`` are laid over them."""

    name: str
    keys: Keys
    source: str = ""


class EditProfile(msgspec.Struct, frozen=True):
    """``whole``: keys that are not named go."""

    name: str
    keys: Keys
    whole: bool = False


class DeleteProfile(msgspec.Struct, frozen=True):
    name: str


class ReplaceFiles(msgspec.Struct, frozen=True):
    """Whole new contents by file, from an editor or a migration; ``None`` deletes the file."""

    contents: dict[str, bytes | None]


Wish = SetCapability | CreateSlot | EditSlot | DeleteSlot | CreateProfile | EditProfile | DeleteProfile | ReplaceFiles


def told(wish: Wish) -> str:
    """The wish in a few words, for events."""
    match wish:
        case SetCapability(child=child, keys=keys):
            return f"set capability {child}: {_named(keys)}"
        case CreateSlot(name=name):
            return f"create slot {name}"
        case EditSlot(name=name, keys=keys):
            return f"edit slot {name}: {_named(keys)}"
        case DeleteSlot(name=name):
            return f"delete slot {name}"
        case CreateProfile(name=name, source=source):
            return f"create profile {name}" + (f" from {source}" if source else "")
        case EditProfile(name=name, keys=keys):
            return f"edit profile {name}: {_named(keys)}"
        case DeleteProfile(name=name):
            return f"delete profile {name}"
        case ReplaceFiles(contents=contents):
            return f"new contents for {', '.join(sorted(contents))}"


def _named(keys: Keys) -> str:
    """Names alone: a value may be a secret."""
    return ", ".join(sorted(keys))
