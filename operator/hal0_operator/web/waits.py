"""Answers that are long in coming: they end with the time that they have, and with the operator."""

from collections.abc import Awaitable, Callable

import anyio
from starlette.requests import Request

from hal0_operator.routing.failure import ENDING, ENDING_RETRY_S
from hal0_operator.web.answers import Fault
from hal0_operator.web.sse import CLOSING


async def in_time(request: Request, seconds: float, work: Callable[[], Awaitable[None]]) -> None:
    """Do ``work``, cancelled after so many seconds (``TimeoutError``), or when the server closes (``Fault``, 503).

    A closing server gives answers a moment, and none to those that it has to cancel.
    """
    closing: anyio.Event | None = request.scope.get(CLOSING)
    failed: Exception | None = None
    done = False
    with anyio.fail_after(seconds):
        async with anyio.create_task_group() as group:

            async def end_with_server(event: anyio.Event) -> None:
                await event.wait()
                group.cancel_scope.cancel()

            if closing is not None:
                group.start_soon(end_with_server, closing)
            try:
                await work()
                done = True
            except Exception as error:  # noqa: BLE001 - raised below: a group would wrap it
                failed = error
            group.cancel_scope.cancel()
    if failed is not None:
        raise failed
    if not done:
        raise Fault(503, "operator.ending", ENDING, {"Retry-After": str(ENDING_RETRY_S)})
