"""What a request is told of a container that is being taken away."""

from tests.loop.test_standing import Standings
from tests.sim.home import slot
from tests.sim.simulator import SETTINGS


def cut() -> Standings:
    """One whose last request did not end in time: its removal is under way."""
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    found.sim.reconciler.traffic("chat", found.own(), 1)
    found.edit(slot(8101, context=8192))
    ending = found.sim.reconciler.aims.ending
    found.sim.run(SETTINGS.loop.drain_s - 1)
    assert found.of().keeps(found.own())
    while not ending:
        found.sim.run(0.01)
    return found


def test_what_it_has_is_its_own_until_the_call_that_removes_it_is_made() -> None:
    found = cut()
    assert not found.of().keeps(found.own())


def test_when_its_process_has_ended_by_the_removal_it_is_still_the_removal_that_is_told() -> None:
    found = cut()
    told = found.of()
    assert (told.phase, told.why) == ("Starting", "hal0-chat is being replaced")
    found.sim.reconciler.died(found.own(), found.sim.time)
    assert found.of() == told
