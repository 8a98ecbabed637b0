"""Revisions come into force as a whole or not at all."""

import msgspec

from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.model.snapshot import Admitted
from tests.sim.home import Home, slot
from tests.sim.simulator import SEEDS, SETTINGS


def decide(home: Home, last: Admitted | None, commit: str = "c1", approved: str = "", owners: str = "") -> Admission:
    files = msgspec.structs.replace(home.files(), revision=commit)
    return Intake(SEEDS, SETTINGS, last, whole=True).decide(files, frozenset(owners), approved)


def six() -> Home:
    return Home({name: slot(8101 + n) for n, name in enumerate("abcdef")})


def in_force() -> Admitted:
    return decide(six(), None).verdict.admitted


def test_one_error_keeps_everything_as_it_was() -> None:
    last, home = in_force(), six()
    home.slot("a", slot(8201))
    home.slot("b", slot(8202, profile="nonesuch"))
    home.slot("new", slot(8301))
    home.slot("f", None)
    found = decide(home, last, "c2")
    assert found.refused
    assert found.revision == "c2"
    assert found.verdict.admitted == last
    assert found.desired.slots.keys() == set("abcdef")
    assert found.desired.slots["a"].port == 8101
    assert found.desired.frozen["new"].startswith("profile.unknown slots/b.toml:2:11: ")


def test_every_slot_that_it_would_change_repeats_the_fault_and_the_others_do_not() -> None:
    last, home = in_force(), six()
    home.slot("a", slot(8201))
    home.slot("b", "device = \n")
    home.slot("f", None)
    found = decide(home, last)
    assert found.denied.keys() == {"slot/a", "slot/b", "slot/f"}
    assert {problems[0].address for problems in found.denied.values()} == {"slots/b.toml:1:10"}


def test_a_warning_refuses_nothing() -> None:
    home = six()
    home.slot("a", slot(8101) + "[npu]\nasr = true\n")
    found = decide(home, in_force())
    assert found.problems
    assert not found.refused


def test_a_refused_first_revision_starts_nothing_and_removes_nothing() -> None:
    home = six()
    home.slot("a", "device = \n")
    found = decide(home, None, owners="az")
    assert found.desired.slots == {}
    assert found.desired.frozen.keys() == {*"abcdef", "z"}


def test_after_a_refused_first_revision_it_is_still_a_cold_start() -> None:
    home = six()
    home.slot("a", "device = \n")
    intake = Intake(SEEDS, SETTINGS, None, whole=True)
    assert intake.decide(home.files(), frozenset(), "").refused
    assert intake.last is None
    assert not intake.decide(six().files(), frozenset(), "").refused
    assert intake.last is not None


def test_the_correction_brings_the_whole_revision_into_force() -> None:
    last, home = in_force(), six()
    home.slot("a", slot(8201))
    home.slot("b", "device = \n")
    refused = decide(home, last)
    home.slot("b", slot(8202))
    found = decide(home, refused.verdict.admitted)
    assert not found.refused
    assert {name: found.desired.slots[name].port for name in "ab"} == {"a": 8201, "b": 8202}


def test_a_deletion_of_one_slot_is_done() -> None:
    home = six()
    home.slot("a", None)
    found = decide(home, in_force(), owners="abcdef")
    assert not found.refused
    assert found.desired.slots.keys() == set("bcdef")


def test_a_revision_that_deletes_most_slots_is_held_as_a_whole() -> None:
    last, home = in_force(), six()
    for name in "abcd":
        home.slot(name, None)
        home.slot(f"new-{name}", slot(8301 + ord(name)))
    home.slot("e", slot(8255))
    held = decide(home, last, owners="abcdef")
    assert held.refused
    assert held.pruning.slots == set("abcd")
    assert held.desired.slots.keys() == set("abcdef")
    assert held.desired.slots["e"].port == 8105
    assert "removals are held: a, b, c, d" in held.verdict.kept["e"]
    assert "removals are held" in held.desired.frozen["new-a"]
    approved = decide(home, held.verdict.admitted, approved=held.snapshot.digest, owners="abcdef")
    assert not approved.refused
    assert approved.desired.slots.keys() == {"e", "f", *(f"new-{name}" for name in "abcd")}


def test_a_moved_slots_folder_is_held_and_its_return_ends_the_hold() -> None:
    last = in_force()
    gone = msgspec.structs.replace(Home({}).files(), slots_folder=False)
    held = Intake(SEEDS, SETTINGS, last, whole=True).decide(gone, frozenset("abcdef"), "")
    assert held.refused
    assert "the slots folder is missing" in held.pruning.why
    back = decide(six(), held.verdict.admitted, owners="abcdef")
    assert not back.refused
    assert not back.pruning.slots


def test_overlay_and_slot_file_are_never_merged() -> None:
    home = six()
    home.slot("stt", 'device = "cpu"\nport = 8401\nenabled = false\n[model]\ndefault = "m"\n')
    home.write("capabilities.toml", '[selections.voice.stt]\nenabled = true\ndevice = "cpu"\nmodel = "m"\n')
    found = decide(home, in_force())
    assert found.refused
    assert {p.code for p in found.problems if p.severity == "error"} == {"capability.conflict"}
    assert found.desired.slots.keys() == set("abcdef")


def test_a_change_of_a_profile_is_denied_to_the_slots_that_use_it() -> None:
    home = six()
    last = decide(home, None).verdict.admitted
    home.flags("--verbose")
    home.slot("b", "device = \n")
    found = decide(home, last)
    assert found.denied.keys() >= {f"slot/{name}" for name in "abcdef"}
    assert found.desired.catalogue["stub"].flags == ""
