"""The OpenAPI document, from the endpoints and the types of their bodies."""

import re
from collections.abc import Iterable
from typing import Any

import msgspec

from hal0_operator import __version__
from hal0_operator.web.endpoint import Endpoint
from hal0_operator.web.shapes import ErrorBody

_REFERENCE = "#/components/schemas/{name}"


def document(endpoints: Iterable[Endpoint]) -> dict[str, Any]:
    """An OpenAPI 3.1 document as plain data."""
    listed = tuple(endpoints)
    types = {t for e in listed for t in (e.answer, e.body) if t is not None and not isinstance(t, dict)} | {ErrorBody}
    ordered = sorted(types, key=lambda t: str(t.__name__))
    schemas, components = msgspec.json.schema_components(ordered, ref_template=_REFERENCE)
    schema_of = dict(zip(ordered, schemas, strict=True))
    paths: dict[str, dict[str, Any]] = {}
    for endpoint in listed:
        paths.setdefault(endpoint.path, {})[endpoint.method.lower()] = _operation(endpoint, schema_of)
    return {
        "openapi": "3.1.0",
        "info": {"title": "hal0-operator", "version": __version__},
        "paths": paths,
        "components": {
            "schemas": components,
            "securitySchemes": {"token": {"type": "http", "scheme": "bearer"}},
        },
    }


def _operation(endpoint: Endpoint, schema_of: dict[Any, Any]) -> dict[str, Any]:
    names = re.findall(r"\{(\w+)\}", endpoint.path)
    parameters = [{"name": n, "in": "path", "required": True, "schema": {"type": "string"}} for n in names]
    parameters += [{"name": q.name, "in": "query", "required": False, "schema": q.schema} for q in endpoint.query]
    content: dict[str, Any] = {}
    if endpoint.answer is not None:
        content["application/json"] = {"schema": schema_of[endpoint.answer]}
    if endpoint.streams:
        content["text/event-stream"] = {"schema": {"type": "string"}}
    good = {"description": "as asked", "content": content or {"text/plain": {}}}
    operation: dict[str, Any] = {
        "operationId": endpoint.handler.__name__,
        "summary": endpoint.summary,
        "parameters": parameters,
        "responses": {
            **{str(status): good for status in endpoint.statuses},
            "default": {
                "description": "an error",
                "content": {"application/json": {"schema": schema_of[ErrorBody]}},
            },
        },
    }
    if endpoint.body is not None:
        given = isinstance(endpoint.body, dict)
        required = "required" in endpoint.body if given else bool(_required(endpoint.body))
        schema = endpoint.body if given else schema_of[endpoint.body]
        operation["requestBody"] = {"required": required, "content": {"application/json": {"schema": schema}}}
    if endpoint.method != "GET" and endpoint.token:
        operation["security"] = [{"token": []}]
    return operation


def _required(body: Any) -> list[str]:
    """The keys that a body cannot do without."""
    return [field.name for field in msgspec.structs.fields(body) if field.required]
