"""``--set KEY=VALUE``: keys by their dotted names, values as TOML has them."""

import json
from collections.abc import Iterable
from typing import Any

import tomli

from hal0_operator.changes.wish import Keys
from hal0_operator.cli.options import Usage


def assigned(texts: Iterable[str], keys: Keys | None = None) -> Keys:
    """These assignments laid over ``keys``.

    A value that is no TOML value is text; nothing behind the ``=`` removes the key.  Raises ``Usage``.
    """
    found: Keys = dict(keys or {})
    for text in texts:
        name, equals, value = text.partition("=")
        if not equals:
            raise Usage(f"--set {text}: write KEY=VALUE; KEY= removes the key")
        put(found, _path(name), value_of(value) if value else None)
    return found


def put(keys: Keys, path: tuple[str, ...], value: Any) -> None:
    """Set a key below its tables.  Raises ``Usage`` where a table would be a value as well."""
    for part in path[:-1]:
        inner = keys.get(part)
        if inner is not None and not isinstance(inner, dict):
            raise Usage(f"{part} cannot be a value and hold {path[-1]} at once")
        keys[part] = keys = {**(inner or {})}
    if isinstance(keys.get(path[-1]), dict) and not isinstance(value, dict):
        raise Usage(f"{'.'.join(path)} cannot be a value and a table at once")
    keys[path[-1]] = value


def value_of(text: str) -> Any:
    """What JSON can carry of a TOML value, else the text itself."""
    try:
        # Between brackets a comment leaves the list open: what a person wrote is not cut short in silence.
        found = tomli.loads(f"value = [{text}]")
        json.dumps(found, allow_nan=False)
    except (tomli.TOMLDecodeError, TypeError, ValueError, RecursionError):
        return text
    alone = len(found) == 1 and len(found["value"]) == 1 and not text.rstrip().endswith(",")
    return found["value"][0] if alone else text


def _path(name: str) -> tuple[str, ...]:
    """Raises ``Usage`` for what is no key of TOML."""
    try:
        found: Any = tomli.loads(f"{name} = 0")
    except (tomli.TOMLDecodeError, RecursionError) as bad:
        raise Usage(f"--set {name}=…: `{name}` is no key: write names with dots between them") from bad
    path: list[str] = []
    while isinstance(found, dict):
        if len(found) != 1:
            raise Usage(f"--set {name}=…: `{name}` is no key: write names with dots between them")
        ((part, found),) = found.items()
        path.append(part)
    return tuple(path)
