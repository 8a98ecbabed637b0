"""Tables of keys: the one definition of a key's meaning, for the decoder and for the schemas."""

from __future__ import annotations

from collections.abc import Mapping
from typing import Any

import msgspec

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.rules import Rule, refuse_kind
from hal0_operator.desired.suggest import closest
from hal0_operator.model.problem import KeyPath


class Key(msgspec.Struct, frozen=True):
    """One key.

    ``field`` is the struct's field that holds the value, ``""`` where it is accepted and not kept.
    ``ignored`` marks what hal0 knew and what has no effect here, ``deprecated`` what still has one.
    ``table`` are the keys where the value may be a table as well.
    """

    rule: Rule
    about: str
    field: str = ""
    ignored: bool = False
    deprecated: bool = False
    table: Table | None = None


class Table(msgspec.Struct, frozen=True):
    """Keys by name; ``strangers`` are hints for keys that people write here by mistake.

    ``field`` keeps the table's values apart, as one mapping of that name.
    """

    about: str
    keys: dict[str, Key | Table]
    strangers: Mapping[str, str] = {}
    field: str = ""


class Found(msgspec.Struct):
    """What a walk read: values by field, and the dotted keys that have no effect."""

    values: dict[str, Any] = msgspec.field(default_factory=dict)
    ignored: list[str] = msgspec.field(default_factory=list)


def walk(doc: dict[str, Any], table: Table, faults: Faults, path: KeyPath = ()) -> Found:
    """Reads every key of ``doc``; unknown keys and bad values go to ``faults``."""
    found = Found()
    _walk(doc, table, faults, path, found, table)
    return found


def _walk(doc: dict[str, Any], table: Table, faults: Faults, path: KeyPath, found: Found, root: Table) -> None:
    for name, value in doc.items():
        if faults.full:
            return
        key, place = table.keys.get(name), (*path, name)
        if isinstance(key, Key) and type(value) is dict and key.table is not None:
            key = key.table
        match key:
            case None:
                unknown(place, table, faults, root)
            case Table():
                if type(value) is dict:
                    inside = Found(ignored=found.ignored) if key.field else found
                    _walk(value, key, faults, place, inside, root)
                    if key.field:
                        found.values[key.field] = inside.values
                else:
                    refuse_kind(value, "a table", faults, place, f"write its keys below [{dotted(place)}]")
            case Key():
                read = key.rule.read(value, faults, place)
                if key.ignored:
                    if read not in (None, "", {}):
                        found.ignored.append(dotted(place))
                elif read is not None and key.field:
                    found.values[key.field] = read


def unknown(place: KeyPath, table: Table, faults: Faults, root: Table) -> None:
    """An unknown key: where it belongs, or what was meant."""
    name = place[-1]
    near = closest(name, table.keys) if faults.hinting else ""
    if name in table.strangers:
        hint = table.strangers[name]
    elif owner := _owner(name, root):
        hint = f"its place is {owner}"
    elif near:
        hint = f"did you mean `{near}`?"
    else:
        hint = f"known here: {', '.join(table.keys)}"
    faults.key(place, f"unknown key `{dotted(place)}`", hint)


def _owner(name: str, root: Table) -> str:
    """Where in a file of this root a key of that name belongs."""
    if name in root.keys:
        return f"above the first table, as `{name}`"
    for outer, inner in root.keys.items():
        if isinstance(inner, Table) and name in inner.keys:
            return f"`{name}` below [{outer}]"
    return ""


def schema_of(table: Table) -> dict[str, Any]:
    """JSON Schema of a table: closed, every key described, no null."""
    properties = {name: _described(entry) for name, entry in table.keys.items()}
    return {"type": "object", "description": table.about, "properties": properties, "additionalProperties": False}


def _described(entry: Key | Table) -> dict[str, Any]:
    if isinstance(entry, Table):
        return schema_of(entry)
    rule = entry.rule.schema()
    value = rule if entry.table is None else {"anyOf": [rule, schema_of(entry.table)]}
    deprecated = {"deprecated": True} if entry.ignored or entry.deprecated else {}
    return {"description": entry.about} | value | deprecated
