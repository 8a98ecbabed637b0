"""What a life of the operator begins with, whatever of the state the last one could still write."""

import errno
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hal0_operator.changes.refusal import Refusal
from hal0_operator.changes.wish import EditSlot
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.view import Refused
from hal0_operator.model.memory import Override, Overrides
from tests.loop.followed import BROKEN, GOOD, FakeGit, Followed, follow, six


@pytest.fixture
def git(tmp_path: Path) -> FakeGit:
    return FakeGit(tmp_path)


@pytest.mark.parametrize("attempted", [True, False])
def test_killed_before_it_was_noted_what_came_into_force_stays_in_force(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, attempted: bool
) -> None:
    git.push("c1", chat=GOOD)

    async def pushed(it: Followed) -> None:
        await it.look()
        noted = it.remote._sync.memory
        second = git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        it.whole.state.write_source(noted.with_attempt(second, noted.at) if attempted else noted)

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.source.admitted[:2], it.slots()) == ("c2", ["chat", "code"])
        assert it.source.revision is not None
        assert it.source.revision.subject == "change c2"
        assert it.whole.state.source().admitted.commit[:2] == "c2"

    follow(tmp_path, git, monkeypatch, pushed)
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)


def test_a_revision_that_was_exported_and_not_yet_decided_is_decided_at_the_next_start(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)
    state = tmp_path / "state"

    async def pushed(it: Followed) -> None:
        await it.look()
        before = (state / "admitted.json").read_bytes()
        noted = it.remote._sync.memory
        second = git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        (state / "admitted.json").write_bytes(before)
        it.whole.state.write_source(noted.with_attempt(second, noted.at))

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.source.admitted[:2], it.slots()) == ("c2", ["chat", "code"])

    follow(tmp_path, git, monkeypatch, pushed)
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)


def test_a_commit_that_the_remote_named_by_mistake_is_not_where_the_next_life_begins(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def lied_to(it: Followed) -> None:
        await it.look()
        second = git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        git.has_clone = False
        git.lies = first
        git.fail("fetch", "unreachable")
        await it.look()
        git.lies = ""
        await it.look()
        assert it.source.admitted == second

    async def restarted(it: Followed) -> None:
        await it.look()
        assert it.slots() == ["chat", "code"]

    follow(tmp_path, git, monkeypatch, lied_to)
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)


def test_without_its_notes_behind_a_bad_revision_it_is_still_said_what_is_in_force(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def broken(it: Followed) -> None:
        await it.look()
        git.push("c2", chat=BROKEN)
        await it.look()

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.source.admitted, it.source.applied, it.slots()) == (first, first, ["chat"])
        assert it.condition("Admitted").status == "False"

    follow(tmp_path, git, monkeypatch, broken)
    (tmp_path / "state" / "source.json").unlink()
    follow(tmp_path, git, monkeypatch, restarted)


def test_what_a_full_disk_did_not_take_is_written_once_there_is_room(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)
    write, full = StateDir.write_source, [False]

    def writing(state: StateDir, value: Any) -> None:
        if full[0]:
            raise OSError(errno.ENOSPC, "No space left on device", "source.json")
        write(state, value)

    monkeypatch.setattr(StateDir, "write_source", writing)

    async def filled(it: Followed) -> None:
        await it.look()
        full[0] = True
        second = git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        assert it.source.admitted == second
        assert "StateUnwritable" in it.reasons
        assert it.whole.state.source().attempted[:2] == "c1"
        full[0] = False
        await it.look()
        assert it.whole.state.source() == it.remote._sync.memory
        assert it.whole.state.source().attempted == second

    follow(tmp_path, git, monkeypatch, filled)


def test_a_source_suspended_before_its_first_revision_came_brings_none(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)

    export = git.export

    async def suspended(it: Followed) -> None:
        await it.look()

        def meanwhile(commit: str) -> str:
            it.operator.overrides = Overrides(source_suspended=Override("me", "now"))
            return export(commit)

        monkeypatch.setattr(git, "export", meanwhile)
        git.fault.clear()
        await it.remote.synced()
        assert (it.source.admitted, it.source.fetched, it.slots()) == ("", "", [])
        assert it.condition("SourceSuspended") is not None

    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, suspended)


@pytest.mark.parametrize("reachable", [True, False])
def test_where_nothing_that_is_in_force_can_be_read_nobody_is_told_that_it_was_deleted(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, reachable: bool
) -> None:
    first = git.push("c1", **six(a='profile = "own"\n[model]\ndefault = "m"\n[operator]\nsuspend = true\n'))
    entry = '[profile.own]\nimage = "docker.io/kyuz0/own:1"\n'
    (git.root / "remote" / first / "profiles.toml").write_text(entry)

    async def begun(it: Followed) -> None:
        await it.look()
        assert it.source.admitted == first
        it.operator.suspend("b", "me", "")

    async def lost(it: Followed) -> None:
        await it.look()
        admitted = it.condition("Admitted")
        assert (admitted.status, admitted.reason) == ("Unknown", "NotRead")
        assert admitted.message.startswith("no revision of the repository is here yet")
        assert it.condition("Ready").message == ("no route" if not reachable else "it is not there")
        assert (it.source.admitted, it.slots()) == (first, list("abcdef"))
        assert it.operator.problems() == ()
        assert {held.reason for held in it.operator.plan().held} == {"Suspended"}
        assert {slot.condition("Admitted").status for slot in it.operator.slots()} == {"True"}
        assert not it.remote.figures().refused
        assert not {"PruneHeld", "Denied", "RevisionRefused", "OwnFault"} & {*it.reasons}
        assert it.operator.overrides.suspended.keys() == {"b"}
        with pytest.raises(Refused):
            it.operator.approve_prune()
        git.fault.clear()
        await it.look()
        assert (it.source.admitted, it.condition("Admitted").status) == (first, "True")

    follow(tmp_path, git, monkeypatch, begun)
    git.here.clear()
    git.fail(*(("tip", "unreachable", "no route") if not reachable else ("export", "local")))
    follow(tmp_path, git, monkeypatch, lost)


def test_an_edit_is_refused_while_no_file_of_what_is_in_force_can_be_read(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)

    async def begun(it: Followed) -> None:
        await it.look()

    async def lost(it: Followed) -> None:
        await it.look()
        with pytest.raises(Refusal, match="no revision of the repository is here yet") as refused:
            await it.operator.change(EditSlot("chat", {"port": 8101}), "me", dry_run=True)
        assert refused.value.code == "home.busy"

    follow(tmp_path, git, monkeypatch, begun)
    git.here.clear()
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, lost)


@pytest.mark.parametrize("at", ["garbage", "2026-01-02T03:04:05", "2199-01-01T00:00:00Z"])
def test_a_time_of_the_notes_that_cannot_be_read_troubles_nobody(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, at: str
) -> None:
    first = git.push("c1", chat=GOOD)

    async def noted(it: Followed) -> None:
        await it.look()
        it.whole.state.write_source(msgspec.structs.replace(it.remote._sync.memory, at=at))

    async def restarted(it: Followed) -> None:
        await it.look()
        assert (it.source.admitted, it.condition("SourceUnreachable").status) == (first, "True")
        assert it.remote.figures().age_seconds > 0
        assert "OwnFault" not in it.reasons

    follow(tmp_path, git, monkeypatch, noted)
    git.fail("tip", "unreachable")
    follow(tmp_path, git, monkeypatch, restarted)
