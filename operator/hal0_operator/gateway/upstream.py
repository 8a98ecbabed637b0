"""Requests to the containers of this machine, over connections that are used again while they are fresh.

A server closes an idle connection when it pleases, perhaps at the moment of a request.  So none is kept for longer
than two seconds, and a request that met such an end, unanswered, is sent once more.
"""

import asyncio
import contextlib
import socket
from functools import partial

from hal0_operator.gateway.connection import Answer, Connection
from hal0_operator.gateway.faults import Aborted, NoConnection, TooLate, UpstreamFault
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.sweep import TICK_S, Sweep

HOST = "127.0.0.1"
SLICE = 256 << 10
"""Bytes of a body that are handed to the socket at a time."""


class Pool:
    """Connections by port.  ``idle_most`` are kept per port, each for ``idle_s`` seconds.

    More are kept for a moment only: a burst needs them again at once, and each holds a thread of the server.
    """

    def __init__(self, sweep: Sweep, *, connect_s: float = 2.0, idle_s: float = 2.0, idle_most: int = 4) -> None:
        self.sweep = sweep
        self._connect_s = connect_s
        self._idle_s = idle_s
        self._idle_most = idle_most
        self._idle: dict[int, dict[Connection, float]] = {}

    async def fresh(self, port: int) -> Connection:
        """A new connection, which is used while it is being made: whether it comes about, the exchange will tell.

        Waiting for it would cost as much again as the request itself.  Raises ``UpstreamFault``.
        """
        reached = socket.socket(socket.AF_INET, socket.SOCK_STREAM, socket.IPPROTO_TCP)
        try:
            reached.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                reached.connect((HOST, port))
            make = partial(Connection, self._connect_s)
            _, connection = await asyncio.get_running_loop().create_connection(make, sock=reached)
        except OSError as failed:
            reached.close()
            raise NoConnection(f"it takes no connection: {failed.strerror or failed}") from failed
        return connection

    def used(self, port: int) -> Connection | None:
        """The connection that was idle for the shortest time."""
        idle = self._idle.get(port)
        return idle.popitem()[0] if idle else None

    def keep(self, port: int, connection: Connection) -> None:
        """Take a connection back whose exchange is over."""
        idle = self._idle.setdefault(port, {})
        idle[connection] = asyncio.get_running_loop().time()
        connection.lost = partial(self._forget, port, connection)
        self.sweep.add(self)

    def tick(self, now: float) -> None:
        """What the sweep calls: close what was idle for long enough, the longest idle first."""
        for port, idle in list(self._idle.items()):
            for connection, since in list(idle.items()):
                patience = self._idle_s if len(idle) <= self._idle_most else TICK_S
                if now - since >= patience:
                    self._forget(port, connection)
                    connection.close()
            if not idle:
                del self._idle[port]
        if not self._idle:
            self.sweep.discard(self)

    def _forget(self, port: int, connection: Connection) -> None:
        self._idle.get(port, {}).pop(connection, None)

    def idle(self, port: int) -> int:
        """How many are kept."""
        return len(self._idle.get(port, ()))

    def close(self) -> None:
        """End the idle ones; those in use are their calls' business."""
        for idle in self._idle.values():
            for connection in idle:
                connection.close()


class Call:
    """One request to a port.  Either ``send`` or ``open``, ``write``.. and ``sent``; then ``read`` until ``is_spent``.

    End it with ``finish``, which aborts whatever is not whole.  ``abort`` may come at any time, from a callback.
    """

    def __init__(self, pool: Pool, port: int, limits: Limits) -> None:
        self._pool = pool
        self._port = port
        self._limits = limits
        self._connection: Connection | None = None
        self._is_aborted = self._is_sent = False

    async def send(self, head: bytes, body: bytes, *, bodiless: bool = False) -> Answer:
        """Send a whole request; once more when a used connection ended with not one byte of an answer.

        Raises ``UpstreamFault``.
        """
        used = self._pool.used(self._port)
        if used is not None:
            try:
                return await self._asked(used, head, body, bodiless=bodiless)
            except UpstreamFault as fault:
                if used.answered or isinstance(fault, Aborted | TooLate):
                    raise
        return await self._asked(await self._fresh(), head, body, bodiless=bodiless)

    async def open(self, head: bytes) -> None:
        """Begin a request whose body cannot be sent twice: always on a new connection.  Raises ``UpstreamFault``."""
        self._take(await self._fresh()).write(head)

    async def write(self, data: bytes) -> None:
        """Send a piece of the body, as fast as the container takes it.  Raises ``UpstreamFault``."""
        assert self._connection is not None
        self._connection.write(data)
        await self._connection.drained(self._limits.stall_s)

    def sent(self) -> None:
        """The body is whole; the deadline of the answer begins."""
        assert self._connection is not None
        self._is_sent = True
        self._connection.answer_within(self._limits.answer_s)

    async def answer(self) -> Answer:
        """The head of the answer, which may come before the body is sent.  Raises ``UpstreamFault``."""
        assert self._connection is not None
        return await self._connection.answer()

    async def read(self) -> bytes:
        """The next piece of the body as it came; ``b""`` at its end.  Raises ``UpstreamFault``."""
        assert self._connection is not None
        return await self._connection.read()

    @property
    def is_spent(self) -> bool:
        """The answer is whole, and all of it was read."""
        return self._connection is not None and self._connection.is_spent

    def abort(self) -> None:
        """Close the connection at once."""
        self._is_aborted = True
        if self._connection is not None:
            self._connection.abort()

    def finish(self) -> None:
        """Give the connection back, or close it where something is left on it."""
        connection, self._connection = self._connection, None
        if connection is None:
            return
        self._pool.sweep.discard(connection)
        if connection.is_open and connection.is_spent and connection.may_stay and self._is_sent:
            self._pool.keep(self._port, connection)
        else:
            connection.abort()

    async def _fresh(self) -> Connection:
        if self._is_aborted:
            raise Aborted("ended by the gateway")
        connection = await self._pool.fresh(self._port)
        if self._is_aborted:
            connection.close()
            raise Aborted("ended by the gateway")
        return connection

    def _take(self, connection: Connection, *, bodiless: bool = False) -> Connection:
        if self._connection is not None:  # the one that was used again and had ended meanwhile
            self._pool.sweep.discard(self._connection)
        self._connection = connection
        connection.use(bodiless=bodiless)
        self._pool.sweep.add(connection)
        return connection

    async def _asked(self, connection: Connection, head: bytes, body: bytes, *, bodiless: bool) -> Answer:
        self._take(connection, bodiless=bodiless)
        if len(body) <= SLICE:
            connection.write(head + body)
        else:
            connection.write(head)
            for start in range(0, len(body), SLICE):
                await connection.drained(self._limits.stall_s)
                if connection.complete:  # answered without the rest
                    return await connection.answer()
                connection.write(body[start : start + SLICE])
        self.sent()
        return await connection.answer()
