"""The client's side of one request: its body as it comes, the moment that it goes, and the answer to it."""

import asyncio
import contextlib
from collections import deque
from collections.abc import Awaitable, Callable, MutableMapping
from typing import Any, TypeVar

from hal0_operator.gateway.connection import Headers
from hal0_operator.gateway.faults import Gone, stalled
from hal0_operator.gateway.heads import unbuffered
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.sweep import Sweep
from hal0_operator.routing.failure import Failure

_T = TypeVar("_T")
Message = MutableMapping[str, Any]
Receive = Callable[[], Awaitable[Message]]
Send = Callable[[Message], Awaitable[None]]
Unsent = Callable[[], int]

UNSENT = "hal0.unsent"
"""What the server's scope names it by."""


AHEAD = 256 << 10
"""Bytes of a body that are read before anyone wants them, so that the end of the client is seen behind them."""

HEARTBEAT = b": waiting\n\n"
EVENT_STREAM = unbuffered([(b"content-type", b"text/event-stream")])


def unknown() -> int:
    """There is no telling."""
    return -1


class _Stalled(Exception):
    """The client neither took nor brought a byte in time."""


class Client:
    """One that takes nothing of its answer for ``limits.stall_s`` counts as gone.

    ``unsent`` answers how many bytes of it the client has not taken: a slow one frees no room for the next piece
    for long, and takes some all the while.
    """

    def __init__(self, receive: Receive, send: Send, limits: Limits, sweep: Sweep, unsent: Unsent = unknown) -> None:
        self._receive = receive
        self._send = send
        self._unsent = unsent
        self._left = -1
        self._stall_s = limits.stall_s
        self._first_beat_s, self._heartbeat_s = limits.first_beat_s, limits.heartbeat_s
        self._sweep = sweep
        sweep.add(self)
        self._loop = asyncio.get_running_loop()
        self._task: asyncio.Task[Any] | None = None
        self._watch: asyncio.Task[None] | None = None
        self._is_watched = False
        self._on_gone: Callable[[], None] | None = None
        self._pieces: deque[bytes] = deque()
        self._ahead = 0
        self._has_more = True
        self._changed = asyncio.Event()
        self._waits_since = 0.0
        self._is_stalled = False
        self.is_gone = False
        self.status = 0
        """Of the answer; 0 before its head is out."""
        self.outcome = 0
        """The same, or the status of what ended the answer early."""
        self._is_stream = self._is_in_event = False
        self.is_beating = False
        """The head of an event stream is out, before anything is known of the answer."""
        self.is_over = False

    # The body, and the end of the client

    async def whole_body(self, most: int) -> bytes | None:
        """The body; ``None`` when it has more than ``most`` bytes.  Raises ``Gone``, and ``Refused`` when it stalls."""
        try:
            message = await self._in_time(self._message())
            body: bytes = message.get("body", b"")
            if message.get("more_body"):
                parts = bytearray(body)
                while message.get("more_body") and len(parts) <= most:
                    message = await self._in_time(self._message())
                    parts += message.get("body", b"")
                body = bytes(parts)
        except _Stalled:
            raise stalled(self._stall_s) from None
        return body if len(body) <= most else None

    async def _message(self) -> Message:
        message = await self._receive()
        if message["type"] != "http.request":
            self._go()
            raise Gone
        self._has_more = message.get("more_body", False)
        return message

    def watch(self, *, at_once: bool) -> None:
        """Notice from now on when the client goes, ``at_once`` also reading what is left of its body for ``piece``.

        Otherwise it begins with the next sweep: most requests are answered before, and need no second task.
        """
        self._is_watched = True
        if at_once:
            self._watch = self._loop.create_task(self._watched())

    async def _watched(self) -> None:
        while not self.is_gone:
            while self._ahead >= AHEAD:
                self._changed.clear()
                await self._changed.wait()
            with contextlib.suppress(Gone):
                body = (await self._message()).get("body", b"")
                if body:
                    self._pieces.append(body)
                    self._ahead += len(body)
            self._changed.set()

    async def piece(self) -> bytes:
        """The next piece of a body that is watched; ``b""`` at its end.  Raises ``Gone``."""
        while not self._pieces:
            if self.is_gone:
                raise Gone
            if not self._has_more:
                return b""
            self._changed.clear()
            await self._changed.wait()
        piece = self._pieces.popleft()
        self._ahead -= len(piece)
        self._changed.set()
        return piece

    def when_gone(self, call: Callable[[], None] | None) -> None:
        """Call it once when the client goes, at once if it has; ``None``: nothing."""
        self._on_gone = call
        if self.is_gone and call is not None:
            call()

    async def wait_for(self, future: "asyncio.Future[_T]", *, beats: bool, soon: bool) -> _T:
        """What the future brings; it is cancelled when the client goes, and ``Gone`` raised.

        ``beats``: the client is sent heartbeats meanwhile, the first ``soon`` (``first_beat_s``) or like any other.
        """
        pause_s = self._first_beat_s if soon and not self.is_beating else self._heartbeat_s

        def give_up() -> None:
            future.cancel()

        self.when_gone(give_up)
        try:
            while not future.done():
                await asyncio.wait((future,), timeout=pause_s if beats else None)
                pause_s = self._heartbeat_s
                if not future.done():
                    await self.beat()
        finally:
            self.when_gone(None)
            future.cancel()
        if future.cancelled():
            raise Gone
        result = future.result()
        if self.is_gone:
            raise Gone
        return result

    def disarm(self) -> None:
        """The answer is about to be whole: from then on the server reports every client as gone."""
        self._on_gone = None
        self._is_watched = False
        if self._watch is not None:
            self._watch.cancel()
            self._watch = None

    def close(self) -> None:
        """The request is over."""
        self.disarm()
        self._sweep.discard(self)

    def _go(self) -> None:
        self.is_gone = True
        if self._on_gone is not None:
            call, self._on_gone = self._on_gone, None
            call()

    # The answer

    async def start(self, status: int, headers: Headers, *, events: bool = False) -> None:
        """``events``: whatever ends the answer early may be told as its last event."""
        self.status = self.outcome = status
        self._is_stream = events
        await self._deliver({"type": "http.response.start", "status": status, "headers": headers})

    async def body(self, data: bytes, *, last: bool) -> None:
        """``last``: the answer is whole with it."""
        self._is_in_event = bool(data) and data[-2:] != b"\n\n"
        if last:
            self.disarm()
            self.is_over = True
        await self._deliver({"type": "http.response.body", "body": data, "more_body": not last})

    async def beat(self) -> None:
        """One comment of an event stream, after its head where that is not out yet."""
        if not self.is_beating:
            self.is_beating = True
            await self.start(200, EVENT_STREAM, events=True)
        await self.body(HEARTBEAT, last=False)

    async def fail(self, failure: Failure, extra: Headers | None = None) -> None:
        """The error envelope as the whole answer, or as the last event where a stream has begun."""
        if self._is_stream:
            await self.last_event(failure.event, failure.status)
            return
        if self.status:
            self.outcome = failure.status
            self.cut()
            return
        body = failure.body
        headers: Headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
        if failure.retry_after:
            headers.append((b"retry-after", failure.retry_after.encode()))
        if failure.status == 413:
            headers.append((b"connection", b"close"))  # a smaller rest is read and dropped, so that the answer arrives
        await self.start(failure.status, headers + (extra or []))
        await self.body(body, last=True)

    async def last_event(self, data: bytes, status: int) -> None:
        """One line, and no ``[DONE]``; ``status`` is what the head would have said, had one known."""
        self.outcome = status
        ending = b"\n\n" if self._is_in_event else b""
        await self.body(ending + b"data: " + data + b"\n\n", last=True)

    def cut(self) -> None:
        """Leave the answer as it is: the server closes the connection of an answer that is not whole."""
        self.disarm()

    async def _deliver(self, message: Message) -> None:
        if self.is_gone:
            return
        try:
            await self._in_time(self._send(message))
        except _Stalled:
            self._go()

    async def _in_time(self, step: Awaitable[_T]) -> _T:
        """Raises ``_Stalled`` when the client lets it wait for too long."""
        self._task = asyncio.current_task()
        self._waits_since = self._loop.time()
        self._left = -1
        try:
            return await step
        except asyncio.CancelledError:
            if not self._is_stalled or self._task is None:
                raise
            self._is_stalled = False
            self._task.uncancel()
            raise _Stalled from None
        finally:
            self._waits_since = 0.0

    def tick(self, now: float) -> None:
        """What the sweep calls."""
        if self._is_watched and self._watch is None:
            self._watch = self._loop.create_task(self._watched())
        if self._waits_since and now - self._waits_since >= self._stall_s and self._task is not None:
            before, self._left = self._left, self._unsent()
            if self._left >= 0 and self._left != before:  # seen for the first time, or some of it was taken
                self._waits_since = now
                return
            self._is_stalled = True
            self._task.cancel()
