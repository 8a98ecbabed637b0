"""Streams that begin before anything is known of their answer: comments first, and then whatever comes of it."""

import asyncio

import pytest

from hal0_operator.routing.failure import Failure
from tests.gateway.fakes import CHAT, EMBED, listing

pytestmark = pytest.mark.anyio


@pytest.fixture
async def ground(made):
    """Heartbeats begin at once."""
    async with made(first_beat_s=0) as ground:
        yield ground


async def woken_while_it_streams(ground):
    """A client of a cold slot that has its first heartbeat, and its request as the server got it."""
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    await caller.head()
    ground.slots.stand("chat", ground.server.port, "id-new")
    (await ground.slots.wakes.get()).set_result(ground.slots.standing["chat"])
    return caller, await ground.server.next()


async def test_a_stream_that_waits_begins_with_heartbeats(made):
    async with made(first_beat_s=0.02, heartbeat_s=0.02) as ground:
        ground.slots.stand("chat", phase="Idle", wakes=True)
        caller = await ground.caller()
        await caller.ask(body={"stream": True})
        assert await caller.head() == 200
        assert caller.headers["content-type"] == "text/event-stream"
        for _ in range(3):
            assert await caller.chunk() == b": waiting\n\n"
        ground.slots.stand("chat", ground.server.port, "id-new")
        (await ground.slots.wakes.get()).set_result(ground.slots.standing["chat"])
        taken = await ground.server.next()
        await taken.begin_stream()
        await taken.chunk(b"data: 1\n\n")
        await taken.end_stream()
        assert (await caller.body()).replace(b": waiting\n\n", b"") == b"data: 1\n\n"


@pytest.mark.parametrize(
    ("answer", "status", "told", "code"),
    [
        (b'{"error": {"code": 400}}\n', "400 Bad Request", b'data: {"error":{"code":400}}\n\n', "400"),
        (b"<html>", "400 Bad Request", b"it refused the request", "502"),
        (b"<html>", "200 OK", b"its answer is neither JSON nor a stream of events", "502"),
        (b"", "", b"upstream.failed", "502"),
    ],
)
async def test_a_refusal_after_the_first_heartbeat_is_the_last_event(ground, answer, status, told, code):
    caller, taken = await woken_while_it_streams(ground)
    if not status:
        taken.die()
    else:
        await taken.answer(answer, status)
    assert told in await caller.body()
    assert ground.gateway.counters.requests == {("chat", CHAT, code): 1}


async def test_a_start_that_fails_after_the_first_heartbeat_is_the_last_event(ground):
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask(body={"stream": True})
    await caller.head()
    (await ground.slots.wakes.get()).set_result(Failure(503, "slot.not_ready", "no", retry_s=2.5))
    told = await caller.body()
    assert b'"slot.not_ready"' in told
    assert b'"retry_after":3' in told
    assert ground.gateway.counters.requests == {("chat", CHAT, "503"): 1}


async def test_a_start_that_fails_before_the_first_heartbeat_has_its_own_status(made):
    async with made(first_beat_s=30, heartbeat_s=0.01) as ground:
        ground.slots.stand("chat", phase="Idle", wakes=True)
        caller = await ground.caller()
        await caller.ask(body={"stream": True})
        woken = await ground.slots.wakes.get()
        await asyncio.wait((woken,), timeout=0.05)  # another heartbeat would be due by now
        woken.set_result(Failure(503, "slot.not_ready", "no", retry_s=2.5))
        assert await caller.error() == (503, "slot.not_ready")
        assert caller.headers["retry-after"] == "3"


async def test_a_whole_answer_after_the_first_heartbeat_is_one_event(ground):
    caller, taken = await woken_while_it_streams(ground)
    await taken.answer(b'{\n "text": "%b",\r\n "n": 1.0}\n' % (b"x y " * 50_000))
    told = (await caller.body()).replace(b": waiting\n\n", b"")
    assert told == b'data: {"text":"%b","n":1.0}\n\n' % (b"x y " * 50_000)
    assert ground.gateway.counters.requests == {("chat", CHAT, "200"): 1}
    assert ground.slots.heard == [("chat", "id-new")]


@pytest.mark.parametrize(("path", "slot"), [("/v1/audio/speech", "tts"), (EMBED, "embed"), ("/v1/rerank", "ranks")])
async def test_what_never_streams_gets_its_answer_from_a_cold_slot_whatever_it_asks_for(made, path, slot):
    async with made(first_beat_s=0.01, heartbeat_s=0.01) as ground:
        ground.slots.add(listing("ranks", "reranking"))
        ground.slots.stand(slot, phase="Idle", wakes=True)
        caller = await ground.caller()
        await caller.ask(path, {"model": slot, "stream": True})
        woken = await ground.slots.wakes.get()
        await asyncio.wait((woken,), timeout=0.05)  # heartbeats would go meanwhile
        ground.slots.stand(slot, ground.server.port, "id-new")
        woken.set_result(ground.slots.standing[slot])
        await (await ground.server.next()).answer(b"RIFF", kind="audio/wav")
        assert await caller.head() == 200
        assert caller.headers["content-type"] == "audio/wav"
        assert await caller.body() == b"RIFF"
