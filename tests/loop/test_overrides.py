"""What people wished for beside the files: kept while it has a meaning, and no longer."""

import errno
from pathlib import Path
from typing import Any

import pytest

from hal0_operator.loop.view import Refused
from hal0_operator.model.memory import Overrides
from tests.loop.whole import OFF, parts, while_it_runs, write

ON = '[model]\ndefault = "m"\n'
LATER = f'{ON}[operator]\nload = "on-demand"\n'


def fill_the_disk(whole: Any, monkeypatch: Any) -> None:
    def full(_overrides: Overrides) -> None:
        raise OSError(errno.ENOSPC, "No space left on device", "overrides.json")

    monkeypatch.setattr(whole.state, "write_overrides", full)


def test_deleting_a_suspended_slot_on_a_full_disk_ends_nothing_but_the_slot(tmp_path: Path, monkeypatch: Any) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a", "b")

    async def done() -> None:
        await whole.operator.fresh()
        whole.operator.suspend("a", "me", "")
        fill_the_disk(whole, monkeypatch)
        write(tmp_path, "b")
        await whole.operator.fresh()
        assert [s.name for s in whole.operator.slots()] == ["b"]

    while_it_runs(whole, done)
    assert "StateUnwritable" in {event.reason for event in whole.log.all()}
    assert "OwnFault" not in {event.reason for event in whole.log.all()}


def test_deleting_a_suspended_slot_ends_its_suspension_and_that_is_said(tmp_path: Path, monkeypatch: Any) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a", "b")

    async def done() -> None:
        await whole.operator.fresh()
        whole.operator.suspend("a", "me", "")
        write(tmp_path, "b")
        await whole.operator.fresh()
        write(tmp_path, "a", "b")
        await whole.operator.fresh()
        assert {s.name: s.phase for s in whole.operator.slots()} == {"a": "Off", "b": "Off"}

    while_it_runs(whole, done)
    ended = [(event.type, event.slot) for event in whole.log.all() if event.reason == "Resumed"]
    assert ended == [("Normal", "a")]


def test_an_approved_prune_approves_the_next_accident_of_the_same_kind_no_more(
    tmp_path: Path, monkeypatch: Any
) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a", "b", text=ON)

    async def done() -> None:
        operator = whole.operator
        await operator.fresh()
        write(tmp_path)
        await operator.fresh()
        assert [s.name for s in operator.slots()] == ["a", "b"]
        operator.approve_prune()
        await operator.fresh()
        assert operator.slots() == ()
        write(tmp_path, "a", "b", text=ON)
        await operator.fresh()
        write(tmp_path)
        await operator.fresh()
        assert [s.name for s in operator.slots()] == ["a", "b"], "the same empty home, another accident"

    while_it_runs(whole, done)


def test_a_suspended_slot_is_not_restarted_behind_the_back_of_whoever_resumes_it(
    tmp_path: Path, monkeypatch: Any
) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a")

    async def done() -> None:
        await whole.operator.fresh()
        whole.operator.suspend("a", "me", "")
        with pytest.raises(Refused, match="suspended by me") as refused:
            whole.operator.restart("a", pull=False)
        assert refused.value.code == "slot.suspended"

    while_it_runs(whole, done)


def test_suspending_one_slot_loads_no_other_that_nobody_asks_for(tmp_path: Path, monkeypatch: Any) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a", "b", text=f'{ON}[operator]\nload = "on-demand"\n')

    async def done() -> None:
        operator = whole.operator
        await operator.fresh()
        assert {s.name: s.phase for s in operator.slots()} == {"a": "Idle", "b": "Idle"}
        operator.suspend("a", "me", "")
        assert {s.name: s.phase for s in operator.slots()} == {"a": "Suspended", "b": "Idle"}
        assert operator.resume("a") == ""
        assert {s.name: s.phase for s in operator.slots()} == {"a": "Idle", "b": "Idle"}

    while_it_runs(whole, done)


@pytest.mark.parametrize(
    ("text", "pull", "told"),
    [
        (LATER, False, "a is idle: there is nothing to restart; its next request starts it"),
        (LATER, True, "; its next request pulls and starts it"),
        (OFF, False, "a is off (enabled = false in its file): there is nothing to restart"),
        (ON, False, ""),
        (ON, True, ""),
    ],
)
def test_a_restart_says_and_leaves_as_an_event_what_is_to_happen(
    tmp_path: Path, monkeypatch: Any, text: str, pull: bool, told: str
) -> None:
    whole = parts(tmp_path, monkeypatch)
    write(tmp_path, "a", text=text)

    async def done() -> None:
        operator = whole.operator
        await operator.fresh()
        answer = operator.restart("a", pull)
        assert told in answer
        assert bool(answer) == bool(told)
        (event,) = (event for event in operator.events() if event.reason == "RestartAsked")
        first = "its image is fetched, then " if pull else ""
        assert event.message == (answer or f"{first}its container is created")

    while_it_runs(whole, done)
