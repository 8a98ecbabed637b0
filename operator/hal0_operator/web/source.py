"""The source: where the home comes from, and asking for another look at it."""

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.view import Operator
from hal0_operator.model.status import NAMED, SourceStatus
from hal0_operator.web.answers import Fault, answer, flag
from hal0_operator.web.endpoint import Context, Endpoint, switch
from hal0_operator.web.shapes import Ack, ReconcileBody, SourceBody, source_body
from hal0_operator.web.waits import in_time

FRESH_S = 60.0
"""Seconds that ``/api/reconcile?wait`` waits for a reading: as long as git may hold a home."""


async def source(request: Request, context: Context) -> ASGIApp:
    body = source_body(context.operator.source(), context.operator.problems())
    return answer(request, body, stable=msgspec.structs.replace(body, age_seconds=0))


async def reconcile(request: Request, context: Context) -> ASGIApp:
    """With ``wait``: answer once the home as it is now was read, admitted and acted on."""
    operator = context.operator
    operator.trigger()
    if flag(request, "wait"):
        demand_revision(operator)
        try:
            await in_time(request, FRESH_S, operator.fresh)
        except TimeoutError:
            message = f"the home was not read within {FRESH_S:.0f} s{reasons(operator.source())}"
            raise Fault(504, "source.busy", message) from None
    body = ReconcileBody(operator.settled(), operator.source().admitted)
    return answer(request, body, status=200 if flag(request, "wait") else 202)


def demand_revision(operator: Operator) -> None:
    """Raises ``Fault`` where a repository is followed and nothing of it is here: nobody knows when that will be."""
    if operator.remote is not None and not operator.source().fetched:
        message = f"no revision of the repository is here yet{reasons(operator.source())}"
        raise Fault(503, "source.busy", message, {"Retry-After": "10"})


def reasons(source: SourceStatus) -> str:
    """What is in the way, to go on with a sentence."""
    found = "; ".join(c.message for c in source.conditions if c.status == "True" and c.type in NAMED)
    return f": {found}" if found else ""


async def approve_prune(request: Request, context: Context) -> ASGIApp:
    return answer(request, Ack(context.operator.approve_prune()))


ENDPOINTS = (
    Endpoint("GET", "/api/source", source, "Where the home comes from, its state and its problems", SourceBody),
    Endpoint(
        "POST",
        "/api/reconcile",
        reconcile,
        "Look again, now",
        ReconcileBody,
        query=(switch("wait"),),
        statuses=(200, 202),
    ),
    Endpoint("POST", "/api/prune/approve", approve_prune, "Approve the removals that are held", Ack),
)
