"""Slots that were let go, one after another, are no accident while their containers still end."""

from hal0_operator.loop.intake import Intake
from tests.sim.home import Home, slot
from tests.sim.simulator import SEEDS, SETTINGS

NAMES = frozenset("abcde")


def five() -> Home:
    return Home({name: slot(8101 + n) for n, name in enumerate(sorted(NAMES))})


def test_slots_that_are_deleted_one_by_one_are_not_held_for_containers_that_still_end() -> None:
    home, intake = five(), Intake(SEEDS, SETTINGS, None)
    intake.decide(home.files(), NAMES, "")
    for name in "abcd":
        home.slot(name, None)
        found = intake.decide(home.files(), NAMES, "")
        assert found.pruning.slots == frozenset(), f"{name} went, and every container is still there"
    home.slot("e", None)
    assert intake.decide(home.files(), NAMES, "").pruning.slots == {"e"}, "the last one is held"


def test_an_approved_removal_is_not_held_again_by_the_next_edit() -> None:
    home, intake = five(), Intake(SEEDS, SETTINGS, None)
    intake.decide(home.files(), NAMES, "")
    for name in NAMES:
        home.slot(name, None)
    held = intake.decide(home.files(), NAMES, "")
    assert held.pruning.slots == NAMES
    intake.decide(home.files(), NAMES, held.snapshot.digest)
    home.slot("new", slot(8201))
    assert intake.decide(home.files(), NAMES, "").pruning.slots == frozenset()


def test_a_slot_that_comes_back_counts_again() -> None:
    home, intake = five(), Intake(SEEDS, SETTINGS, None)
    intake.decide(home.files(), NAMES, "")
    home.slot("a", None)
    intake.decide(home.files(), NAMES, "")
    home.slot("a", slot(8101))
    intake.decide(home.files(), NAMES, "")
    for name in NAMES:
        home.slot(name, None)
    assert intake.decide(home.files(), NAMES, "").pruning.slots == NAMES
