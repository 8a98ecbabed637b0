"""JSON Schemas of request bodies, from the tables that the decoder reads files by."""

from typing import Any

from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.table import Table, schema_of
from hal0_operator.model.slot import NAME_PATTERN

Schema = dict[str, Any]


def patch_schema(table: Table) -> Schema:
    """Every key may be there, and be ``null``."""
    return _nullable(schema_of(table))


def slot_schema() -> Schema:
    """A slot's keys; `model` may be its name alone, as lists of slots show it."""
    schema = patch_schema(SLOT)
    model = schema["properties"]["model"]
    text = {"type": "string"}
    return schema | {"properties": schema["properties"] | {"model": {"anyOf": [text, *model["anyOf"]]}}}


def whole_schema(table: Table) -> Schema:
    """An entry as the file has it."""
    return schema_of(table) | {"required": ["image"]}


def named_schema(schema: Schema, *texts: str) -> Schema:
    """The schema of what is created: with its name, and further keys that are texts."""
    extra: Schema = {"name": {"type": "string", "pattern": NAME_PATTERN}} | {text: {"type": "string"} for text in texts}
    return schema | {"properties": schema["properties"] | extra, "required": ["name"]}


def _nullable(schema: Schema) -> Schema:
    named = {kind: schema[kind] for kind in ("properties", "patternProperties") if kind in schema}
    return schema | {
        kind: {name: _or_null(entry) for name, entry in entries.items()} for kind, entries in named.items()
    }


def _or_null(entry: Schema) -> Schema:
    if "anyOf" in entry:
        return entry | {"anyOf": [*map(_nullable, entry["anyOf"]), {"type": "null"}]}
    return {"anyOf": [_nullable(entry), {"type": "null"}]}
