"""Requests that wait for a container that bears one at a time."""

import asyncio

import msgspec
import pytest

from tests.gateway.fakes import CHAT, EMBED

pytestmark = pytest.mark.anyio

NPU = {"model": "agent"}
ACCEPTED = ((CHAT, NPU), (EMBED, {"model": "numbers"}), (CHAT, {**NPU, "stream": True}))


async def waiting(ground, count):
    """Return once so many wait; every test's own deadline bounds it."""
    while ground.gateway.lanes.waiting("id-npu") != count:
        await asyncio.sleep(0)


async def answered(taken, body=b"{}"):
    await taken.body()
    await taken.answer(body)


async def one_runs_and_one_waits(ground):
    first, second = await ground.caller(), await ground.caller()
    await first.ask(body=NPU)
    running = await ground.npu.next()
    await second.ask(body=NPU)
    await waiting(ground, 1)
    return first, second, running


async def test_one_more_than_the_queue_holds_is_told_to_come_again(made):
    async with made(queue=3) as ground:
        callers = [await ground.caller() for _ in range(5)]
        await callers[0].ask(body=NPU)
        running = await ground.npu.next()
        for count, caller in enumerate(callers[1:4], 1):
            await caller.ask(body=NPU)
            await waiting(ground, count)
        await callers[4].ask(body=NPU)
        assert await callers[4].error() == (503, "slot.not_ready")
        assert callers[4].headers["retry-after"] == "5"
        await answered(running)
        for _ in range(3):
            await answered(await ground.npu.next())
        assert [await caller.answer() for caller in callers[:4]] == [{}] * 4
        assert ground.gateway.counters.requests == {("agent", CHAT, "200"): 4, ("agent", CHAT, "503"): 1}
        assert ground.idle()


async def test_one_that_waited_goes_to_the_container_that_is_there_by_then(ground):
    first, second, running = await one_runs_and_one_waits(ground)
    ground.slots.stand("agent", ground.server.port, "id-new")
    await answered(running)
    await answered(await ground.server.next(), b'{"new": 1}')
    assert await second.answer() == {"new": 1}
    assert ground.idle()
    assert ("began", "agent", "id-new") in ground.slots.log


async def test_one_that_waited_for_a_container_that_ends_is_told(ground):
    first, second, running = await one_runs_and_one_waits(ground)
    ground.slots.stand("agent", phase="Removing", retry_s=1)
    await answered(running)
    assert await first.answer() == {}
    assert await second.error() == (503, "npu.trio_unavailable")
    await ground.gateway.lanes.drained("id-npu")
    assert ground.idle()


@pytest.mark.parametrize("drains", ["id-npu", ""])
async def test_those_that_were_accepted_are_answered_while_their_container_drains_and_new_ones_are_refused(
    ground, drains
):
    """Also one for a record that was switched off since: that is what the swap is for."""
    ground.slots.add(ground.record("numbers", "embedding"))
    callers = [await ground.caller() for _ in range(4)]
    await callers[0].ask(body=NPU)
    running = await ground.npu.next()
    for count, (path, body) in enumerate(ACCEPTED, 1):
        await callers[count].ask(path, body)
        await waiting(ground, count)
    ground.slots.stand("agent", phase="Starting", drains=drains, why="hal0-agent is being replaced", retry_s=9)
    ground.slots.known["numbers"] = msgspec.structs.replace(ground.slots.known["numbers"], enabled=False)
    late = await ground.caller()
    await late.ask(body=NPU)
    assert await late.error() == (503, "npu.trio_unavailable")
    await answered(running)
    codes = ["npu.trio_unavailable", "slot.disabled", "npu.trio_unavailable"]
    for caller, code in zip(callers[1:], codes, strict=True):
        if not drains:
            assert await caller.error() == (503, code)
            continue
        await answered(await ground.npu.next())
        assert await caller.answer() == {}
    assert ground.idle()


async def test_one_that_waited_wakes_a_container_that_went_idle(ground):
    first, second, running = await one_runs_and_one_waits(ground)
    ground.slots.stand("agent", phase="Idle", wakes=True)
    await answered(running)
    woken = await ground.slots.wakes.get()
    ground.slots.stand("agent", ground.npu.port, "id-new")
    woken.set_result(ground.slots.standing["agent"])
    await answered(await ground.npu.next())
    assert await second.answer() == {}


async def test_a_stream_that_waits_for_its_turn_gets_heartbeats_after_a_while(made):
    async with made(heartbeat_s=0.05) as ground:
        first, second = await ground.caller(), await ground.caller()
        await first.ask(body=NPU)
        running = await ground.npu.next()
        await second.ask(body={**NPU, "stream": True})
        assert await second.head() == 200
        assert await second.chunk() == b": waiting\n\n"
        await answered(running)
        taken = await ground.npu.next()
        await taken.body()
        await taken.begin_stream()
        await taken.chunk(b"data: 1\n\n")
        await taken.end_stream()
        assert (await second.body()).endswith(b"data: 1\n\n")
