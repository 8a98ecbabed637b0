"""From a reading of the home to what the loop acts on."""

from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.model.snapshot import Admitted
from tests.sim.home import Home, slot
from tests.sim.simulator import SEEDS, SETTINGS


def decide(home: Home, last: Admitted | None, approved: str = "", owners: str = "") -> Admission:
    return Intake(SEEDS, SETTINGS, last).decide(home.files(), frozenset(owners), approved)


def four() -> Home:
    return Home({name: slot(8101 + n) for n, name in enumerate("abcd")})


def replaced() -> Home:
    return Home({name: slot(8111 + n) for n, name in enumerate("wxyz")})


def test_a_hold_outlives_the_admission_of_new_slots_and_the_operator() -> None:
    """Each decision is by a fresh process from what was stored, on the very same files."""
    last = decide(four(), None).verdict.admitted
    for _ in range(3):
        found = decide(replaced(), last)
        last = found.verdict.admitted
        assert found.pruning.slots == set("abcd")
        assert found.desired.slots.keys() == set("abcdwxyz")


def test_an_approval_of_this_very_snapshot_lets_them_go_and_of_another_does_not() -> None:
    last = decide(four(), None).verdict.admitted
    held = decide(replaced(), last)
    assert decide(replaced(), held.verdict.admitted, approved="another").pruning.slots == set("abcd")
    gone = decide(replaced(), held.verdict.admitted, approved=held.snapshot.digest)
    assert gone.desired.slots.keys() == set("wxyz")
    assert gone.verdict.admitted.guarded == ()


def test_files_that_are_back_end_the_hold() -> None:
    last = decide(four(), None).verdict.admitted
    held = decide(Home({}), last).verdict.admitted
    back = decide(four(), held)
    assert back.pruning.slots == frozenset()
    assert back.verdict.admitted == last


def test_a_file_that_cannot_be_decoded_has_not_vanished() -> None:
    home = four()
    last = decide(home, None).verdict.admitted
    for name in "abcd":
        home.slot(name, "device = \n")
    found = decide(home, last)
    assert found.pruning.slots == frozenset()
    assert found.verdict.admitted.slots == last.slots
    assert set(found.denied) == {f"slot/{name}" for name in "abcd"}
    assert all(p.at is not None for problems in found.denied.values() for p in problems)


def test_a_slot_without_an_admitted_version_is_frozen_with_the_place_of_its_fault() -> None:
    home = Home({"chat": slot(8101, profile="nonesuch")})
    found = decide(home, None)
    assert found.desired.slots == {}
    assert found.desired.frozen["chat"].startswith("profile.unknown slots/chat.toml:2:11: ")


def test_after_the_state_was_lost_slots_with_a_container_are_guarded_all_the_same() -> None:
    found = decide(Home({}), None, owners="ab")
    assert found.pruning.slots == {"a", "b"}
    assert found.desired.frozen.keys() == {"a", "b"}


def test_what_is_in_force_is_decided_alike_from_any_order_of_files() -> None:
    home = four()
    last = decide(home, None).verdict.admitted
    home.slot("a", slot(8102))
    home.slot("b", slot(8101))
    home.slot("c", slot(8104))
    one = decide(home, last)
    files = home.files()
    turned = type(files)(dict(reversed(files.files.items())))
    other = Intake(SEEDS, SETTINGS, last).decide(turned, frozenset(), "")
    assert one.desired == other.desired
    assert one.desired.slots["a"].port == 8102
    assert one.desired.slots["c"].port == 8103, "port 8104 is taken: the edit is denied"
