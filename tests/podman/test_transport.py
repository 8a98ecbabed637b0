"""What is known after a failed call: nothing was sent, or it may still take effect.  And nothing hangs."""

import socket
import threading
from pathlib import Path

import pytest

from hal0_operator.podman.client import Client
from hal0_operator.podman.transport import Request, Stream, Transport, Unavailable
from hal0_operator.seams.podman import PodmanFault
from tests.podman.unix_server import CHUNKED, answer, chunk, serving

OK = answer("200 OK", b"OK")
LIMIT_S = 10


def ask(url: str, limit_s: float = 0.1) -> str:
    """The kind of fault that one GET ends in."""
    transport = Transport(url)
    try:
        transport.call(Request("ask", "get", "version", limit_s))
    except PodmanFault as failed:
        assert failed.fault.status is None
        return failed.fault.kind
    finally:
        transport.close()
    return "answered"


def test_no_socket_and_a_dead_one_are_unreachable(tmp_path: Path) -> None:
    assert ask(f"unix://{tmp_path}/none") == "unreachable"
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(tmp_path / "dead"))
    assert ask(f"unix://{tmp_path}/dead") == "unreachable"
    assert ask("tcp://127.0.0.1:1") == "unreachable"
    assert ask(f"unix://{tmp_path}/{'x' * 200}") == "unreachable"


def test_a_full_backlog_is_unreachable(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as full, socket.socket(socket.AF_UNIX) as first:
        full.bind(str(tmp_path / "full"))
        full.listen(0)
        first.connect(str(tmp_path / "full"))
        assert ask(f"unix://{tmp_path}/full") == "unreachable"


def test_silence_is_an_unknown_outcome(tmp_path: Path) -> None:
    with socket.socket(socket.AF_UNIX) as silent:
        silent.bind(str(tmp_path / "silent"))
        silent.listen()
        assert ask(f"unix://{tmp_path}/silent") == "unknown_outcome"


@pytest.mark.parametrize(
    "said", [b"", b"HTTP/1.1 200 OK\r\nContent-Length: 50\r\n\r\nhalf", CHUNKED + b"5\r\nab", b"no HTTP\r\n\r\n"]
)
def test_a_cut_or_garbled_answer_is_an_unknown_outcome(tmp_path: Path, said: bytes) -> None:
    with serving(tmp_path / "s", lambda connection, _: connection.sendall(said)) as url:
        assert ask(url, LIMIT_S) == "unknown_outcome"


def test_the_message_says_what_was_asked_where_why_and_what_to_do(tmp_path: Path) -> None:
    with pytest.raises(PodmanFault) as caught:
        Client(f"unix://{tmp_path}/none").version()
    message = caught.value.fault.message
    assert f"ask Podman's version at unix://{tmp_path}/none: no such file or directory; start Podman" in message


@pytest.mark.parametrize("body", [b"", b"nonsense", b"[]", b"\xff"])
def test_an_unreadable_answer_is_a_fault_or_empty_and_no_crash(tmp_path: Path, body: bytes) -> None:
    with serving(tmp_path / "s", lambda connection, _: connection.sendall(answer("200 OK", body))) as url:
        client = Client(url)
        for call in (client.containers, client.images, lambda: client.holders("x")):
            try:
                assert call() in ((), {})
            except PodmanFault as failed:
                assert failed.fault.kind == "other"
                assert "could not be read" in failed.fault.message
        client.close()


def test_a_service_that_is_not_podman_is_named_as_such(tmp_path: Path) -> None:
    with serving(tmp_path / "s", lambda connection, _: connection.sendall(answer("200 OK", b"OK", ""))) as url:
        with pytest.raises(PodmanFault, match="what answers there is no Podman service"):
            Client(url).version()


def test_nothing_listening_is_revived_and_the_call_repeated_once(tmp_path: Path) -> None:
    path, calls = tmp_path / "s", []
    with socket.socket(socket.AF_UNIX) as dead:
        dead.bind(str(path))
    path.unlink()
    server = serving(path, lambda connection, _: connection.sendall(OK))

    def revive() -> None:
        calls.append(1)
        server.__enter__()

    client = Client(f"unix://{path}", revive)
    assert client.version() == "9.9"
    assert len(calls) == 1
    client.close()
    server.__exit__(None, None, None)


def test_what_was_sent_is_never_repeated(tmp_path: Path) -> None:
    def revive() -> None:
        raise AssertionError("a call that may have taken effect was to be repeated")

    requests: list[bytes] = []
    with (
        serving(tmp_path / "s", lambda _, request: requests.append(request)) as url,
        pytest.raises(PodmanFault) as caught,
    ):
        Client(url, revive).start("abc")
    assert caught.value.fault.kind == "unknown_outcome"
    assert len(requests) == 1


def test_a_failed_revival_is_unreachable_and_says_why(tmp_path: Path) -> None:
    def revive() -> None:
        raise Unavailable("Podman is not installed")

    with pytest.raises(PodmanFault) as caught:
        Client(f"unix://{tmp_path}/s", revive).version()
    assert caught.value.fault.kind == "unreachable"
    assert "Podman is not installed" in caught.value.fault.message


def test_a_stream_gives_each_chunk_as_it_comes_and_ends_when_cancelled(tmp_path: Path) -> None:
    def handler(connection: socket.socket, _: bytes) -> None:
        connection.sendall(CHUNKED + chunk(b"one\ntw"))
        connection.sendall(chunk(b"o\n"))
        assert connection.recv(1) == b""  # until the reader goes

    with serving(tmp_path / "s", handler) as url:
        stream = Stream("follow")
        Transport(url).open(stream, Request("follow", "get", "events", LIMIT_S))
        stream.unlimited()
        lines = stream.lines()
        assert [next(lines), next(lines)] == [b"one", b"two"]
        threading.Timer(0.02, stream.cancel).start()
        assert list(lines) == []


def test_a_stream_is_cancelled_while_the_service_has_not_answered(tmp_path: Path) -> None:
    asked = threading.Event()

    def handler(connection: socket.socket, _: bytes) -> None:
        asked.set()
        connection.recv(1)

    with serving(tmp_path / "s", handler) as url:
        stream = Stream("pull")
        opening = threading.Thread(target=Transport(url).open, args=(stream, Request("pull", "get", "x", 60)))
        opening.start()
        assert asked.wait(LIMIT_S)
        stream.cancel()
        opening.join(LIMIT_S)
        assert not opening.is_alive()
        assert list(stream) == []


def test_a_stream_that_is_cut_says_so_and_one_that_is_cancelled_unread_holds_nothing(tmp_path: Path) -> None:
    with serving(tmp_path / "s", lambda connection, _: connection.sendall(CHUNKED + chunk(b"x"))) as url:
        cut = Stream("follow")
        Transport(url).open(cut, Request("follow", "get", "events", LIMIT_S))
        chunks = iter(cut)
        assert next(chunks) == b"x"
        with pytest.raises(PodmanFault) as caught:
            next(chunks)
        assert caught.value.fault.kind == "unknown_outcome"
        unread = Stream("follow")
        Transport(url).open(unread, Request("follow", "get", "events", LIMIT_S))
        unread.cancel()
        unread.cancel()
        assert list(unread) == []


PULL_4 = (
    b'{"stream":"Trying to pull x:1...\\n"}\n{"stream":"Copying blob sha256:ab\\n"}\n{"images":["abc"],"id":"abc"}\n'
)
PULL_5 = (
    b'{"status":"Pulling fs layer","progressDetail":{},"id":"0b1f"}\n'
    b'{"status":"Downloading","progressDetail":{"current":12300000,"total":45600000},"id":"0b1f"}\n'
    b'{"status":"Download complete","progressDetail":{},"id":"0b1f"}\n'
)


@pytest.mark.parametrize(
    ("version", "report", "shown"),
    [
        ("4.3.1", PULL_4, ["Trying to pull x:1...", "Copying blob sha256:ab"]),
        ("5.4.2", PULL_5, ["Pulling fs layer 0b1f", "Downloading 0b1f 12.3 of 45.6 MB", "Download complete 0b1f"]),
    ],
)
def test_both_dialects_of_a_pull_are_read(tmp_path: Path, version: str, report: bytes, shown: list[str]) -> None:
    def handler(connection: socket.socket, request: bytes) -> None:
        if b"/images/pull" in request:
            connection.sendall(CHUNKED + b"".join(chunk(line + b"\n") for line in report.splitlines()) + b"0\r\n\r\n")
        else:
            connection.sendall(answer("200 OK", b'{"Id": "abc"}', version))

    with serving(tmp_path / "s", handler) as url:
        client, progress = Client(url), []
        assert client.pull("x:1", progress.append, []) == "abc"
        client.close()
    assert progress == shown


def test_a_pull_that_fails_inside_a_200_is_a_failure(tmp_path: Path) -> None:
    def handler(connection: socket.socket, request: bytes) -> None:
        if b"/images/pull" in request:
            connection.sendall(CHUNKED + chunk(b'{"error":"initializing source: connection refused"}\n') + b"0\r\n\r\n")
        else:
            connection.sendall(answer("200 OK", b"OK", "4.3.1"))

    with serving(tmp_path / "s", handler) as url, pytest.raises(PodmanFault) as caught:
        Client(url).pull("x:1", lambda shown: None, [])
    assert caught.value.fault.kind == "pull_failed"
    assert caught.value.fault.message == "pull x:1: initializing source: connection refused"
