"""Bytes go through as they are, each piece before the next exists."""

import asyncio

import msgspec
import pytest

from tests.gateway.fakes import CHAT

pytestmark = pytest.mark.anyio


async def test_a_whole_answer_is_passed_on_as_it_is(ground):
    caller = await ground.caller()
    await caller.ask(body={"model": "chat", "n": 1.0}, Authorization="Bearer x", Accept_Encoding="gzip, br")
    taken = await ground.server.next()
    assert taken.line == f"POST {CHAT} HTTP/1.1"
    assert await taken.body() == msgspec.json.encode({"model": "chat", "n": 1.0})
    assert taken.headers["accept-encoding"] == "identity"
    assert taken.headers["authorization"] == "Bearer x"
    assert taken.headers["host"] == f"127.0.0.1:{ground.server.port}"
    body = b'{"usage": {"prompt_tokens": 7, "completion_tokens": 3}, "x": "\xc3\xa9"}\n'
    await taken.answer(body)
    assert await caller.head() == 200
    assert caller.headers["content-type"] == "application/json"
    assert await caller.body() == body
    counters = ground.gateway.counters
    assert counters.requests == {("chat", CHAT, "200"): 1}
    assert counters.tokens == {("chat", "prompt"): 7, ("chat", "completion"): 3}
    assert counters.first_byte["chat"][0] == 1
    assert ground.idle()
    assert ground.counts == [("id-chat", 1), ("id-chat", 0)]


async def test_each_piece_of_a_stream_is_passed_on_before_the_next_is_sent(ground):
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    taken = await ground.server.next()
    await taken.begin_stream()
    assert await caller.head() == 200
    for number in range(20):
        piece = b"data: %d\n\n" % number
        await taken.chunk(piece)
        assert await caller.chunk() == piece
    await taken.end_stream()
    assert await caller.chunk() == b""


async def test_a_client_of_http_1_0_gets_the_same_pieces_and_no_chunks(ground):
    reader, writer = await asyncio.open_connection("127.0.0.1", ground.port)
    body = b'{"stream": true}'
    writer.write(b"POST %b HTTP/1.0\r\nHost: x\r\nContent-Length: %d\r\n\r\n%b" % (CHAT.encode(), len(body), body))
    taken = await ground.server.next()
    await taken.begin_stream()
    head = await reader.readuntil(b"\r\n\r\n")
    assert head.startswith(b"HTTP/1.1 200 OK\r\n")
    assert b"chunked" not in head
    for piece in (b"data: 1\n\n", b"data: 0\r\n\r\n"):
        await taken.chunk(piece)
        assert await reader.readexactly(len(piece)) == piece
    await taken.end_stream()
    assert await reader.read() == b"", "its end is the end of the connection"
    writer.close()


@pytest.mark.parametrize(
    ("said", "told"),
    [
        ("", "no-cache, no-transform"),
        ("Cache-Control: private\r\n", "private, no-transform"),
        ("Cache-Control: no-transform\r\nX-Accel-Buffering: yes\r\n", "no-transform"),
    ],
)
async def test_a_stream_says_that_nobody_shall_hold_or_change_it(ground, said, told):
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    taken = await ground.server.next()
    head = f"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\n{said}Transfer-Encoding: chunked\r\n\r\n"
    await taken.send(head.encode())
    await caller.head()
    assert caller.headers["cache-control"] == told
    assert caller.headers["x-accel-buffering"] == "no"
    await taken.end_stream()


async def test_the_tokens_of_a_stream_are_counted_where_its_end_tells_them(ground):
    caller = await ground.caller()
    await caller.ask(body={"stream": True, "stream_options": {"include_usage": True}})
    taken = await ground.server.next()
    await taken.begin_stream()
    await taken.chunk(b'data: {"choices": [{"delta": {"content": "%b"}}], "usage": null}\n\n' % (b"x" * 9000))
    await taken.chunk(b'data: {"choices": [], "usage": {"prompt_tok')
    await taken.chunk(b'ens": 7, "completion_tokens": 3}}\n\ndata: [DONE]\n\n')
    await taken.end_stream()
    await caller.head()
    await caller.body()
    assert ground.gateway.counters.tokens == {("chat", "prompt"): 7, ("chat", "completion"): 3}


async def test_pieces_that_came_together_stay_pieces(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.send(
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\nabc\r\n2\r\nde\r\n0\r\nX-Trailer: 1\r\n\r\n"
    )
    await caller.head()
    assert [await caller.chunk() for _ in range(3)] == [b"abc", b"de", b""]
    assert "x-trailer" not in caller.headers


async def test_headers_of_one_connection_and_leave_for_foreign_pages_are_not_passed_on(ground):
    caller = await ground.caller()
    await caller.ask(Connection="keep-alive, X-Mine", X_Mine="1", Cookie="a=b", Te="trailers")
    taken = await ground.server.next()
    assert not {"connection", "x-mine", "cookie", "te"} & taken.headers.keys()
    await taken.send(
        b"HTTP/1.1 201 Made\r\nConnection: X-Hop\r\nX-Hop: 1\r\nX-Kept: 2\r\nKeep-Alive: timeout=5\r\n"
        b"Access-Control-Allow-Origin: *\r\nContent-Length: 0\r\n\r\n"
    )
    assert await caller.head() == 201
    assert caller.headers == {"x-kept": "2", "content-length": "0"}


@pytest.mark.parametrize(
    ("answer", "status", "body"),
    [
        (
            b"HTTP/1.1 100 Continue\r\n\r\nHTTP/1.1 102 P\r\nA: b\r\n\r\nHTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\nok",
            200,
            b"ok",
        ),
        (b"HTTP/1.1 204 None\r\n\r\n", 204, None),
        (b"HTTP/1.1 404 No\r\nContent-Length: 2\r\nConnection: close\r\n\r\nno", 404, b"no"),
        (b"HTTP/1.0 200 OK\r\n\r\nuntil the end", 200, b"until the end"),
    ],
)
async def test_every_form_of_an_answer(ground, answer, status, body):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.send(answer)
    if b"until" in answer:
        taken.writer.close()
    assert await caller.head() == status
    if body is not None:
        assert await caller.body() == body
    else:
        assert "transfer-encoding" not in caller.headers


@pytest.mark.parametrize(
    "answer",
    [
        b"no http at all\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nX: " + b"a" * 100_000,
        b"HTTP/1.1 200 OK\r\n" + b"X: a\r\n" * 200 + b"\r\n",
        b"HTTP/1.1 101 Switching\r\nUpgrade: x\r\nConnection: upgrade\r\n\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\nTransfer-Encoding: chunked\r\n\r\n",
        b"HTTP/1.1 100 Continue\r\n\r\n" * 4000,
        b"",
    ],
)
async def test_what_is_no_answer_is_a_bad_gateway(ground, answer):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.send(answer)
    taken.writer.close()
    assert await caller.error() == (502, "upstream.failed")
    assert ground.idle()


async def test_a_slow_reader_makes_the_server_wait_and_gets_every_byte(ground):
    caller = await ground.caller(receive_buffer=4096)
    await caller.ask()
    taken = await ground.server.next()
    block = bytes(range(256)) * 256
    await taken.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * 400))
    sending = asyncio.create_task(_all(taken, block, 400))
    await caller.head()
    for _ in range(1000):  # more turns than 25 MiB need where nothing holds them back
        await asyncio.sleep(0)
    assert not sending.done()
    assert await caller.body() == block * 400
    await sending


async def test_a_reader_that_is_slow_and_steady_gets_every_byte(made):
    """It takes longer than a reader may stand still until there is room for the next piece."""
    async with made(stall_s=0.15) as ground:
        caller = await ground.caller(receive_buffer=4096)
        await caller.ask()
        taken = await ground.server.next()
        block, count = b"x" * 65_536, 96
        await taken.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * count))
        sending = asyncio.create_task(_all(taken, block, count))
        await caller.head()
        read, nothing = 0, asyncio.get_running_loop().create_future()
        while read < len(block) * count:
            read += len(await caller.reader.readexactly(min(20_480, len(block) * count - read)))
            await asyncio.wait({nothing}, timeout=0.01)
        await sending
    assert ground.gateway.counters.requests == {("chat", CHAT, "200"): 1}


async def _all(taken, block, count):
    for _ in range(count):
        await taken.send(block)
    taken.done.set()


async def test_a_client_that_sends_byte_by_byte_is_answered(ground):
    caller = await ground.caller()
    body = b'{"model": "chat"}'
    for byte in f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nContent-Length: {len(body)}\r\n\r\n".encode() + body:
        await caller.send(bytes([byte]))
        await asyncio.sleep(0)
    taken = await ground.server.next()
    assert await taken.body() == body
    await taken.answer()
    assert await caller.answer() == {}


async def test_requests_that_were_sent_together_are_answered_in_their_order(ground):
    caller = await ground.caller()
    for number in range(3):
        await caller.ask(body={"n": number})
    for number in range(3):
        taken = await ground.server.next()
        assert await taken.body() == b'{"n":%d}' % number
        await taken.answer(b"%d" % number)
    assert [await caller.answer() for _ in range(3)] == [0, 1, 2]


async def test_connections_are_used_again_and_only_while_nothing_is_left_on_them(ground):
    caller = await ground.caller()
    for _ in range(3):
        await caller.ask()
        await (await ground.server.next()).answer()
        await caller.answer()
    assert ground.server.connections == 1
    await caller.ask()
    await (await ground.server.next()).send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}surplus")
    assert await caller.answer() == {}
    await caller.ask()
    await (await ground.server.next()).answer()
    assert await caller.answer() == {}
    assert ground.server.connections == 2


async def test_at_most_some_idle_connections_are_kept_and_not_for_long(made):
    async with made(idle_s=1, idle_most=2) as ground:
        callers = [await ground.caller() for _ in range(5)]
        for caller in callers:
            await caller.ask()
        taken = [await ground.server.next() for _ in callers]
        for one, caller in zip(taken, callers, strict=True):
            await one.body()
            await one.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
            assert await caller.answer() == {}
        closed = [asyncio.create_task(one.gone()) for one in taken]
        await asyncio.wait(closed, timeout=0.3)
        assert sum(one.done() for one in closed) == 3
        await asyncio.gather(*closed)
