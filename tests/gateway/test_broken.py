"""Servers that die, are late, or close connections at the worst moment."""

import asyncio
import contextlib
import os
import socket

import msgspec
import pytest

from tests.gateway.fakes import CHAT, begun_stream

pytestmark = pytest.mark.anyio


async def asked_on_a_used_connection(ground):
    caller = await ground.caller()
    await caller.ask()
    await (await ground.server.next()).answer()
    await caller.answer()
    await caller.ask()
    taken = await ground.server.next()
    return caller, taken


@pytest.mark.parametrize(("sent", "between"), [(b"data: 1\n\n", b""), (b"data: ha", b"\n\n")])
async def test_a_stream_whose_server_dies_ends_with_the_reason_and_without_done(ground, sent, between):
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    taken = await ground.server.next()
    await taken.begin_stream()
    await taken.chunk(sent)
    await caller.head()
    assert await caller.chunk() == sent
    taken.die()
    rest = await caller.body()
    assert rest.startswith(between + b"data: {")
    assert rest.endswith(b"\n\n")
    error = msgspec.json.decode(rest.strip().removeprefix(b"data: "))["error"]
    assert (error["code"], error["details"]["slot"]) == ("upstream.failed", "chat")
    await caller.ask()
    await (await ground.server.next()).answer()
    assert await caller.answer() == {}
    assert ground.gateway.counters.requests == {("chat", CHAT, "502"): 1, ("chat", CHAT, "200"): 1}


@pytest.mark.parametrize(
    "head",
    [
        b"HTTP/1.1 200 OK\r\nTransfer-Encoding: chunked\r\n\r\n3\r\n123\r\n",
        b"HTTP/1.1 200 OK\r\nContent-Length: 10\r\n\r\n123",
        b"HTTP/1.1 200 OK\r\nContent-Type: text/event-stream\r\nContent-Length: 10\r\n\r\n123",
    ],
)
async def test_any_other_answer_whose_server_dies_is_cut(ground, head):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.send(head)
    await caller.head()
    taken.writer.close()
    with pytest.raises(asyncio.IncompleteReadError):
        await caller.body()
    assert ground.idle()
    assert ground.gateway.counters.requests == {("chat", CHAT, "502"): 1}


async def test_a_server_that_takes_no_connection_is_not_ready(ground):
    """Its process has just died: the loop knows within moments."""
    ground.slots.stand("chat", port=1, container="id-chat")
    caller = await ground.caller()
    await caller.ask()
    assert await caller.error() == (503, "slot.not_ready")
    assert ground.gateway.counters.requests == {("chat", CHAT, "503"): 1}


async def test_a_server_that_lets_nobody_in_any_more_is_not_ready(made):
    """Its queue of connections is full: nobody is refused, and nobody gets in."""
    with socket.create_server(("127.0.0.1", 0), backlog=0) as full, contextlib.ExitStack() as waiting:
        for _ in range(4):
            client = waiting.enter_context(socket.socket())
            client.setblocking(False)
            with contextlib.suppress(BlockingIOError):
                client.connect(full.getsockname())
        async with made(connect_s=0.2) as ground:
            ground.slots.stand("chat", port=full.getsockname()[1], container="id-chat")
            caller = await ground.caller()
            for body in ({}, {"prompt": "x" * (2 << 20)}):
                await caller.ask(body=body)
                assert await caller.error() == (503, "slot.not_ready")


async def test_an_answer_that_does_not_begin_in_time_is_a_gateway_timeout(made):
    async with made(answer_s=0.05) as ground:
        caller = await ground.caller()
        await caller.ask()
        taken = await ground.server.next()
        await taken.send(b"HTTP/1.1 100 Continue\r\n\r\n")
        assert await caller.error() == (504, "upstream.failed")
        await taken.gone()
        assert ground.server.connections == 1


async def test_an_answer_may_take_long_while_it_goes_on(made):
    async with made(answer_s=0.4) as ground:
        caller = await ground.caller()
        await caller.ask()
        taken = await ground.server.next()
        await taken.begin_stream()
        await caller.head()
        for _ in range(4):
            reading = asyncio.create_task(caller.chunk())
            await asyncio.wait({reading}, timeout=0.2)
            assert not reading.done()
            await taken.chunk(b"late")
            assert await reading == b"late"
        await taken.end_stream()
        assert not ground.slots.unheard


async def test_an_answer_that_stops_is_ended_and_counts_as_none(made):
    async with made(answer_s=0.1) as ground:
        caller, taken = await begun_stream(ground)
        assert b"its answer stopped" in await caller.body()
        await taken.gone()
        assert ground.slots.unheard == [("chat", "id-chat")]
        assert ground.gateway.counters.requests == {("chat", CHAT, "504"): 1}


async def test_an_flm_whose_answer_stops_is_free_for_the_next(made):
    async with made(answer_s=0.3) as ground:
        leaving, waiting = await ground.caller(), await ground.caller()
        await leaving.ask(body={"model": "agent", "stream": True})
        taken = await ground.npu.next()
        await taken.begin_stream()
        await leaving.head()
        leaving.leave()
        gone = asyncio.create_task(taken.gone())
        await asyncio.wait({gone}, timeout=0.1)  # nobody waits longer than an answer may stop, and this one came later
        await waiting.ask(body={"model": "agent"})
        await gone
        await (await ground.npu.next()).answer()
        assert await waiting.answer() == {}


async def test_a_large_request_that_is_not_taken_ends_in_time_and_counts_as_unanswered(made):
    async with made(stall_s=0.2) as ground:
        for model, server in (("chat", ground.server), ("agent", ground.npu)):
            caller = await ground.caller()
            await caller.ask(body={"model": model, "prompt": "x" * (16 << 20)})
            taken = await server.next()
            assert await caller.error() == (504, "upstream.failed")
            await taken.gone()
        assert ground.slots.unheard == [("chat", "id-chat"), ("agent", "id-npu")]


async def test_an_operator_that_ends_tells_whom_it_cannot_wait_for(ground, caplog):
    plain, streaming = await ground.caller(), await ground.caller()
    await plain.ask()
    await ground.server.next()
    await streaming.ask(body={"stream": True})
    taken = await ground.server.next()
    await taken.begin_stream()
    await taken.chunk(b"data: 1\n\n")
    await streaming.head()
    ground.shutdown.set()
    assert await plain.error() == (503, "slot.not_ready")
    assert plain.headers["retry-after"]
    assert await streaming.chunk() == b"data: 1\n\n"
    assert b'"code":"slot.not_ready"' in await streaming.body()
    assert caplog.records == []


async def test_an_operator_that_ends_lets_flm_finish_what_it_is_about(ground):
    running, waiting = await ground.caller(), await ground.caller()
    await running.ask(body={"model": "agent", "stream": True})
    taken = await ground.npu.next()
    await taken.begin_stream()
    await running.head()
    await waiting.ask(body={"model": "agent"})
    while not ground.gateway.lanes.waiting("id-npu"):
        await asyncio.sleep(0)
    ground.shutdown.set()
    assert await waiting.error() == (503, "slot.not_ready"), "what has not begun does not begin"
    await taken.chunk(b"data: 1\n\n")
    await taken.end_stream()
    assert await running.body() == b"data: 1\n\n"


async def test_an_operator_that_ends_does_not_wait_for_ever_for_flm(made):
    async with made(finish_s=0.1) as ground:
        running = await ground.caller()
        await running.ask(body={"model": "agent", "stream": True})
        taken = await ground.npu.next()
        await taken.begin_stream()
        await running.head()
        ground.shutdown.set()
        assert b'"code":"slot.not_ready"' in await running.body()
        await taken.gone()


async def test_an_operator_that_ends_lets_short_answers_end(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    ground.shutdown.set()
    await taken.answer()
    assert await caller.answer() == {}


async def test_a_request_that_met_a_closing_connection_is_sent_once_more(ground):
    """150 servers that close their idle connection at the moment at which the next request comes."""
    caller = await ground.caller()
    for _ in range(150):
        await caller.ask()
        first = await ground.server.next()
        await first.body()
        await first.answer()
        assert await caller.answer() == {}
        await caller.ask(body={"again": True})
        first.writer.close()
        again = await ground.server.next()
        if again.reader is first.reader:  # it was read before the connection closed
            again = await ground.server.next()
        assert await again.body() == b'{"again":true}'
        await again.answer(b'{"n": 2}')
        assert await caller.answer() == {"n": 2}
        again.writer.close()
    assert ground.gateway.counters.requests == {("chat", CHAT, "200"): 300}


async def test_a_request_is_sent_no_second_time_on_a_new_connection(ground):
    caller = await ground.caller()
    await caller.ask()
    (await ground.server.next()).die()
    assert await caller.error() == (502, "upstream.failed")
    assert ground.server.connections == 1


async def test_a_request_is_sent_no_second_time_once_an_answer_began(ground):
    caller, taken = await asked_on_a_used_connection(ground)
    await taken.send(b"H")
    taken.die()
    assert await caller.error() == (502, "upstream.failed")
    assert ground.server.connections == 1


async def test_no_request_is_sent_again_for_a_client_that_went(ground):
    caller, taken = await asked_on_a_used_connection(ground)
    caller.leave()
    await taken.gone()
    while not ground.idle():
        await asyncio.sleep(0)
    assert ground.server.taken.empty()
    assert ground.server.connections == 1


async def test_clients_that_go_in_the_middle_of_anything_leave_no_descriptor_behind(ground):
    async def bad(number):
        caller = await ground.caller()
        await caller.ask(
            body={"stream": True} if number % 4 else b"{", Content_Length="900" if number % 4 == 1 else "15"
        )
        if number % 4 > 1:
            taken = await ground.server.next()
            if number % 4 == 2:
                await taken.begin_stream()
                await caller.head()
            caller.leave()
            await taken.gone()
            taken.done.set()
        caller.leave()

    await bad(2)
    before = len(os.listdir("/proc/self/fd"))
    for number in range(200):
        await bad(number)
    while not ground.idle() or len(os.listdir("/proc/self/fd")) > before:
        await asyncio.sleep(0)
    assert not ground.gateway.counters.in_flight
