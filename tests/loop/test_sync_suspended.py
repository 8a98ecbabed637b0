"""What becomes of a suspended slot whose file a revision lacks."""

from pathlib import Path
from typing import Any

import pytest

from tests.loop.followed import GOOD, FakeGit, Followed, follow


@pytest.fixture
def git(tmp_path: Path) -> FakeGit:
    return FakeGit(tmp_path)


def ended(it: Followed) -> list[str]:
    return [event.slot for event in it.whole.log.all() if "its file is gone" in event.message]


def test_a_push_without_a_suspended_slot_ends_the_suspension_and_says_so(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD, code=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        it.operator.suspend("code", "me", "")
        git.push("c2", chat=GOOD)
        await it.look()
        assert (ended(it), it.operator.overrides.suspended) == (["code"], {})

    follow(tmp_path, git, monkeypatch, done)


def test_a_slot_that_a_rollback_lacks_is_suspended_still_when_it_comes_back(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)

    async def held(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, code=GOOD, more=GOOD)
        await it.look()
        for slot in ("code", "more"):
            it.operator.suspend(slot, "me", "a demo")
        it.remote.rollback("", "me")
        await it.look()
        assert it.slots() == ["chat"]
        assert it.operator.resume("more") == ""

    async def unreachable(it: Followed) -> None:
        await it.look()
        assert it.operator.overrides.suspended.keys() == {"code"}
        git.fail("tip", "unreachable")
        it.remote.resume()
        await it.look()

    async def followed_again(it: Followed) -> None:
        await it.look()
        git.fault.clear()
        await it.look()
        assert {slot.name: slot.phase for slot in it.operator.slots()} == {
            "chat": "Off",
            "code": "Suspended",
            "more": "Off",
        }
        assert ended(it) == []

    for life in (held, unreachable, followed_again):
        follow(tmp_path, git, monkeypatch, life)


def test_a_suspension_ends_where_what_was_held_is_the_newest_now(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        it.operator.suspend("code", "me", "")
        it.remote.rollback("", "me")
        await it.look()
        git.lies = first
        it.remote.resume()
        await it.look()
        assert (ended(it), it.operator.overrides.suspended) == (["code"], {})

    follow(tmp_path, git, monkeypatch, done)
