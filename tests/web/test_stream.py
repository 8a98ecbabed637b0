"""Server-sent events and the two listeners, over real sockets."""

import http.client
import json
import os
import socket
import stat

import anyio
import pytest

from hal0_operator.loop.view import Refused
from hal0_operator.web import events, slots, sse
from hal0_operator.web.serve import CannotListen, tcp_socket, unix_socket
from tests.support.fake_operator import changed, event, slot
from tests.support.served import TOKEN


class Stream:
    """An open stream over TCP; ``next`` is the next event's name and data."""

    def __init__(self, port, path):
        self.connection = http.client.HTTPConnection("127.0.0.1", port, timeout=30)
        self.connection.request("GET", path, headers={"Accept": "text/event-stream"})
        self.response = self.connection.getresponse()
        assert self.response.status == 200
        assert self.response.headers["Content-Type"].startswith("text/event-stream")

    def next(self):
        event, data = "", None
        while line := self.response.readline():
            text = line.decode().rstrip("\n")
            if text.startswith("event: "):
                event = text.removeprefix("event: ")
            elif text.startswith("data: "):
                data = json.loads(text.removeprefix("data: "))
            elif not text and data is not None:
                return event, data
        return None

    def close(self):
        self.response.close()
        self.connection.close()


@pytest.fixture
def open_stream():
    """Streams that are closed when the test ends, if it did not do so."""
    opened = []

    def open_one(port, path):
        opened.append(Stream(port, path))
        return opened[-1]

    yield open_one
    for stream in opened:
        stream.close()


def test_the_watch_sends_all_slots_then_each_change(live, open_stream):
    stream = open_stream(live.port, "/api/watch")
    name, everything = stream.next()
    assert (name, [item["name"] for item in everything["items"]]) == ("slots", ["chat", "code"])
    live.call(live.operator.put, changed(live.operator.listed["chat"], phase="Starting"))
    name, one = stream.next()
    assert (name, one["name"], one["phase"]) == ("slot", "chat", "Starting")
    live.call(live.operator.drop, "code")
    assert stream.next() == ("gone", {"name": "code"})
    live.call(live.operator.put, slot("new"))
    assert stream.next()[1]["name"] == "new"
    stream.close()


def test_a_change_that_changes_nothing_sends_nothing(live, open_stream):
    stream = open_stream(live.port, "/api/watch")
    stream.next()
    live.call(live.operator.put, live.operator.listed["chat"])
    live.call(live.operator.put, slot("new"))
    assert stream.next()[1]["name"] == "new"
    stream.close()


def test_events_stream_the_tail_asked_for_and_then_what_comes(live, open_stream):
    live.operator.past = [event("old"), event("older", slot="code")]
    stream = open_stream(live.port, "/api/events?tail=10&slot=chat")
    assert stream.next()[1]["message"] == "old"
    live.call(live.operator.happen, event("not mine", slot="code"))
    live.call(live.operator.happen, event("new\nline \x1b[2J"))
    assert stream.next()[1]["message"] == "new\nline \x1b[2J"
    stream.close()


def test_a_stream_alone_has_no_past(live, open_stream):
    live.operator.past = [event("old")]
    stream = open_stream(live.port, "/api/events")
    live.call(live.operator.followed.wait)
    live.call(live.operator.happen, event("new"))
    assert stream.next()[1]["message"] == "new"
    stream.close()


def test_a_reader_that_leaves_is_forgotten(live, open_stream):
    stream = open_stream(live.port, "/api/watch")
    stream.next()
    live.call(live.operator.followed.wait)
    assert live.operator.followers == 1
    stream.close()

    async def until_forgotten():
        with anyio.fail_after(30):
            await live.operator.left.wait()

    live.call(until_forgotten)
    assert live.operator.followers == 0


def test_log_lines_stream_and_a_refusal_is_an_event(live, open_stream):
    stream = open_stream(live.port, "/api/slots/chat/logs?lines=2")
    assert [stream.next()[1], stream.next()[1], stream.next()] == ["one", "two", None]
    live.operator.refusal = Refused("slot.no_container", "chat has no container")
    stream = open_stream(live.port, "/api/slots/chat/logs")
    assert stream.next() == ("error", {"message": "chat has no container"})


@pytest.mark.anyio
async def test_a_silent_stream_sends_heartbeats():
    sent = []

    async def silent():
        await anyio.sleep_forever()
        yield b""

    async def receive():
        await anyio.sleep_forever()

    async def send(message):
        sent.append(message)
        if len(sent) == 4:
            scope.cancel()

    with anyio.CancelScope() as scope, anyio.fail_after(30):
        await sse.EventStream(silent(), heartbeat=0.01)({"type": "http", "method": "GET"}, receive, send)
    assert [m["body"] for m in sent[1:]] == [b": still here\n\n"] * 3


def test_streams_end_at_once_when_the_server_closes(operator, tmp_path, open_stream):
    from tests.support.served import served

    with served(operator, tmp_path) as here:
        stream = open_stream(here.port, "/api/watch")
        stream.next()
    assert stream.next() is None
    assert not here.socket.exists()


def raw(port, text):
    with socket.create_connection(("127.0.0.1", port), 30) as connection:
        connection.sendall(text)
        connection.settimeout(30)
        answer = b""
        while chunk := connection.recv(65536):
            answer += chunk
        return answer


def test_a_request_without_a_host_is_400(live):
    assert raw(live.port, b"GET /metrics HTTP/1.0\r\n\r\n").startswith(b"HTTP/1.1 400")


def test_a_gigabyte_is_refused_before_it_is_sent(live):
    head = f"POST /api/reconcile HTTP/1.1\r\nHost: localhost\r\nAuthorization: Bearer {TOKEN}\r\n"
    head += "Content-Type: application/json\r\nContent-Length: 1073741824\r\n\r\n"
    with socket.create_connection(("127.0.0.1", live.port), 30) as connection:
        connection.sendall(head.encode())
        assert connection.recv(100).startswith(b"HTTP/1.1 413")


def test_a_form_post_of_a_web_page_is_refused(live):
    connection = http.client.HTTPConnection("127.0.0.1", live.port, timeout=30)
    headers = {"Content-Type": "text/plain", "Origin": "http://evil.example"}
    connection.request("POST", "/api/slots/chat/restart", b"{}", headers)
    assert connection.getresponse().status == 403
    connection.close()
    assert live.operator.wishes == []


def test_the_socket_file_is_for_its_owner_and_group(live):
    assert stat.S_IMODE(os.stat(live.socket).st_mode) == 0o660


def test_a_port_in_use_is_a_clear_error():
    with tcp_socket("127.0.0.1:0") as first:
        first.listen()
        taken = f"127.0.0.1:{first.getsockname()[1]}"
        with pytest.raises(CannotListen, match=f"cannot listen on {taken}: the port is in use.*--listen"):
            with tcp_socket(taken):
                pass


@pytest.mark.parametrize(
    "listen", ["", "8080", "localhost:", ":8080", "127.0.0.1:http", "127.0.0.1:70000", "nowhere.invalid:1"]
)
def test_an_address_that_cannot_be_is_a_clear_error(listen):
    with pytest.raises(CannotListen, match="cannot listen on"):
        with tcp_socket(listen):
            pass


def test_the_socket_of_a_dead_operator_is_replaced(tmp_path):
    path = str(tmp_path / "operator.sock")
    left = socket.socket(socket.AF_UNIX)
    left.bind(path)
    left.close()
    with unix_socket(path) as bound:
        bound.listen()
        with socket.socket(socket.AF_UNIX) as client:
            client.connect(path)
    assert not os.path.exists(path)


def test_the_socket_of_a_living_operator_is_kept(live):
    with pytest.raises(CannotListen, match="another operator answers there"):
        with unix_socket(str(live.socket)):
            pass
    assert live.socket.exists()


def test_a_file_in_the_place_of_the_socket_is_kept(tmp_path):
    path = tmp_path / "operator.sock"
    path.write_text("precious")
    with pytest.raises(CannotListen, match="no socket"):
        with unix_socket(str(path)):
            pass
    assert path.read_text() == "precious"


def test_a_path_too_long_for_a_socket_is_a_clear_error(tmp_path):
    with pytest.raises(CannotListen, match="--state-dir"):
        with unix_socket(str(tmp_path / ("x" * 120))):
            pass


@pytest.mark.anyio
async def test_a_change_while_the_first_answer_is_sent_is_not_missed(operator):
    stream = slots._changes(operator)
    await anext(stream)
    operator.put(changed(operator.listed["chat"], phase="Starting"))
    assert operator.followers == 0
    assert b'"phase":"Starting"' in await anext(stream)
    operator.drop("code")
    assert b"event: gone" in await anext(stream)
    await stream.aclose()
    assert operator.followers == 0


@pytest.mark.anyio
async def test_an_event_while_the_past_is_sent_is_not_missed_and_not_told_twice(operator):
    operator.past = [event("first")]
    stream = events._stream(operator, "chat", 10)
    assert b"first" in await anext(stream)
    operator.happen(event("second"))
    operator.happen(event("not mine", slot="code"))
    assert b"second" in await anext(stream)
    async with anyio.create_task_group() as group:
        group.start_soon(lambda: _then(operator.followed, operator.happen, event("third")))
        assert b"third" in await anext(stream)
    await stream.aclose()
    assert operator.followers == 0


async def _then(gate, act, *args):
    await gate.wait()
    act(*args)
