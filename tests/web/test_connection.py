"""What one client may hold or fill: anyone on the machine can connect, and needs no token for it."""

import http.client
import resource
import socket

import pytest

from hal0_operator.web import connection
from hal0_operator.web.serve import tcp_socket
from tests.support.served import TOKEN

BEGUN = b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n"


@pytest.fixture
def connect(live):
    """Opens TCP connections to the live server; they are closed with the test."""
    opened = []

    def connect_one():
        opened.append(socket.create_connection(("127.0.0.1", live.port), timeout=30))
        return opened[-1]

    yield connect_one
    for one in opened:
        one.close()


def until_closed(client: socket.socket) -> bytes:
    """Everything that comes until the server ends the connection; fails after five seconds."""
    got = b""
    while data := client.recv(65_536):
        got += data
    return got


def flood(client: socket.socket, piece: bytes, times: int) -> bytes:
    """Send until the server has enough, and what it said."""
    try:
        for _ in range(times):
            client.sendall(piece)
    except ConnectionError:
        pass
    try:
        return until_closed(client)
    except ConnectionError:
        return b""


def answered(client: socket.socket) -> bool:
    """Whether the server takes a request on this connection."""
    try:
        client.sendall(BEGUN + b"\r\n")
        return client.recv(65_536).startswith(b"HTTP/1.1 200")
    except ConnectionError:
        return False


def until_said(client: socket.socket, word: bytes) -> None:
    """Read on until the server has said it; fails when it falls silent for five seconds."""
    got = b""
    while word not in got:
        data = client.recv(65_536)
        assert data
        got += data


def test_a_request_that_never_ends_its_head_is_cut_off_by_time(connect, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.05)
    silent, slow = connect(), connect()
    slow.sendall(BEGUN)
    assert until_closed(silent) == until_closed(slow) == b""


def test_a_stream_outlives_the_time_for_a_head(live, connect, monkeypatch):
    monkeypatch.setattr(connection, "HEAD_S", 0.05)
    stream, other = connect(), connect()
    stream.sendall(b"GET /api/watch HTTP/1.1\r\nHost: 127.0.0.1\r\nAccept: text/event-stream\r\n\r\n")
    until_said(stream, b"event: slots")
    until_closed(other)
    live.call(live.operator.drop, "code")
    until_said(stream, b"event: gone")


@pytest.mark.parametrize("piece", [b"a" * 65_536, b"name: value\r\n" * 5_000], ids=["one", "many"])
def test_a_head_without_end_is_refused(connect, piece):
    client = connect()
    client.sendall(BEGUN + b"X: ")
    assert flood(client, piece, 50) in (b"", connection._TOO_LARGE)
    assert answered(connect())


def test_an_address_without_end_is_refused(connect):
    client = connect()
    client.sendall(b"GET /")
    assert flood(client, b"a" * 65_536, 50) in (b"", connection._TOO_LARGE)


def test_trailers_without_end_are_refused(connect):
    client = connect()
    client.sendall(b"POST /api/reconcile HTTP/1.1\r\nHost: 127.0.0.1\r\nTransfer-Encoding: chunked\r\n\r\n0\r\n")
    until_said(client, b"HTTP/1.1 401")
    with pytest.raises(OSError):
        for _ in range(500):
            client.sendall(b"name: value\r\n" * 5_000)


def test_a_large_body_in_many_pieces_is_no_large_head(live):
    client = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    body = b'{"reason":"' + b" " * 900_000 + b'"}'
    headers = {"Authorization": f"Bearer {TOKEN}", "Content-Type": "application/json"}
    client.request("POST", "/api/slots/chat/suspend", body, headers)
    assert client.getresponse().status == 400  # a reason of that length; it was read
    client.close()


def test_connections_are_counted_and_the_socket_file_stays_free(live, connect, monkeypatch):
    monkeypatch.setattr(connection, "CONNECTIONS", 3)
    held = [connect() for _ in range(3)]
    for one in held:
        one.sendall(BEGUN)
    until_said(connect(), b"HTTP/1.1 503")
    with socket.socket(socket.AF_UNIX) as client:
        client.settimeout(30)
        client.connect(str(live.socket))
        assert answered(client)
    held.pop().close()
    assert any(answered(connect()) for _ in range(100))  # the server sees the end a moment later


def test_as_many_connections_as_descriptors_bear(monkeypatch):
    for allowed, bound in ((1024, 256), (1 << 20, connection.CONNECTIONS), (resource.RLIM_INFINITY, 4096)):
        monkeypatch.setattr(resource, "getrlimit", lambda _, soft=allowed: (soft, soft))
        assert connection.most() == bound


def test_head_and_body_of_an_answer_come_together(connect):
    client = connect()
    client.sendall(b"GET /healthz HTTP/1.1\r\nHost: 127.0.0.1\r\n\r\n")
    head, _, body = client.recv(65_536).partition(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200")
    assert body


def test_what_is_no_http_leaves_no_line_in_the_log(connect, caplog):
    client = connect()
    client.sendall(b"\x16\x03\x01 hello\r\n\r\n")
    assert until_closed(client).startswith(b"HTTP/1.1 400")
    upgrade = connect()
    upgrade.sendall(BEGUN + b"Connection: Upgrade\r\nUpgrade: websocket\r\n\r\n")
    assert upgrade.recv(65_536).startswith(b"HTTP/1.1 200")
    assert caplog.records == []


def test_the_listener_says_that_it_is_tcp_so_that_no_answer_waits_for_an_acknowledgement():
    """asyncio switches Nagle's delay off for connections of such a socket alone."""
    with tcp_socket("127.0.0.1:0") as bound:
        assert bound.proto == socket.IPPROTO_TCP
