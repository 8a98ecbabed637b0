"""An endpoint as data: what the router and the OpenAPI document are both made of."""

from collections.abc import Awaitable, Callable
from typing import Any, NamedTuple

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.view import Operator
from hal0_operator.model.settings import Settings
from hal0_operator.web.deliveries import Deliveries


class Context(NamedTuple):
    """What handlers answer from; ``deliveries`` judges calls of the webhook, where there is one."""

    operator: Operator
    settings: Settings
    deliveries: Deliveries | None = None


SWITCHES: dict[str, bool] = {"": True, "1": True, "true": True, "0": False, "false": False}
"""What a switch of an address may say."""


class Query(NamedTuple):
    """A parameter of an address, with its JSON Schema."""

    name: str
    schema: dict[str, Any] = {"type": "string"}  # noqa: RUF012 - never changed


def switch(name: str) -> Query:
    """Its bare name is enough."""
    return Query(name, {"type": "string", "enum": list(SWITCHES)})


def count(name: str, most: int) -> Query:
    return Query(name, {"type": "integer", "minimum": 0, "maximum": most})


class Endpoint(NamedTuple):
    """``answer`` and ``body`` are the types of the JSON that goes out and comes in; a body may be a JSON Schema too.

    ``statuses`` are those of a good answer.  ``streams``: the same path is a stream of server-sent events when
    the client accepts those.  ``token``: a write over TCP must carry the operator's.
    """

    method: str
    path: str
    handler: Callable[[Request, Context], Awaitable[ASGIApp]]
    summary: str
    answer: Any = None
    body: Any = None
    streams: bool = False
    query: tuple[Query, ...] = ()
    statuses: tuple[int, ...] = (200,)
    token: bool = True
