"""Events: what happened lately, as a list or as a stream."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.view import Operator
from hal0_operator.model.status import Event
from hal0_operator.web import sse
from hal0_operator.web.answers import answer, number
from hal0_operator.web.endpoint import Context, Endpoint, Query, count
from hal0_operator.web.shapes import EventItems

MOST = 1000
"""Events that are kept."""


async def events(request: Request, context: Context) -> ASGIApp:
    """``tail``: of the past, the last so many; a list has all, a stream none unless asked for."""
    slot = request.query_params.get("slot", "")
    if sse.wants(request.headers.get("accept", "")):
        return sse.EventStream(_stream(context.operator, slot, number(request, "tail", 0, MOST)))
    return answer(request, EventItems(_past(context.operator, slot, number(request, "tail", MOST, MOST))))


def _past(operator: Operator, slot: str, tail: int) -> tuple[Event, ...]:
    found = [event for event in operator.events() if slot in ("", event.slot)]
    return tuple(found[len(found) - min(tail, len(found)) :])


async def _stream(operator: Operator, slot: str, tail: int) -> AsyncGenerator[bytes, None]:
    sent = _past(operator, slot, MOST)
    for event in sent[len(sent) - min(tail, len(sent)) :]:
        yield sse.message(event)
    known = set(sent)
    # What happened while the past was sent, until nothing did: only then is nothing missed by following.
    while missed := [event for event in _past(operator, slot, MOST) if event not in known]:
        known.update(missed)
        for event in missed:
            yield sse.message(event)
    async with sse.ended(operator.follow()) as coming:
        async for event in coming:
            if slot in ("", event.slot):
                yield sse.message(event)


ENDPOINTS = (
    Endpoint(
        "GET",
        "/api/events",
        events,
        "What happened lately",
        EventItems,
        streams=True,
        query=(Query("slot"), count("tail", MOST)),
    ),
)
