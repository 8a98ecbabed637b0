"""Answers as bytes: whatever the cuts between reads, the same head and the same body."""

import asyncio
import socket
import struct

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.gateway.connection import HIGH_WATER, Connection
from hal0_operator.gateway.faults import Aborted, UpstreamFault

BODIES = st.binary(max_size=300)
CUTS = st.lists(st.integers(1, 40), max_size=60)


class FakeTransport(asyncio.Transport):
    """Keeps what is written; ``paused`` and ``aborted`` say what was asked of it."""

    def __init__(self) -> None:
        super().__init__()
        self.written = b""
        self.paused = self.aborted = False

    def write(self, data) -> None:
        self.written += bytes(data)

    def pause_reading(self) -> None:
        self.paused = True

    def resume_reading(self) -> None:
        self.paused = False

    def abort(self) -> None:
        self.aborted = True


def opened() -> tuple[Connection, FakeTransport]:
    connection, transport = Connection(), FakeTransport()
    connection.connection_made(transport)
    connection.use()
    connection.write(b"request")
    return connection, transport


def sized(body: bytes) -> bytes:
    return b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\nX-A: b\r\n\r\n" % len(body) + body


def chunked(body: bytes, sizes: list[int]) -> bytes:
    out, at = b"HTTP/1.1 200 OK\r\nX-A: b\r\nTransfer-Encoding: chunked\r\n\r\n", 0
    for size in [*sizes, len(body) or 1]:
        piece = body[at : at + size]
        at += size
        if piece:
            out += b"%x;ext=1\r\n%b\r\n" % (len(piece), piece)
    return out + b"0\r\nX-Trailer: 1\r\n\r\n"


def fed(connection: Connection, data: bytes, cuts: list[int]) -> None:
    at = 0
    for size in [*cuts, len(data)]:
        if data[at : at + size]:
            connection.data_received(data[at : at + size])
        at += size


async def whole(connection: Connection) -> tuple[int, bytes, bytes]:
    answer = await connection.answer()
    body = b""
    while piece := await connection.read():
        body += piece
    return answer.status, dict(answer.headers)[b"x-a"], body


@given(BODIES, CUTS, st.lists(st.integers(1, 50), max_size=5), st.sampled_from(("sized", "chunked", "until the end")))
def test_a_body_is_the_same_wherever_it_is_cut(body, cuts, sizes, form):
    async def play():
        connection, _ = opened()
        if form == "until the end":
            fed(connection, b"HTTP/1.1 200 OK\r\nX-A: b\r\n\r\n" + body, cuts)
            connection.eof_received()
        else:
            fed(connection, sized(body) if form == "sized" else chunked(body, sizes), cuts)
        assert await whole(connection) == (200, b"b", body)
        assert connection.is_spent
        assert connection.may_stay == (form != "until the end")

    asyncio.run(play())


@given(st.binary(max_size=200), st.booleans(), st.integers(0, 400))
def test_an_answer_that_ends_early_is_never_taken_for_whole(body, is_chunked, keep):
    async def play():
        connection, _ = opened()
        data = chunked(body, []) if is_chunked else sized(body)
        cut = data[: min(keep, len(data) - 1)]
        fed(connection, cut, [])
        connection.eof_received()
        connection.connection_lost(None)
        with pytest.raises(UpstreamFault):
            await whole(connection)

    asyncio.run(play())


@given(st.binary(max_size=400), CUTS)
def test_noise_is_a_fault_and_nothing_else(noise, cuts):
    async def play():
        connection, _ = opened()
        fed(connection, b"HTTP/1.1 " + noise, cuts)
        connection.eof_received()
        connection.connection_lost(None)
        try:
            await connection.answer()
            while await connection.read():
                pass
        except UpstreamFault:
            pass

    asyncio.run(play())


def test_two_answers_on_one_connection_are_kept_apart():
    async def play():
        connection, transport = opened()
        for body in (b"one", b"two", b""):
            connection.data_received(sized(body))
            assert await whole(connection) == (200, b"b", body)
            assert connection.may_stay
            connection.use()
        assert not transport.aborted

    asyncio.run(play())


def test_a_server_is_made_to_wait_for_a_reader_that_holds_enough():
    async def play():
        connection, transport = opened()
        connection.data_received(sized(b"")[:-2].replace(b": 0", b": 9999999") + b"\r\n")
        while not transport.paused:
            connection.data_received(b"x" * 50_000)
        held = 0
        while transport.paused:
            held += len(await connection.read())
        assert HIGH_WATER // 2 < held <= HIGH_WATER + 50_000

    asyncio.run(play())


def test_a_writer_waits_until_it_may_go_on_and_not_for_a_server_that_answered():
    async def play():
        connection, _ = opened()
        connection.pause_writing()
        waiting = asyncio.create_task(connection.drained(60))
        await asyncio.sleep(0)
        assert not waiting.done()
        connection.resume_writing()
        await waiting
        connection.pause_writing()
        connection.data_received(sized(b""))
        await connection.drained(60)

    asyncio.run(play())


def test_what_was_aborted_says_so_and_is_closed():
    async def play():
        connection, transport = opened()
        reading = asyncio.create_task(connection.answer())
        await asyncio.sleep(0)
        connection.abort()
        assert transport.aborted
        with pytest.raises(Aborted):
            await reading
        with pytest.raises(Aborted):
            connection.write(b"more")

    asyncio.run(play())


def test_bytes_that_nobody_asked_for_close_an_idle_connection():
    async def play():
        connection, transport = opened()
        connection.data_received(sized(b"x"))
        await whole(connection)
        connection.data_received(b"HTTP/1.1 408 Timeout\r\nContent-Length: 0\r\n\r\n")
        assert transport.aborted
        assert not connection.may_stay

    asyncio.run(play())


def test_a_second_answer_in_the_same_read_is_one_too_many():
    async def play():
        connection, _ = opened()
        connection.data_received(sized(b"one") + sized(b"two"))
        assert await whole(connection) == (200, b"b", b"one")
        assert not connection.may_stay

    asyncio.run(play())


def test_an_answer_that_came_before_a_reset_is_read():
    """A server refuses an upload and closes with bytes of it unread, just when more is written."""

    async def play():
        with socket.create_server(("127.0.0.1", 0)) as listener:
            _, connection = await asyncio.get_running_loop().create_connection(Connection, *listener.getsockname())
            server, _ = listener.accept()
        connection.use()
        with server:
            server.sendall(sized(b"no"))
            server.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        connection.write(b"upload")
        assert await whole(connection) == (200, b"b", b"no")
        connection.abort()

    asyncio.run(play())


def test_an_answer_to_a_head_has_no_body_and_its_connection_is_not_kept():
    async def play():
        connection, _ = opened()
        connection.use(bodiless=True)
        connection.data_received(b"HTTP/1.1 200 OK\r\nX-A: b\r\nContent-Length: 900\r\n\r\n")
        assert await whole(connection) == (200, b"b", b"")
        assert not connection.may_stay

    asyncio.run(play())
