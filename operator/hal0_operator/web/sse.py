"""Server-sent events: a stream with heartbeats that ends with its client or with the operator."""

from collections.abc import AsyncGenerator, AsyncIterator
from contextlib import aclosing, asynccontextmanager
from typing import Any, TypeVar

import anyio
import msgspec
from starlette.types import Receive, Scope, Send

_T = TypeVar("_T")

HEARTBEAT_S = 15.0
"""Seconds between comments; proxies commonly cut a silent stream after 30 or 60."""

CLOSING = "hal0.closing"
"""Scope key of the event that is set when the server shuts down."""

MIME = "text/event-stream"


def wants(accept: str) -> bool:
    """Whether an Accept header asks for a stream."""
    return any(part.partition(";")[0].strip().lower() == MIME for part in accept.split(","))


def message(value: Any, event: str = "") -> bytes:
    """One event; JSON has no line breaks, so one data line is enough."""
    head = f"event: {event}\n" if event else ""
    return head.encode() + b"data: " + msgspec.json.encode(value) + b"\n\n"


@asynccontextmanager
async def ended(items: AsyncIterator[_T]) -> AsyncGenerator[AsyncIterator[_T], None]:
    """Iterate ``items`` and end it here, in the task that iterated it, whatever happens.

    Left to the garbage collector, a generator would clean up in some other task, later.
    """
    try:
        yield items
    finally:
        close = getattr(items, "aclose", None)
        if close is not None:
            await close()


class EventStream:
    """An ASGI response that sends ``messages`` as they come.

    ``heartbeat`` in seconds.  The iterator is closed when the client goes, when the server
    closes, and when it is exhausted.
    """

    def __init__(self, messages: AsyncGenerator[bytes, None], heartbeat: float = HEARTBEAT_S) -> None:
        self._messages = messages
        self._heartbeat = heartbeat

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        headers = [
            (b"content-type", f"{MIME}; charset=utf-8".encode()),
            (b"cache-control", b"no-cache"),
            (b"x-accel-buffering", b"no"),
        ]
        await send({"type": "http.response.start", "status": 200, "headers": headers})
        if scope["method"] == "HEAD":
            await send({"type": "http.response.body", "body": b"", "more_body": False})
            return
        turn = anyio.Lock()

        async def write(body: bytes) -> None:
            async with turn:
                await send({"type": "http.response.body", "body": body, "more_body": True})

        async with aclosing(self._messages), anyio.create_task_group() as group:

            async def end_with_client() -> None:
                while (await receive())["type"] != "http.disconnect":
                    pass
                group.cancel_scope.cancel()

            async def end_with_server(closing: anyio.Event) -> None:
                await closing.wait()
                group.cancel_scope.cancel()

            async def beat() -> None:
                while True:
                    await write(b": still here\n\n")
                    await anyio.sleep(self._heartbeat)

            group.start_soon(beat)
            group.start_soon(end_with_client)
            if CLOSING in scope:
                group.start_soon(end_with_server, scope[CLOSING])
            async for body in self._messages:
                await write(body)
            group.cancel_scope.cancel()
        await send({"type": "http.response.body", "body": b"", "more_body": False})
