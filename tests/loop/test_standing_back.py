"""Whether a slot that is away is known to be back in a moment: by what its last start took."""

from hal0_operator.loop.standing import OVERDUE
from hal0_operator.model.probe import ProbeResult
from tests.loop.test_standing import Standings
from tests.sim.home import Want, slot


def test_of_a_first_start_nobody_knows_how_long_it_takes() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(0.25)
    assert (found.of().phase, found.of().back_s) == ("Starting", None)


def test_a_slot_that_is_replaced_is_back_after_what_its_last_start_took() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    took = found.sim.reconciler.state("chat").time_to_ready
    found.edit(slot(8101, context=8192))
    seen = set()
    while found.of().phase != "Ready" or not seen:
        found.sim.run(0.05)
        if not found.of().container:
            seen.add((found.of().phase, found.of().back_s))
    assert seen == {("Starting", took)}


def test_one_that_takes_much_longer_than_the_last_time_is_not_expected_any_more() -> None:
    found = Standings(chat=slot(8101))
    found.sim.run(5)
    took = found.sim.reconciler.state("chat").time_to_ready
    found.sim.machine.probe = lambda _effect: ProbeResult("loading", "503")
    found.edit(slot(8101, context=8192))
    found.sim.run(took)
    assert found.of().back_s == took
    found.sim.run(OVERDUE * took + 1)
    assert (found.of().phase, found.of().back_s) == ("Starting", None)


def test_a_slot_that_goes_is_not_expected_back() -> None:
    found = Standings(chat=slot(8101), code=slot(8102))
    found.sim.run(5)
    found.edit(Want(port=8101, enabled=False).text)
    found.sim.run(0.1)
    assert (found.of().phase, found.of().back_s) == ("Removing", None)
