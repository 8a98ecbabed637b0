"""Slots: what they are, what they log, and the three wishes that concern one slot."""

from collections.abc import AsyncGenerator

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.view import Operator, Refused, UnknownSlot
from hal0_operator.model.status import SlotStatus
from hal0_operator.web import sse
from hal0_operator.web.answers import Fault, answer, demand_match, flag, number, read_body
from hal0_operator.web.endpoint import Context, Endpoint, count, switch
from hal0_operator.web.shapes import (
    Ack,
    Gone,
    Items,
    LogBody,
    OutdatedWish,
    RestartedBody,
    RestartWish,
    SlotBody,
    SuspendWish,
    slot_body,
)

LOG_LINES = 100
MOST_LOG_LINES = 10_000
_OVER = object()
MOST_TEXT = 500
"""Characters of a reason or a name that is stored and shown."""


async def listing(request: Request, context: Context) -> ASGIApp:
    return answer(request, Items(context.operator.slots()))


async def one(request: Request, context: Context) -> ASGIApp:
    return answer(request, _read(request, context))


async def watch(request: Request, context: Context) -> ASGIApp:
    del request
    return sse.EventStream(_changes(context.operator))


async def _changes(operator: Operator) -> AsyncGenerator[bytes, None]:
    """All slots once, then each slot that changed and each that went."""
    shown = {status.name: status for status in operator.slots()}
    yield sse.message(Items(tuple(shown.values())), "slots")
    async with sse.ended(operator.changes()) as changes:
        while True:
            # Sending takes time, so look again until there is nothing to send, and only then wait:
            # a change between the last look and the wait would otherwise be missed.
            now = {status.name: status for status in operator.slots()}
            found = _difference(shown, now)
            shown = now
            for event, body in found:
                yield sse.message(body, event)
            if not found and await anext(changes, _OVER) is _OVER:
                return


def _difference(before: dict[str, SlotStatus], now: dict[str, SlotStatus]) -> list[tuple[str, SlotStatus | Gone]]:
    changed: list[tuple[str, SlotStatus | Gone]] = [
        ("slot", status) for name, status in now.items() if before.get(name) != status
    ]
    return changed + [("gone", Gone(name)) for name in before if name not in now]


async def logs(request: Request, context: Context) -> ASGIApp:
    name = request.path_params["name"]
    lines = number(request, "lines", LOG_LINES, MOST_LOG_LINES)
    previous = flag(request, "previous")
    context.operator.detail(name)
    if not sse.wants(request.headers.get("accept", "")):
        return answer(request, LogBody(await context.operator.logs(name, lines, previous)))
    if previous:
        raise Fault(400, "request.invalid", "the log of a container that ended cannot be followed")
    return sse.EventStream(_lines(context.operator, name, lines))


async def _lines(operator: Operator, name: str, lines: int) -> AsyncGenerator[bytes, None]:
    try:
        async with sse.ended(operator.follow_logs(name, lines)) as coming:
            async for line in coming:
                yield sse.message(line)
    except (Refused, UnknownSlot) as refused:
        yield sse.message({"message": str(refused)}, "error")


async def suspend(request: Request, context: Context) -> ASGIApp:
    wish = await read_body(request, SuspendWish)
    if len(wish.reason) > MOST_TEXT or len(wish.by) > MOST_TEXT:
        raise Fault(400, "request.invalid", f"reason and by are at most {MOST_TEXT} characters long")
    demand_match(request, _read(request, context))
    context.operator.suspend(request.path_params["name"], wish.by, wish.reason)
    return answer(request, Ack())


async def resume(request: Request, context: Context) -> ASGIApp:
    demand_match(request, _read(request, context))
    return answer(request, Ack(context.operator.resume(request.path_params["name"])))


async def restart(request: Request, context: Context) -> ASGIApp:
    wish = await read_body(request, RestartWish)
    demand_match(request, _read(request, context))
    return answer(request, Ack(context.operator.restart(request.path_params["name"], wish.pull)), status=202)


async def restart_outdated(request: Request, context: Context) -> ASGIApp:
    await read_body(request, OutdatedWish)
    return answer(request, RestartedBody(context.operator.restart_outdated()), status=202)


def _read(request: Request, context: Context) -> SlotBody:
    return slot_body(context.operator.detail(request.path_params["name"]))


ENDPOINTS = (
    Endpoint("GET", "/api/slots", listing, "Every slot with its phase and conditions", Items),
    Endpoint("GET", "/api/slots/{name}", one, "One slot: flags with provenance, problems, events", SlotBody),
    Endpoint("GET", "/api/watch", watch, "Slots as they change: events slots, slot and gone", streams=True),
    Endpoint(
        "GET",
        "/api/slots/{name}/logs",
        logs,
        "The last lines of a slot's container; previous: of the one that failed",
        LogBody,
        streams=True,
        query=(count("lines", MOST_LOG_LINES), switch("previous")),
    ),
    Endpoint("POST", "/api/slots/{name}/suspend", suspend, "Keep hands off a slot", Ack, SuspendWish),
    Endpoint("POST", "/api/slots/{name}/resume", resume, "End a suspension", Ack),
    Endpoint(
        "POST", "/api/slots/{name}/restart", restart, "Recreate a slot's container", Ack, RestartWish, statuses=(202,)
    ),
    Endpoint(
        "POST",
        "/api/restart",
        restart_outdated,
        "Recreate outdated containers",
        RestartedBody,
        OutdatedWish,
        statuses=(202,),
    ),
)
