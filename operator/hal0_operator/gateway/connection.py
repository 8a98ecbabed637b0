"""One connection to a container: HTTP/1.1, one exchange at a time, bounded in what it holds.

Callbacks of asyncio and of the parser; ``upstream`` is what others use.
"""

import asyncio
import contextlib
import os
import socket
from collections import deque
from collections.abc import Callable
from typing import Any, NamedTuple

from httptools import HttpParserError, HttpParserUpgrade, HttpResponseParser

from hal0_operator.gateway.faults import Aborted, NoConnection, TooLate, UpstreamFault

HIGH_WATER = 256 << 10
"""Bytes of an answer that are held for a slow reader before the container is made to wait."""

UNSPENT = 64 << 10
"""Bytes that may come without completing a head or bringing a piece of a body."""

HEADERS = 128

Headers = list[tuple[bytes, bytes]]


class Answer(NamedTuple):
    """The head of an answer; names of headers in lower case."""

    status: int
    headers: Headers


def _nothing() -> None:
    """Nobody is to be told."""


class Connection(asyncio.Protocol):
    """``lost`` is called once, when the connection has ended.  It may still be made, for ``connect_s`` seconds."""

    def __init__(self, connect_s: float = 0.0) -> None:
        self._loop = asyncio.get_running_loop()
        self._connect_s = connect_s
        self._connects_until = self._loop.time() + connect_s if connect_s else 0.0
        self._parser: Any = HttpResponseParser(self)
        self._transport: asyncio.Transport | None = None
        self._reader: asyncio.Future[None] | None = None
        self._writer: asyncio.Future[None] | None = None
        self._patience_s = self._takes_within_s = 0.0
        self._is_write_paused = self._is_read_paused = False
        self.lost: Callable[[], None] = _nothing
        self.is_open = False
        self.exchanges = 0
        self.begin()

    def begin(self, *, bodiless: bool = False) -> None:
        """Be ready for the next answer; ``bodiless``: it is one to a HEAD."""
        self._bodiless = bodiless
        self._chunks: deque[bytes] = deque()
        self._held = self._unspent = self._status = 0
        self._silent_since = self._refuses_since = 0.0
        self._headers: Headers = []
        self._is_headed = self._until_eof = False
        self.answered = self.complete = self.may_stay = False
        self.fault: UpstreamFault | None = None

    def use(self, *, bodiless: bool = False) -> None:
        """Begin an exchange that the next ``write`` is the request of."""
        self.begin(bodiless=bodiless)
        self.exchanges += 1
        if not self.is_open:  # lost between being made or kept and now
            self._fail(UpstreamFault("it closed the connection"))

    # What the exchange does

    def write(self, data: bytes) -> None:
        """Raises ``UpstreamFault``."""
        if self.fault is not None:
            raise self.fault
        if self._transport is not None:
            self._transport.write(data)

    async def drained(self, seconds: float) -> None:
        """Return when more may be written, or when nothing more is wanted because the answer is whole.

        A server that takes nothing for so long has its connection closed.
        """
        while self._is_write_paused and self.fault is None and not self.complete:
            self._writer = self._loop.create_future()
            self._refuses_since, self._takes_within_s = self._loop.time(), seconds
            await self._writer
        self._refuses_since = 0.0

    def answer_within(self, seconds: float) -> None:
        """The request is on its way: its answer must begin by then, and go on before it was silent for so long."""
        self._patience_s = seconds
        self._silent_since = self._loop.time()

    def tick(self, now: float) -> None:
        """What the sweep calls during an exchange."""
        if self.complete or self.fault is not None:
            return
        if self._connects_until and now >= self._connects_until:
            self._connects_until = 0.0
            if not self._is_made:
                self._fail(NoConnection(f"it took no connection within {self._connect_s:g} s"))
                self.close()
                return
        if self._refuses_since and now - self._refuses_since >= self._takes_within_s:
            self._late(f"it took nothing of the request for {self._takes_within_s:g} s")
        elif self._silent_since and not self._is_read_paused and now - self._silent_since >= self._patience_s:
            what = "its answer stopped" if self._is_headed else "no answer began"
            self._late(f"{what}: not a byte in {self._patience_s:g} s")

    async def answer(self) -> Answer:
        """Raises ``UpstreamFault``."""
        while not self._is_headed:
            if self.fault is not None:
                raise self.fault
            await self._woken()
        return Answer(self._status, self._headers)

    async def read(self) -> bytes:
        """The next piece of the body as it came; ``b""`` at its end.  Raises ``UpstreamFault``."""
        while not self._chunks:
            if self.complete:
                return b""
            if self.fault is not None:
                raise self.fault
            await self._woken()
        chunk = self._chunks.popleft()
        self._held -= len(chunk)
        if self._is_read_paused and self._held < HIGH_WATER // 2 and self._transport is not None:
            self._is_read_paused = False
            self._silent_since = self._loop.time()
            self._transport.resume_reading()
        return chunk

    @property
    def is_spent(self) -> bool:
        """The answer is whole, and all of it was read."""
        return self.complete and not self._chunks

    def abort(self) -> None:
        """End it now, unanswered."""
        self._chunks.clear()
        self._fail(Aborted("ended by the gateway"))
        self.close()

    def close(self) -> None:
        if self._transport is not None:
            self._transport.abort()

    async def _woken(self) -> None:
        self._reader = self._loop.create_future()
        await self._reader

    def _wake(self) -> None:
        for waiting in (self._reader, self._writer):
            if waiting is not None and not waiting.done():
                waiting.set_result(None)

    def _late(self, why: str) -> None:
        self._fail(TooLate(why))
        self.close()

    def _fail(self, fault: UpstreamFault) -> None:
        if self.fault is None and not self.complete:
            self.fault = fault
        self._wake()

    # What asyncio tells

    def connection_made(self, transport: asyncio.BaseTransport) -> None:
        assert isinstance(transport, asyncio.Transport)
        self._transport = transport
        self.is_open = True

    def data_received(self, data: bytes) -> None:
        if self.complete or not self.exchanges:
            self.may_stay = False
            self.close()  # bytes that nobody asked for
            return
        self.answered = True
        self._unspent += len(data)
        try:
            self._parser.feed_data(data)
        except (HttpParserError, HttpParserUpgrade) as wrong:
            self.may_stay = False
            self._break(f"its answer is not HTTP: {wrong}")
        if self._unspent > UNSPENT and not self.complete:
            self._break(f"its answer has a head of more than {UNSPENT >> 10} KiB")
        if self._held > HIGH_WATER and not self._is_read_paused and self._transport is not None:
            self._is_read_paused = True
            self._transport.pause_reading()

    def eof_received(self) -> None:
        if self._is_headed and self._until_eof and not self.complete:
            self._completed(may_stay=False)

    def connection_lost(self, exc: Exception | None) -> None:
        if isinstance(exc, ConnectionRefusedError):
            self._fail(NoConnection(f"it takes no connection: {exc.strerror}"))
        elif exc is not None and self.fault is None and not self.complete:
            self._take_last_words()
        self.is_open = False
        self._is_read_paused = False
        self._fail(UpstreamFault("it closed the connection before its answer was whole"))
        self.lost()

    def pause_writing(self) -> None:
        self._is_write_paused = True

    def resume_writing(self) -> None:
        self._is_write_paused = False
        self._wake()

    @property
    def _is_made(self) -> bool:
        try:
            return self._transport is not None and bool(self._transport.get_extra_info("socket").getpeername())
        except OSError:
            return False

    def _take_last_words(self) -> None:
        """A server that refuses an upload answers and closes; the reset that follows must not eat the answer."""
        if self._transport is None:
            return
        number = self._transport.get_extra_info("socket").fileno()
        with contextlib.suppress(OSError), socket.socket(fileno=os.dup(number)) as rest:
            while not self.complete and (data := rest.recv(UNSPENT)):
                self.data_received(data)

    def _break(self, why: str) -> None:
        self._fail(UpstreamFault(why))
        self.close()

    # What the parser tells

    def on_message_begin(self) -> None:
        self.may_stay = False  # until it ends: a second answer in the same read is one too many

    def on_header(self, name: bytes, value: bytes) -> None:
        if self._is_headed:
            return  # a trailer
        if len(self._headers) >= HEADERS:
            raise ValueError(f"more than {HEADERS} headers")
        self._headers.append((name.lower(), value))

    def on_headers_complete(self) -> None:
        if self.complete:
            return
        self._status = self._parser.get_status_code()
        if self._status < 200:
            self._headers = []
            return
        if self._status >= 600:
            raise ValueError(f"a status of {self._status}")
        self._is_headed = True
        self._progressed()
        named = {name for name, _ in self._headers}
        bounded = b"content-length" in named or b"transfer-encoding" in named or self._status in (204, 304)
        self._until_eof = not bounded
        if self._bodiless:
            self._completed(may_stay=False)
        self._wake()

    def on_body(self, body: bytes) -> None:
        if self.complete:
            return
        self._progressed()
        self._held += len(body)
        self._chunks.append(body)
        self._wake()

    def on_message_complete(self) -> None:
        if self._is_headed and not self.complete:
            self._completed(may_stay=self._parser.should_keep_alive())

    def _progressed(self) -> None:
        self._unspent = 0
        if self._silent_since:
            self._silent_since = self._loop.time()

    def _completed(self, *, may_stay: bool) -> None:
        self.complete = True
        self.may_stay = may_stay
        self._wake()
