"""JSON Schemas of request bodies, from the tables that the decoder reads files by."""

from typing import Any

from hal0_operator.desired.table import Table, schema_of
from hal0_operator.model.slot import NAME_PATTERN

Schema = dict[str, Any]


def patch_schema(table: Table) -> Schema:
    """Every key may be there, and be ``null``."""
    return _nullable(schema_of(table))


def whole_schema(table: Table) -> Schema:
    """An entry as the file has it."""
    return schema_of(table) | {"required": ["image"]}


def named_schema(schema: Schema, *texts: str) -> Schema:
    """The schema of what is created: with its name, and further keys that are texts."""
    extra: Schema = {"name": {"type": "string", "pattern": NAME_PATTERN}} | {text: {"type": "string"} for text in texts}
    return schema | {"properties": schema["properties"] | extra, "required": ["name"]}


def _nullable(schema: Schema) -> Schema:
    return schema | {"properties": {name: _or_null(entry) for name, entry in schema["properties"].items()}}


def _or_null(entry: Schema) -> Schema:
    return {"anyOf": [_nullable(entry) if "properties" in entry else entry, {"type": "null"}]}
