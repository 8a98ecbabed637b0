"""A body that does not come: it holds nothing for longer than a stated time, whoever began it."""

import json
import socket

import pytest

from hal0_operator.web import guard
from tests.support.served import TOKEN
from tests.web.conftest import Asks

HEAD = "POST {path} HTTP/1.1\r\nHost: 127.0.0.1\r\nContent-Type: application/json\r\n{more}\r\n"
OWNER = f"Authorization: Bearer {TOKEN}\r\n"
PATHS = ["/hooks/git", "/api/source/sync?wait=1", "/api/slots/chat/suspend", "/no/such/path"]


@pytest.fixture
def connect(live):
    """Opens connections to the live server; they are closed with the test."""
    opened = []

    def connect_one(*, unix=False):
        opened.append(socket.socket(socket.AF_UNIX if unix else socket.AF_INET))
        opened[-1].settimeout(30)
        opened[-1].connect(str(live.socket) if unix else ("127.0.0.1", live.port))
        return opened[-1]

    yield connect_one
    for one in opened:
        one.close()


def begun(client: socket.socket, path: str, more: str = "Content-Length: 100\r\n") -> socket.socket:
    client.sendall(HEAD.format(path=path, more=OWNER + more).encode())
    return client


def until_closed(client: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection; fails after half a minute."""
    got = b""
    while data := client.recv(65_536):
        got += data
    return got


def code(answer: bytes) -> tuple[bytes, str]:
    head, _, body = answer.partition(b"\r\n\r\n")
    return head.split(b" ")[1], json.loads(body)["error"]["code"]


@pytest.mark.parametrize("unix", [False, True])
@pytest.mark.parametrize("path", PATHS)
def test_a_body_that_never_comes_is_refused_and_its_connection_cut(connect, monkeypatch, path, unix):
    monkeypatch.setattr(guard, "BODY_S", 0.05)
    client = begun(connect(unix=unix), path)
    client.sendall(b"{")
    assert code(until_closed(client)) == (b"408", "request.timeout")


def test_a_body_that_comes_by_drops_is_cut_too(connect, monkeypatch):
    monkeypatch.setattr(guard, "BODY_S", 0.2)
    client = begun(connect(), "/hooks/git", "Transfer-Encoding: chunked\r\n")
    client.settimeout(0.01)
    got = b""
    for _ in range(500):
        try:
            client.sendall(b"1\r\n \r\n")
            got = client.recv(65_536)
            break
        except TimeoutError:
            continue
    assert got.startswith(b"HTTP/1.1 408")


def test_only_the_body_is_timed_and_not_the_answer(live, connect, monkeypatch):
    monkeypatch.setattr(guard, "BODY_S", 0.05)
    live.call(live.operator.fresh_gate.clear)
    whole = begun(connect(), "/api/reconcile?wait=1", "Content-Length: 2\r\n")
    whole.sendall(b"{}")
    assert code(until_closed(begun(connect(), "/hooks/git")))[0] == b"408"
    live.call(live.operator.fresh_gate.set)
    assert whole.recv(65_536).startswith(b"HTTP/1.1 200")


@pytest.mark.anyio
@pytest.mark.parametrize("parts", [[], [b"{}"]], ids=["nothing", "a part"])
async def test_a_part_of_a_body_whose_client_went_is_acted_on_by_nobody(operator, parts, caplog):
    came = [*({"type": "http.request", "body": part, "more_body": True} for part in parts), {"type": "http.disconnect"}]

    async def receive():
        return came.pop(0) if came else {"type": "http.disconnect"}

    async def send(message):
        said.append(message)

    said = []
    scope = {"type": "http", "method": "POST", "path": "/api/prune/approve", "headers": [(b"content-length", b"9")]}
    await Asks(operator).app({**scope, "query_string": b"", "server": ("/run/x.sock", None)}, receive, send)
    assert said[0]["status"] == 400
    assert operator.wishes == []
    assert caplog.records == []
