"""A client that goes: a llama-server is told at once, an flm is let finish, and no place is left taken."""

import asyncio

import pytest

from hal0_operator.gateway.sweep import TICK_S
from hal0_operator.web.connection import AHEAD, AHEAD_BYTES
from tests.gateway.fakes import CHAT, FORM, SPEECH_TO_TEXT, form, begun_stream

pytestmark = pytest.mark.anyio

NPU = {"model": "agent"}


async def idle(ground):
    """Return once nothing is in flight; every test's own deadline bounds it."""
    while not ground.idle():
        await asyncio.sleep(0)


async def test_llama_server_is_closed_in_the_middle_of_a_stream(ground):
    caller, taken = await begun_stream(ground)
    caller.leave()
    await asyncio.wait_for(taken.gone(), 1)
    await idle(ground)
    assert ground.gateway.counters.cancelled == {"chat": 1}


async def test_llama_server_is_closed_before_its_first_byte(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.body()
    caller.leave()
    await asyncio.wait_for(taken.gone(), 1)
    await idle(ground)
    assert ground.gateway.counters.requests == {("chat", CHAT, "499"): 1}


async def test_a_client_that_only_half_closes_has_gone(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    caller.writer.write_eof()
    await asyncio.wait_for(taken.gone(), 1)
    await idle(ground)


@pytest.mark.parametrize("is_late", [False, True])
async def test_a_client_that_sent_its_next_request_too_is_seen_to_go(ground, is_late):
    """Nobody reads behind a request that waits for its turn, unless somebody cares."""
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    await taken.body()
    gone = asyncio.create_task(taken.gone())
    if is_late:  # by then the client is watched
        await asyncio.wait({gone}, timeout=4 * TICK_S)
    await caller.ask(path="/v1/models", method="GET")
    await caller.ask(path="/v1/models", method="GET")
    caller.leave()
    await asyncio.wait_for(gone, 1)
    await idle(ground)
    assert ground.gateway.counters.requests == {("chat", CHAT, "499"): 1}


@pytest.mark.parametrize(("count", "size"), [(AHEAD + 1, 2), (1, AHEAD_BYTES + 1)])
async def test_a_client_may_not_send_ever_more_before_its_turn(ground, count, size):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    for _ in range(count):
        await caller.ask(body=b"x" * size)
    await asyncio.wait_for(taken.gone(), 1)
    await idle(ground)


async def test_llama_server_is_closed_while_it_waits_for_the_rest_of_an_upload(ground):
    caller = await ground.caller()
    body = form(("model", b"stt"), ("file", b"a" * 300_000))
    await caller.ask(SPEECH_TO_TEXT, body[:290_000], Content_Type=FORM, Content_Length=str(len(body)))
    taken = await ground.server.next()
    await taken.reader.readexactly(280_000)
    caller.leave()
    await asyncio.wait_for(taken.gone(), 1)
    await idle(ground)
    assert ground.gateway.counters.cancelled == {"stt": 1}


async def test_flm_hears_nothing_of_an_upload_that_its_client_left_and_of_a_slow_one_only_when_it_is_whole(ground):
    body = form(("model", b"npu-stt"), ("file", b"a" * 300_000))
    leaving, slow, quick = [await ground.caller() for _ in range(3)]
    for caller in (leaving, slow):
        await caller.ask(SPEECH_TO_TEXT, body[:290_000], Content_Type=FORM, Content_Length=str(len(body)))
    leaving.leave()
    await quick.ask(body=NPU)
    taken = await ground.npu.next()
    assert taken.line.startswith(f"POST {CHAT} ")
    await taken.body()
    await taken.answer()
    assert await quick.answer() == {}
    await slow.send(body[290_000:])
    taken = await ground.npu.next()
    assert await taken.body() == body.replace(b"npu-stt", b"whisper-v3:turbo")
    await taken.answer()
    assert await slow.answer() == {}
    while ground.gateway.counters.cancelled != {"npu-stt": 1}:
        await asyncio.sleep(0)
    assert ground.npu.taken.empty()


async def test_a_request_that_waits_for_its_turn_leaves_the_queue(ground):
    first, second, third = [await ground.caller() for _ in range(3)]
    await first.ask(body=NPU)
    running = await ground.npu.next()
    await second.ask(body=NPU)
    await third.ask(body=NPU)
    while ground.gateway.lanes.waiting("id-npu") < 2:
        await asyncio.sleep(0)
    second.leave()
    while ground.gateway.lanes.waiting("id-npu") == 2:
        await asyncio.sleep(0)
    await running.body()
    await running.answer(b'{"n": 1}')
    assert await first.answer() == {"n": 1}
    taken = await ground.npu.next()
    await taken.body()
    await taken.answer(b'{"n": 3}')
    assert await third.answer() == {"n": 3}
    await idle(ground)
    assert ground.npu.taken.empty()
    assert ground.gateway.counters.cancelled == {"agent": 1}
    assert ground.gateway.counters.queued == {"agent": 2}


async def test_flm_answers_to_the_end_unseen_and_only_then_takes_the_next(ground):
    first, second = await ground.caller(), await ground.caller()
    await first.ask(body={**NPU, "stream": True})
    running = await ground.npu.next()
    await running.body()
    await running.begin_stream()
    await running.chunk(b"data: 1\n\n")
    await first.head()
    await first.chunk()
    first.leave()
    await second.ask(body=NPU)
    while not ground.gateway.lanes.waiting("id-npu"):
        await asyncio.sleep(0)
    following = asyncio.create_task(ground.npu.next())
    for _ in range(100):
        await running.chunk(b"data: more\n\n")
    await asyncio.wait({following}, timeout=0.3)
    assert not following.done()
    await running.end_stream()
    taken = await following
    await taken.body()
    await taken.answer()
    assert await second.answer() == {}
    await idle(ground)
    assert ground.gateway.counters.drained == {"agent": 1}


async def test_flm_is_let_finish_before_its_first_byte(ground):
    caller = await ground.caller()
    await caller.ask(body=NPU)
    taken = await ground.npu.next()
    await taken.body()
    caller.leave()
    gone = asyncio.create_task(taken.gone())
    await asyncio.wait({gone}, timeout=0.3)
    assert not gone.done()
    assert ground.gateway.lanes.count("id-npu") == 1
    await taken.send(b"HTTP/1.1 200 OK\r\nContent-Length: 2\r\n\r\n{}")
    await ground.gateway.lanes.drained("id-npu")
    assert ground.gateway.counters.drained == {"agent": 1}
    gone.cancel()


async def test_a_client_that_takes_nothing_counts_as_gone_and_flm_is_free_again(made):
    async with made(stall_s=0.2) as ground:
        slow = await ground.caller(receive_buffer=4096)
        await slow.ask(body=NPU)
        taken = await ground.npu.next()
        await taken.body()
        block = b"x" * (1 << 16)
        await taken.send(b"HTTP/1.1 200 OK\r\nContent-Length: %d\r\n\r\n" % (len(block) * 300))
        for _ in range(300):
            await taken.send(block)
        taken.done.set()
        await ground.gateway.lanes.drained("id-npu")
        next = await ground.caller()
        await next.ask(body=NPU)
        taken = await ground.npu.next()
        await taken.body()
        await taken.answer()
        assert await next.answer() == {}


async def test_the_end_of_an_answer_is_not_mistaken_for_the_end_of_its_client(ground):
    caller = await ground.caller()
    for _ in range(50):
        await caller.ask()
        taken = await ground.server.next()
        await taken.body()
        await taken.answer()
        assert await caller.answer() == {}
    assert ground.gateway.counters.cancelled == {}
    assert ground.server.connections == 1
