"""A probe says exactly how the published port behaves, against real servers that behave badly."""

import contextlib
import socket
import struct
from collections.abc import AsyncIterator, Callable

import anyio
import pytest

from hal0_operator.host import http
from hal0_operator.host.probe import HttpProber
from hal0_operator.model.probe import ProbeResult, ProbeSpec, Request
from tests.support.served import free_port

pytestmark = pytest.mark.anyio
HEALTH = Request("GET", "/health")
LIMIT_S = 5.0
"""Generous: only what is meant to hang waits for a limit, and brings its own."""


def response(status: int = 200, body: bytes = b"{}", reason: str = "x", length: bool = True) -> bytes:
    head = f"HTTP/1.1 {status} {reason}\r\nContent-Type: application/json\r\n"
    head += f"Content-Length: {len(body)}\r\n" if length else ""
    return head.encode() + b"\r\n" + body


class Server:
    """Answers each request with the next answer; keeps what it was asked."""

    def __init__(self, answers: list[bytes]) -> None:
        self.port = 0
        self.asked: list[bytes] = []
        self.at_once = 0
        self.most_at_once = 0
        self._answers = answers

    async def handle(self, stream: anyio.abc.SocketStream) -> None:
        async with stream:
            self.at_once += 1
            self.most_at_once = max(self.most_at_once, self.at_once)
            self.asked.append(await self._request(stream))
            answer = self._answers.pop(0) if len(self._answers) > 1 else self._answers[0]
            with contextlib.suppress(anyio.BrokenResourceError):
                await stream.send(answer)
            self.at_once -= 1

    async def _request(self, stream: anyio.abc.SocketStream) -> bytes:
        data = b""
        while b"\r\n\r\n" not in data:
            data += await stream.receive()
        head, _, body = data.partition(b"\r\n\r\n")
        length = next(
            (int(line.split(b":")[1]) for line in head.split(b"\r\n") if line.startswith(b"Content-Length")), 0
        )
        while len(body) < length:
            body += await stream.receive()
        return head + b"\r\n\r\n" + body


@contextlib.asynccontextmanager
async def serving(*answers: bytes, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[Server]:
    server = Server(list(answers))
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)
    server.port = listener.extra(anyio.abc.SocketAttribute.local_port)
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, server.handle)
        yield server
        tasks.cancel_scope.cancel()
    await listener.aclose()


@contextlib.asynccontextmanager
async def behaving(handle: Callable, host: str = "127.0.0.1", port: int = 0) -> AsyncIterator[int]:
    listener = await anyio.create_tcp_listener(local_host=host, local_port=port)

    async def guarded(stream: anyio.abc.SocketStream) -> None:
        async with stream:
            await handle(stream)

    async with anyio.create_task_group() as tasks:
        tasks.start_soon(listener.serve, guarded)
        yield listener.extra(anyio.abc.SocketAttribute.local_port)
        tasks.cancel_scope.cancel()
    await listener.aclose()


async def ask(port: int, request: Request = HEALTH, address: str = "", timeout_s: float = LIMIT_S) -> ProbeResult:
    return await HttpProber().probe(ProbeSpec(port, request), address, once=False, timeout_s=timeout_s)


# ── verdicts ───────────────────────────────────────────────────────────────────────────────────


async def test_a_200_passes_and_the_request_is_plain_http_that_ends_its_connection() -> None:
    async with serving(response()) as server:
        assert await ask(server.port) == ProbeResult("passed")
        assert server.asked[0].startswith(b"GET /health HTTP/1.1\r\n")
        assert b"Connection: close" in server.asked[0] and f"Host: 127.0.0.1:{server.port}".encode() in server.asked[0]


@pytest.mark.parametrize(
    ("answer", "verdict"),
    [
        (response(503, b'{"error":{"message":"Loading model"}}'), "loading"),
        (response(500, b"boom"), "failed"),
        (response(404), "failed"),
        (response(204, b""), "failed"),
        (b"SSH-2.0-OpenSSH_9.2\r\n", "failed"),
        (b"HTTP/1.1 200 OK\r\nContent-Le", "failed"),
        (response(200, b"ok", length=False), "passed"),
        (b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n2\r\n{}\r\n0\r\n\r\n", "passed"),
        (b"HTTP/1.0 200 OK\r\n\r\n", "passed"),
    ],
)
async def test_each_answer_has_its_verdict(answer: bytes, verdict: str) -> None:
    async with serving(answer) as server:
        result = await ask(server.port)
        assert result.verdict == verdict
        assert (result.detail == "") == (verdict == "passed")


async def test_nobody_listening_is_refused() -> None:
    result = await ask(free_port())
    assert result.verdict == "refused" and "refused" in result.detail


async def test_a_connection_taken_and_reset_is_refused() -> None:
    """As rootless port forwarders do before the server in the container listens."""

    async def reset(stream: anyio.abc.SocketStream) -> None:
        raw = stream.extra(anyio.abc.SocketAttribute.raw_socket)
        raw.setsockopt(socket.SOL_SOCKET, socket.SO_LINGER, struct.pack("ii", 1, 0))
        await stream.aclose()

    async with behaving(reset) as port:
        result = await ask(port)
        assert result.verdict == "refused" and "took the connection" in result.detail


async def test_a_connection_taken_and_closed_is_refused() -> None:
    async def close(stream: anyio.abc.SocketStream) -> None:
        await stream.receive()
        await stream.aclose()

    async with behaving(close) as port:
        assert (await ask(port)).verdict == "refused"


async def test_a_server_that_hangs_is_a_timeout_and_its_connection_is_dropped() -> None:
    dropped = anyio.Event()

    async def hang(stream: anyio.abc.SocketStream) -> None:
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.receive()
            await stream.receive()
        dropped.set()
        await stream.aclose()

    async with behaving(hang) as port:
        result = await ask(port, timeout_s=0.05)
        assert result.verdict == "timeout" and "0.05 s" in result.detail
        with anyio.fail_after(30):
            await dropped.wait()


async def test_an_answer_that_never_ends_is_cut_off() -> None:
    async def flood(stream: anyio.abc.SocketStream) -> None:
        with contextlib.suppress(anyio.BrokenResourceError):
            await stream.send(b"HTTP/1.1 200 OK\r\nContent-Length: 99999999999\r\n\r\n")
            while True:
                await stream.send(b"x" * 65_536)
        await stream.aclose()

    async with behaving(flood) as port:
        result = await ask(port)
        assert result.verdict == "failed" and str(http.BODY_LIMIT) in result.detail


async def test_an_answer_in_single_bytes_is_put_together() -> None:
    async def drip(stream: anyio.abc.SocketStream) -> None:
        await stream.receive()
        for byte in response(200, b'{"data":[1]}'):
            await stream.send(bytes((byte,)))
        await stream.aclose()

    async with behaving(drip) as port:
        assert (await ask(port, Request("GET", "/v1/models", expect="models"))).verdict == "passed"


# ── expectations ───────────────────────────────────────────────────────────────────────────────


@pytest.mark.parametrize(
    ("expect", "body", "verdict"),
    [
        ("models", b'{"data":[{"id":"qwen3:4b"}]}', "passed"),
        ("models", b'{"data":[]}', "failed"),
        ("models", b'{"data":{"a":1}}', "failed"),
        ("models", b"[]", "failed"),
        ("models", b"<html>", "failed"),
        ("models", b"\xff\xfe", "failed"),
        ("models", b"[" * 100_000, "failed"),
        ("true", b'{"model_loaded":true}', "passed"),
        ("true", b'{"model_loaded":false}', "failed"),
        ("true", b'{"model_loaded":1}', "failed"),
        ("true", b"{}", "failed"),
    ],
)
async def test_a_200_must_also_say_what_is_expected(expect: str, body: bytes, verdict: str) -> None:
    async with serving(response(200, body)) as server:
        request = Request("GET", "/x", expect=expect, key="model_loaded" if expect == "true" else "")
        assert (await ask(server.port, request)).verdict == verdict


async def test_what_a_server_says_is_shown_short_and_without_control_characters() -> None:
    async with serving(response(500, b"bad\x1b[31m\n" + b"y" * 10_000)) as server:
        detail = (await ask(server.port)).detail
        assert "\x1b" not in detail and "\n" not in detail and len(detail) < 300


# ── functional calls ───────────────────────────────────────────────────────────────────────────

CHAT = Request("POST", "/v1/chat/completions", body={"model": "qwen3:4b", "max_tokens": 1}, role="chat")
EMBED = Request("POST", "/v1/embeddings", body={"model": "qwen3:4b", "input": "Hi"}, role="embed")
ASR = Request(
    "POST", "/v1/audio/transcriptions", body={"model": "a:b", "file": b"RIFF\0\r\n--x"}, multipart=True, role="asr"
)


async def functional(port: int, *once: Request, asked: bool = True) -> ProbeResult:
    return await HttpProber().probe(ProbeSpec(port, HEALTH, once), "", once=asked, timeout_s=LIMIT_S)


async def test_functional_calls_go_one_at_a_time_and_failing_roles_are_named() -> None:
    async with serving(response(), response(500, b"no context"), response(), response(503)) as server:
        result = await functional(server.port, CHAT, EMBED, ASR)
        assert (result.verdict, result.failed_roles) == ("passed", ("chat", "asr"))
        assert "no context" in result.detail
        assert server.most_at_once == 1 and len(server.asked) == 4
        assert server.asked[1].endswith(b'{"model":"qwen3:4b","max_tokens":1}')
        assert b"Content-Type: application/json" in server.asked[1]


async def test_functional_calls_are_made_only_when_owed_and_only_after_health() -> None:
    async with serving(response()) as server:
        await functional(server.port, CHAT, asked=False)
        assert len(server.asked) == 1
    async with serving(response(503)) as server:
        assert (await functional(server.port, CHAT)).verdict == "loading"
        assert len(server.asked) == 1


async def test_a_recording_is_sent_as_a_form() -> None:
    async with serving(response()) as server:
        assert (await functional(server.port, ASR)).failed_roles == ()
        form = server.asked[1]
        assert b'name="model"\r\n\r\na:b\r\n' in form
        assert b'name="file"; filename="file.wav"\r\nContent-Type: audio/wav\r\n\r\nRIFF\0\r\n--x\r\n--' in form
        assert form.endswith(b"--\r\n")


async def test_a_functional_call_has_its_own_limit() -> None:
    asked = 0

    async def answer_once(stream: anyio.abc.SocketStream) -> None:
        nonlocal asked
        asked += 1
        await stream.receive()
        if asked == 1:
            await stream.send(response())
        else:
            with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
                await stream.receive()
        await stream.aclose()

    async with behaving(answer_once) as port:
        slow = Request("POST", "/v1/embeddings", body={}, role="embed", timeout_s=0.05)
        result = await functional(port, slow)
        assert (result.verdict, result.failed_roles) == ("passed", ("embed",))


# ── through the port, or past it ───────────────────────────────────────────────────────────────


async def test_a_dead_port_is_told_from_a_dead_container() -> None:
    """127.0.0.2 stands for the container's own address."""
    async with serving(response(), host="127.0.0.2") as server:
        assert (await ask(server.port, address="127.0.0.2")) == ProbeResult(
            "refused", f"127.0.0.1:{server.port} refused the connection", inside=True
        )
        assert (await ask(server.port, address="127.0.0.3")).inside is False
        assert (await ask(server.port)).inside is None


@pytest.mark.parametrize("status", [503, 500, 200])
async def test_inside_means_that_a_server_answered_whatever_it_said(status: int) -> None:
    async with serving(response(status), host="127.0.0.2") as server:
        assert (await ask(server.port, address="127.0.0.2")).inside is True


async def test_a_port_that_answers_is_not_broken() -> None:
    async with serving(response(500)) as server:
        assert (await ask(server.port, address="127.0.0.2")).inside is None


async def test_a_cancelled_probe_ends_at_once() -> None:
    async def hang(stream: anyio.abc.SocketStream) -> None:
        begun.set()
        with contextlib.suppress(anyio.EndOfStream, anyio.BrokenResourceError):
            await stream.receive()
            await stream.receive()
        await stream.aclose()

    begun = anyio.Event()
    async with behaving(hang) as port, anyio.create_task_group() as tasks:
        tasks.start_soon(ask, port)
        await begun.wait()
        tasks.cancel_scope.cancel()
    assert tasks.cancel_scope.cancel_called
