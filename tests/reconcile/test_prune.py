"""The prune guard: how many files may vanish at once before nothing is removed."""

import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.reconcile.prune import Vanished, guard

ALL = "abcdef"


@pytest.mark.parametrize(
    ("counted", "present", "held"),
    [
        ("", "", ""),
        ("abc", "abc", ""),
        ("abcdef", "abcde", ""),
        ("abcdef", "abcd", ""),
        ("abcdef", "abc", ""),
        ("abcdef", "ab", "cdef"),
        ("abcde", "ab", "cde"),
        ("abcd", "ab", ""),
        ("ab", "a", ""),
        ("ab", "", "ab"),
        ("a", "", "a"),
        ("abc", "xyz", "abc"),
        ("abcd", "abcdxyz", ""),
    ],
)
def test_all_of_them_or_three_and_more_than_half_are_held(counted: str, present: str, held: str) -> None:
    found = guard(counted, present, slots_folder=True)
    assert found.slots == set(held)
    assert bool(found.why) == bool(held)


def test_without_the_slots_folder_even_one_of_many_is_held() -> None:
    found = guard(ALL, "abcde", slots_folder=False)
    assert found.slots == {"f"}
    assert found.why.startswith("the slots folder is missing: nothing is removed (f)")


@pytest.mark.parametrize(("counted", "says"), [("a", "the last slot file is gone"), ("abc", "all slot files are gone")])
def test_the_reason_names_the_slots_and_the_command_that_approves(counted: str, says: str) -> None:
    names = ", ".join(counted)
    assert guard(counted, "", slots_folder=True).why == (
        f"{says}: nothing is removed ({names}); `hal0ctl resume --prune` approves it"
    )
    assert guard(ALL, "a", slots_folder=True).why.startswith("5 of 6 slot files are gone:")


def test_slots_that_come_while_a_hold_is_in_force_do_not_weaken_it() -> None:
    """Four out and four in: after the new ones were admitted, half of eight would be nothing to hold."""
    first = guard("abcd", "wxyz", slots_folder=True)
    again = guard("abcdwxyz", "wxyz", slots_folder=True, held=first.counted)
    assert again.slots == first.slots == set("abcd")


@pytest.mark.parametrize(
    ("present", "held"),
    [("wabcd", ""), ("wabc", ""), ("wa", "bcd"), ("a", "bcdw")],
    ids=["all", "three", "one", "less"],
)
def test_a_hold_ends_when_enough_of_its_files_are_back(present: str, held: str) -> None:
    first = guard("abcd", "w", slots_folder=True)
    assert guard("abcdw", present, slots_folder=True, held=first.counted).slots == set(held)


names = st.frozensets(st.sampled_from("abcdefgh"))


@given(names, names, st.booleans())
def test_only_what_vanished_is_held_and_the_same_files_are_judged_the_same_again(
    counted: frozenset[str], present: frozenset[str], folder: bool
) -> None:
    first = guard(counted, present, slots_folder=folder)
    assert first.slots in (frozenset(), counted - present)
    again = guard(counted | present if first.slots else present, present, slots_folder=folder, held=first.counted)
    assert again.slots == first.slots
    if not first.slots:
        assert first == Vanished()
