"""Places on a container: counted at once, given up once, one at a time where the container bears no more."""

import asyncio

import pytest

from hal0_operator.gateway.faults import Refused
from hal0_operator.gateway.lanes import Lanes

pytestmark = pytest.mark.anyio


class Told:
    def __init__(self) -> None:
        self.counts: list[tuple[str, int]] = []
        self.lanes = Lanes(lambda *told: self.counts.append(told), queue=32)


async def test_requests_run_beside_each_other_where_the_container_bears_it():
    told = Told()
    entries = [told.lanes.enter("a", "chat", serial=False) for _ in range(100)]
    assert [entry.turn for entry in entries] == [None] * 100
    assert told.lanes.count("a") == 100
    for entry in entries:
        entry.leave()
        entry.leave()
    assert told.counts == [("a", n) for n in range(1, 101)] + [("a", n) for n in range(99, -1, -1)]


async def test_one_at_a_time_in_the_order_in_which_they_came():
    lanes = Told().lanes
    entries = [lanes.enter("a", "agent", serial=True) for _ in range(5)]
    for number, entry in enumerate(entries):
        turns = [other.turn is None or other.turn.done() for other in entries]
        assert turns == [n <= number for n in range(5)]
        entry.leave()
    assert lanes.count("a") == 0


async def test_the_queue_has_32_places_and_says_when_to_come_again():
    lanes = Told().lanes
    first, *waiting = [lanes.enter("a", "agent", serial=True) for _ in range(33)]
    with pytest.raises(Refused) as refused:
        lanes.enter("a", "agent", serial=True)
    failure = refused.value.failure
    assert (failure.status, failure.code, failure.retry_after) == (503, "slot.not_ready", "5")
    assert lanes.count("a") == 33
    lanes.enter("b", "other", serial=True).leave()
    waiting[3].leave()
    assert lanes.enter("a", "agent", serial=True).turn is not None
    first.leave()
    assert waiting[0].turn.done()


async def test_one_that_left_while_it_waited_is_passed_over():
    lanes = Told().lanes
    running, gone, next = [lanes.enter("a", "agent", serial=True) for _ in range(3)]
    gone.turn.cancel()
    running.leave()
    assert next.turn.done()
    gone.leave()
    assert lanes.count("a") == 1


async def test_a_container_is_drained_when_the_last_one_has_left():
    lanes = Told().lanes
    await lanes.drained("a")
    one, two = [lanes.enter("a", "agent", serial=True) for _ in range(2)]
    waiting = [asyncio.create_task(lanes.drained("a")) for _ in range(2)]
    one.leave()
    await asyncio.sleep(0)
    waiting.pop().cancel()
    assert not waiting[0].done()
    two.leave()
    await waiting[0]
