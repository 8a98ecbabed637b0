"""Responses: JSON with an ETag, and the one shape of an error."""

from collections.abc import Mapping
from typing import Any, TypeVar

import msgspec
from starlette.requests import Request
from starlette.responses import Response

from hal0_operator.model.digest import digest
from hal0_operator.web.endpoint import SWITCHES

_T = TypeVar("_T")

JSON = "application/json"

ERROR_TYPES: dict[int, str] = {
    400: "invalid_request_error",
    401: "authentication_error",
    403: "permission_error",
    404: "not_found_error",
    405: "invalid_request_error",
    408: "invalid_request_error",
    409: "conflict_error",
    422: "invalid_request_error",
    412: "conflict_error",
    413: "invalid_request_error",
    415: "invalid_request_error",
    429: "rate_limit_error",
}
"""The ``type`` of an error by its status; anything else is a ``server_error``."""


class Fault(Exception):
    """A request that cannot be answered as asked; becomes the error envelope."""

    def __init__(
        self,
        status: int,
        code: str,
        message: str,
        headers: Mapping[str, str] | None = None,
        details: Mapping[str, Any] | None = None,
    ) -> None:
        super().__init__(message)
        self.status = status
        self.code = code
        self.message = message
        self.headers = headers
        self.details = details or {}

    def response(self) -> Response:
        body = {
            "error": {
                "code": self.code,
                "message": self.message,
                "type": ERROR_TYPES.get(self.status, "server_error"),
                "details": self.details,
            }
        }
        return Response(msgspec.json.encode(body), self.status, self.headers, JSON)


def etag(value: Any) -> str:
    return f'"{digest("object:1", value)}"'


def answer(request: Request, value: Any, stable: Any = None, status: int = 200) -> Response:
    """``value`` as JSON; 304 when the client's copy is still good.

    ``stable`` is ``value`` without what changes by itself (an age), for the ETag.
    """
    tag = etag(value if stable is None else stable)
    headers = {"ETag": tag, "Cache-Control": "no-cache"}
    if request.method in ("GET", "HEAD") and _matches(request.headers.getlist("if-none-match"), tag):
        return Response(b"", 304, headers)
    return Response(msgspec.json.encode(value), status, headers, JSON)


def demand_match(request: Request, value: Any) -> None:
    """Raise 412 when ``If-Match`` names another version than ``value``."""
    if not _is_match(request, value):
        raise Fault(412, "request.stale", "the object has changed since it was read: read it again, then decide")


def demand_version(request: Request, value: Any) -> None:
    """For writes of a home: raise 409 when ``If-Match`` names another version than ``value``."""
    if not _is_match(request, value):
        message = "the object has changed since it was read; nothing was written: read it again, then decide"
        raise Fault(409, "changeset.conflict", message)


def _is_match(request: Request, value: Any) -> bool:
    wanted = request.headers.getlist("if-match")
    return not wanted or _matches(wanted, etag(value))


def _matches(headers: list[str], tag: str) -> bool:
    tags = [part.strip().removeprefix("W/") for header in headers for part in header.split(",")]
    return "*" in tags or tag in tags


async def read_body(request: Request, type: type[_T]) -> _T:
    """The JSON body as ``type``; an empty body is an object without keys.  Raises 400."""
    raw = await request.body()
    try:
        return msgspec.json.decode(raw or b"{}", type=type)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError) as fault:
        reason = str(fault) if not isinstance(fault, RecursionError) else "nested too deeply"
        raise Fault(400, "request.invalid", f"the body is not what this endpoint takes: {reason}") from fault


def flag(request: Request, name: str) -> bool:
    """A switch of the address: there, and not off.  Raises 400."""
    text = request.query_params.get(name)
    if text is None:
        return False
    if text.lower() not in SWITCHES:
        raise Fault(400, "request.invalid", f"{name}={text!r} is neither 1 nor 0, true nor false")
    return SWITCHES[text.lower()]


def number(request: Request, name: str, default: int, most: int) -> int:
    """A query parameter from 0 to ``most``.  Raises 400."""
    text = request.query_params.get(name)
    if text is None:
        return default
    if not (text.isascii() and text.isdigit() and len(text) < 10 and int(text) <= most):
        raise Fault(400, "request.invalid", f"{name}={text!r} is not a whole number from 0 to {most}")
    return int(text)
