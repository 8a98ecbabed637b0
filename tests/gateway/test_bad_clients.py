"""A thousand clients that do what no client should: each has an envelope or a closed connection, and nothing is left."""

import asyncio
import contextlib
import os
import socket
import struct

import pytest

from tests.gateway.fakes import CHAT, FORM, SPEECH_TO_TEXT, Caller

pytestmark = pytest.mark.anyio

ROUNDS, EACH = 8, 8
SECRET = "s3cret-text-of-a-client"


def post(body: bytes, path: str = CHAT, *headers: str) -> bytes:
    lines = [f"POST {path} HTTP/1.1", "Host: x", *headers, f"Content-Length: {len(body)}", "", ""]
    return "\r\n".join(lines).encode("latin-1") + body


def chunked(data: bytes) -> bytes:
    return f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode() + data


ANSWERED = {
    "no JSON": post(SECRET.encode()),
    "no object": post(b"[1]"),
    "a wrong type": post(b'{"model": {"a": 1}}'),
    "a long name": post(b'{"model": "%b"}' % (b'\\"\\n' * 5_000)),
    "a foreign path": post(b"{}", f"/v1/%2e%2e/{SECRET}"),
    "a form without a boundary": post(b"x", SPEECH_TO_TEXT, "Content-Type: multipart/form-data"),
    "too large by its word": f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: 99999999999\r\n\r\n".encode(),
    "two lengths": post(b"{}", CHAT, "Content-Length: 3"),
}
"""What is refused; the client then goes."""

LEFT = {
    "nothing": b"",
    "half a head": f"POST {CHAT} HTTP/1.1\r\nHost: ".encode(),
    "a head alone": post(b"x" * 100)[:-100],
    "chunks that break off": chunked(b"ff\r\n{"),
    "chunks that are none": chunked(b"zz\r\n{}\r\n0\r\n\r\n"),
    "half an upload": post(b"--X\r\n" + b"a" * 200_000, SPEECH_TO_TEXT, f"Content-Type: {FORM}")[:-100_000],
    "another protocol": b"\x16\x03\x01\x02\x00\x01\x00\x01\xfc\x03\x03",
    "a head without end": b"GET /v1/models HTTP/1.1\r\n" + b"X: y\r\n" * 20_000,
}
"""What is left behind by a client that goes without a word, in every second round with a reset."""


async def test_nothing_is_left_of_a_thousand_bad_clients(ground, caplog) -> None:
    warm = await ground.caller()
    await warm.ask(body=b"no JSON")
    await warm.error()
    before = len(os.listdir("/proc/self/fd"))
    count = 0
    for number in range(ROUNDS):
        batch = [_answered(ground.port, data) for data in ANSWERED.values() for _ in range(EACH)]
        batch += [_left(ground.port, data, reset=number % 2 == 0) for data in LEFT.values() for _ in range(EACH)]
        count += len(batch)
        await asyncio.gather(*batch)
    assert count > 1_000
    while len(os.listdir("/proc/self/fd")) > before or ground.gateway.counters.in_flight:
        await asyncio.sleep(0)
    assert ground.idle()
    assert ground.server.connections == 0, "none of them reached a container"
    assert {slot for slot, _, _ in ground.gateway.counters.requests} <= {"", "stt"}
    assert SECRET not in f"{ground.gateway.counters} {caplog.text}"
    await warm.ask()
    await (await ground.server.next()).answer()
    assert await warm.answer() == {}


async def _answered(port: int, data: bytes) -> None:
    caller = await Caller.to(port)
    await caller.send(data)
    assert 400 <= await caller.head() < 500
    await _gone(caller)


async def _left(port: int, data: bytes, *, reset: bool) -> None:
    caller = await Caller.to(port)
    if reset:
        held = caller.writer.get_extra_info("socket")
        held.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
    with contextlib.suppress(ConnectionError):
        await caller.send(data)
    await _gone(caller)


async def _gone(caller: Caller) -> None:
    caller.leave()
    with contextlib.suppress(ConnectionError):
        await caller.writer.wait_closed()
