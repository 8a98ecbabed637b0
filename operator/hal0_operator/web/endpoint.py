"""An endpoint as data: what the router and the OpenAPI document are both made of."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.view import Operator
from hal0_operator.model.settings import Settings


class Context(NamedTuple):
    """What handlers answer from."""

    operator: Operator
    settings: Settings


class Endpoint(NamedTuple):
    """``answer`` and ``body`` are the types of the JSON that goes out and comes in; a body may be a JSON Schema too.

    ``streams``: the same path is a stream of server-sent events when the client accepts those.
    """

    method: str
    path: str
    handler: Callable[[Request, Context], Awaitable[ASGIApp]]
    summary: str
    answer: Any = None
    body: Any = None
    streams: bool = False
    query: tuple[str, ...] = ()
