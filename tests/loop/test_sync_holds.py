"""Rolling back, restarting, and what a restart finds without the network."""

from pathlib import Path
from typing import Any

import pytest

from hal0_operator.seams.git import GitFaultKind

from hal0_operator.loop.view import Refused
from tests.loop.followed import BROKEN, GOOD, FakeGit, Followed, follow


@pytest.fixture
def git(tmp_path: Path) -> FakeGit:
    return FakeGit(tmp_path)


async def _looked(it: Followed) -> None:
    await it.look()


def test_a_rollback_holds_over_pushes_and_restarts_until_resumed(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def rolled_back(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        assert it.remote.rollback("", "me").startswith("c100000000 comes into force")
        await it.look()
        assert (it.slots(), it.source.admitted) == (["chat"], first)

    async def restarted(it: Followed) -> None:
        await it.look()
        third = git.push("c3", chat=GOOD, third=GOOD)
        await it.look()
        assert it.slots() == ["chat"]
        held = it.condition("SourceHeld").message
        assert held.startswith("rolled back to c100000000 by me since ")
        assert "main is at c300000000" in held
        assert it.condition("Ready").status == "True"
        assert "held at c100000000" in it.remote.sync()
        assert it.remote.figures().held
        it.remote.resume()
        await it.look()
        assert (it.slots(), it.source.admitted) == (["chat", "third"], third)
        assert it.condition("SourceHeld") is None

    follow(tmp_path, git, monkeypatch, rolled_back)
    follow(tmp_path, git, monkeypatch, restarted)


def test_a_second_rollback_goes_further_back_and_none_is_left_at_last(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    commits: list[str] = []

    async def pushed(it: Followed) -> None:
        for n in range(4):
            commits.append(git.push(f"c{n}", chat=GOOD, **{f"s{n}": GOOD}))
            await it.look()
        it.remote.rollback("", "me")
        await it.look()
        assert it.source.admitted == commits[2]

    async def restarted(it: Followed) -> None:
        await it.look()
        for commit in (commits[1], commits[0]):
            it.remote.rollback("", "me")
            await it.look()
            assert it.source.admitted == commit
        with pytest.raises(Refused, match="before c000000000, which is held, is kept; kept are: c000000000") as none:
            it.remote.rollback("", "me")
        assert none.value.code == "gitops.no_previous"
        it.remote.resume()
        await it.look()
        assert it.source.admitted == commits[3]
        it.remote.rollback("", "me")
        await it.look()
        assert it.source.admitted == commits[0], "that one was in force just before"

    follow(tmp_path, git, monkeypatch, pushed)
    follow(tmp_path, git, monkeypatch, restarted)


def test_a_rollback_needs_no_remote(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", code=GOOD, chat=GOOD)
        await it.look()
        git.has_clone = False
        for verb in ("tip", "fetch"):
            git.fail(verb, "unreachable")
        it.remote.rollback("C1", "me")
        await it.look()
        assert (it.slots(), it.source.admitted) == (["chat"], first)

    follow(tmp_path, git, monkeypatch, done)


def test_a_rollback_to_what_is_not_kept_names_what_is(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        with pytest.raises(Refused, match="kept are: c100000000") as unknown:
            it.remote.rollback("abc", "me")
        assert unknown.value.code == "gitops.unknown_revision"
        with pytest.raises(Refused) as none:
            it.remote.rollback("", "me")
        assert none.value.code == "gitops.no_previous"

    follow(tmp_path, git, monkeypatch, done)


def test_a_rollback_goes_past_a_revision_that_was_never_in_force(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        git.push("c3", chat=BROKEN)
        await it.look()
        it.remote.rollback("", "me")
        await it.look()
        assert it.source.admitted == first

    follow(tmp_path, git, monkeypatch, done)


def test_the_last_revisions_are_kept_and_no_more(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    async def done(it: Followed) -> None:
        for n in range(1, 5):
            git.push(f"c{n}", chat=GOOD)
            await it.look()
        # the one in force, and two to go back to
        assert [commit[:2] for commit in it.source.kept] == ["c4", "c3", "c2"]

    git.push("c0", chat=GOOD)
    follow(tmp_path, git, monkeypatch, done, keep=2)


def test_a_rollback_is_no_accident_whatever_it_removes(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, a=GOOD, b=GOOD, c=GOOD)
        await it.look()
        it.remote.rollback("", "me")
        await it.look()
        assert it.slots() == ["chat"]
        assert it.condition("PruneHeld") is None

    follow(tmp_path, git, monkeypatch, done)


@pytest.mark.parametrize("kind", ["unreachable", "unverified"])
def test_a_restart_without_remote_clone_or_signer_uses_the_last_revision(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, kind: GitFaultKind
) -> None:
    first = git.push("c1", chat=GOOD)

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.slots(), it.source.admitted, it.source.applied) == (["chat"], first, first)
        assert it.condition("SourceUnreachable") is not None

    follow(tmp_path, git, monkeypatch, _looked)
    git.has_clone = False
    git.fail("tip", "unreachable")
    git.fail("fetch", kind)
    follow(tmp_path, git, monkeypatch, restarted)


def test_what_is_in_force_stays_so_when_every_trace_of_its_files_is_gone(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def rolled_back(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        git.fail("tip", "unreachable")
        it.remote.rollback(first, "me")
        await it.look()

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.slots(), it.source.admitted) == (["chat"], first), "its state is remembered, its files are gone"
        assert "no revision of the repository is here" in it.condition("Admitted").message
        git.fault.clear()
        await it.look()
        assert it.condition("Admitted").status == "True"

    follow(tmp_path, git, monkeypatch, rolled_back)
    git.has_clone = False
    git.here.clear()
    git.fail("fetch", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)


@pytest.mark.parametrize("lost", [False, True])
def test_a_restart_behind_a_bad_revision_has_the_good_one_in_force_also_when_the_state_was_lost(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, lost: bool
) -> None:
    first = git.push("c1", chat=GOOD)

    async def broken(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=BROKEN)
        await it.look()

    async def restarted(it: Followed) -> None:
        await it.look()
        assert it.condition("Admitted").message.startswith("slot.schema slots/chat.toml:5:1")
        assert (it.source.admitted, it.slots()) == (first, ["chat"])
        assert it.operator.detail("chat").status.phase == "Off"

    follow(tmp_path, git, monkeypatch, broken)
    if lost:
        (tmp_path / "state" / "admitted.json").unlink()
    follow(tmp_path, git, monkeypatch, restarted)
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)


def test_a_first_start_without_the_remote_waits_for_it(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.fail("tip", "unreachable", "no route to forge.example")

    async def done(it: Followed) -> None:
        await it.look()
        assert it.condition("SourceUnreachable").message == "no route to forge.example"
        assert it.condition("Admitted").status == "Unknown"
        assert it.operator.unready() == "the home was not read yet"
        assert it.condition("HomeBusy") is None
        assert it.remote.figures().age_seconds > 0, "a remote that was never reached ages too"
        git.fault.clear()
        git.push("c1", chat=GOOD)
        await it.look()
        assert it.slots() == ["chat"]

    follow(tmp_path, git, monkeypatch, done)


def test_another_repository_does_not_take_over_the_state_of_this_one(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    from hal0_operator.surfaces import CannotRun

    git.push("c1", chat=GOOD)
    follow(tmp_path, git, monkeypatch, _looked)
    with pytest.raises(CannotRun, match="the state of another home"):
        follow(tmp_path, git, monkeypatch, _looked, path="homes/lab")


def test_a_suspended_source_stays_suspended_over_a_restart(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def suspended(it: Followed) -> None:
        await it.look()
        it.remote.suspend("me", "")

    async def restarted(it: Followed) -> None:
        git.push("c2", code=GOOD)
        git.calls.clear()
        await it.look()
        assert it.slots() == ["chat"]
        assert "tip" not in git.calls
        assert it.condition("SourceSuspended") is not None

    follow(tmp_path, git, monkeypatch, suspended)
    follow(tmp_path, git, monkeypatch, restarted)
