"""What follows from what is known of a repository."""

import pytest

from hal0_operator.home.identity import home_id, repository, without_credentials
from hal0_operator.loop.sync_state import Known, SourceMemory, back_to, begin_with, good_ones, needed, pause_s, status
from hal0_operator.model.memory import Hold, Override, Overrides
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.status import Condition, SourceStatus
from hal0_operator.seams.git import Revision


def revision(commit: str) -> Revision:
    return Revision(commit, "Ada", "2026-01-02T03:04:05Z", "a change")


def test_the_pause_doubles_with_each_failure_up_to_a_bound() -> None:
    assert [pause_s(60, failures) for failures in range(7)] == [60, 60, 120, 240, 480, 480, 480]
    assert pause_s(600, 4) == 900
    assert pause_s(3600, 4) == 3600


def test_without_a_word_one_goes_back_to_what_was_in_force_before_and_is_kept() -> None:
    memory = SourceMemory(admitted=revision("c3"), good=("c3", "c2", "c1"))
    assert back_to("", memory, ("c3", "c2", "c1")) == "c2"
    assert back_to("", memory, ("c3", "c1")) == "c1"
    assert back_to("", memory, ("c3",)) is None


def test_each_step_back_leads_further_back_and_never_to_what_was_left() -> None:
    memory = SourceMemory()
    for commit in ("c1", "c2", "c3", "c4", "c2"):  # the last one was gone back to
        memory = memory.with_admitted(revision(commit), 9, "now")
    kept = ("c2", "c4", "c3", "c1")
    assert memory.good == kept
    assert memory.arrived == ("c4", "c3", "c2", "c1")
    assert back_to("", memory, kept, Hold("c3", "me", "now")) == "c2"
    assert back_to("", memory, kept, Hold("c2", "me", "now")) == "c1"
    assert back_to("", memory, kept, Hold("c1", "me", "now")) is None
    assert back_to("", memory, ("c2", "c4", "c1"), Hold("c4", "me", "now")) == "c2"
    assert back_to("", memory, kept, Hold("another", "me", "now")) is None
    assert back_to("", memory, kept) == "c4"


def test_a_revision_that_was_refused_is_nothing_to_go_back_to() -> None:
    memory = SourceMemory(attempted="bad", admitted=revision("c3"), good=("c3", "c2"))
    assert back_to("bad", memory, ("bad", "c3", "c2")) is None
    assert back_to("c2", memory, ("bad", "c3", "c2")) == "c2"
    assert good_ones(memory, ("bad", "c3", "c2")) == ("c3", "c2")
    assert good_ones(SourceMemory(), ("bad", "c3")) == ("bad", "c3"), "nobody knows which was in force"


def test_what_is_pruned_is_neither_in_force_nor_held_nor_one_to_go_back_to() -> None:
    memory = SourceMemory(attempted="bad", admitted=revision("c4"), good=("c4", "c3", "c2"))
    assert needed(memory, 2, Overrides()) == {"bad", "c4", "c3"}
    assert needed(memory, 1, HELD) == {"bad", "c4", "held"}
    assert needed(SourceMemory(), 5, Overrides()) == frozenset()


def test_a_beginning_names_a_revision_only_when_it_names_one() -> None:
    kept = ("ab12", "ab34", "cd56")
    assert back_to("CD", SourceMemory(), kept) == "cd56"
    assert back_to("ab", SourceMemory(), kept) is None


def test_what_was_in_force_is_remembered_newest_first_and_bounded() -> None:
    memory = SourceMemory()
    for commit in ("c1", "c2", "c1", "c3", "c4"):
        memory = memory.with_admitted(revision(commit), 2, "now")
    assert memory.good == ("c4", "c3", "c1")


@pytest.mark.parametrize(
    ("url", "seen"),
    [
        ("https://token@forge.example/a/b.git", "https://forge.example/a/b.git"),
        ("https://user:token@forge.example/a?private_token=x", "https://forge.example/a"),
        ("ssh://git:secret@forge.example:22/a", "ssh://git@forge.example:22/a"),
        ("git@forge.example:a/b", "git@forge.example:a/b"),
        ("file:///srv/home.git", "file:///srv/home.git"),
    ],
)
def test_no_credential_of_an_address_is_shown(url: str, seen: str) -> None:
    assert without_credentials(url) == seen


def test_a_home_is_the_same_whatever_branch_and_spelling_and_another_by_its_path() -> None:
    def id(url: str, **more: str) -> str:
        return home_id(repository(GitopsSettings(url=url, **more)))

    one = id("https://forge.example/a/b.git")
    assert one == id("https://forge.example/a/b/", branch="next")
    assert one != id("https://forge.example/a/b", path="lab")
    assert one != id("https://forge.example/a/c")


def test_nothing_is_ready_before_anything_was_read() -> None:
    found = SourceStatus("directory", "x", conditions=(Condition("Admitted", "Unknown", "NotRead", "not read yet"),))
    known = Known(memory=SourceMemory(admitted=revision("c1")), in_force="c1", settled=True)
    by_type = {c.type: c for c in status(found, GitopsSettings(url="file:///x"), known).conditions}
    assert (by_type["Ready"].status, by_type["Ready"].reason) == ("False", "NotRead")
    assert by_type["Reconciling"].status == "True"
    assert by_type["Stalled"].status == "False"


HELD = Overrides(hold=Hold("held", "me", "now"))
SUSPENDED = Overrides(source_suspended=Override("me", "now"))
NOTED = SourceMemory(admitted=revision("good"), attempted="new", good=("good", "before"))
KEPT = ("new", "held", "good", "before")


@pytest.mark.parametrize(
    ("in_force", "overrides", "cold", "kept", "these"),
    [
        ("good", Overrides(), False, KEPT, ("new", "good")),
        ("good", Overrides(), False, ("good",), ("good",)),
        ("good", Overrides(), False, ("before",), ()),
        ("newer", Overrides(), False, ("newer", *KEPT), ("newer",)),
        ("good", SUSPENDED, False, KEPT, ("good",)),
        ("good", HELD, False, KEPT, ("held", "good")),
        ("good", HELD, False, ("good", "new"), ("good",)),
        ("", Overrides(), True, ("new", "before"), ("before", "new")),
        ("", Overrides(), True, ("new",), ("new",)),
    ],
)
def test_a_life_begins_with_what_can_do_no_harm(
    in_force: str, overrides: Overrides, cold: bool, kept: tuple[str, ...], these: tuple[str, ...]
) -> None:
    assert begin_with(NOTED, in_force, kept, overrides, cold=cold) == these
