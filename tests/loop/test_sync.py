"""Following a repository: what comes into force, what stays in force, and what is said meanwhile."""

import threading
from pathlib import Path
from typing import Any

import anyio
import anyio.to_thread
import pytest

from hal0_operator.changes.refusal import ReadOnly
from hal0_operator.changes.wish import EditSlot
from hal0_operator.loop.view import Refused
from tests.loop.followed import BROKEN, GOOD, URL, FakeGit, Followed, follow, six


@pytest.fixture
def git(tmp_path: Path) -> FakeGit:
    return FakeGit(tmp_path)


def test_a_push_comes_into_force(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        assert it.slots() == ["chat"]
        second = git.push("c2", chat=GOOD, code=GOOD)
        await it.look()
        assert it.slots() == ["chat", "code"]
        found = it.source
        assert (found.kind, found.url, found.ref) == ("git", URL, "main")
        assert {found.attempted, found.fetched, found.admitted, found.applied} == {second}
        assert found.revision is not None
        assert (found.revision.author, found.revision.subject) == ("Ada", "change c2")
        assert found.kept == (second, first)
        assert it.condition("Ready").status == "True"
        assert it.condition("Stalled").status == "False"

    follow(tmp_path, git, monkeypatch, done)


def test_an_unchanged_tip_costs_one_call(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.calls.clear()
        await it.look()
        assert git.calls == ["tip"]

    follow(tmp_path, git, monkeypatch, done)


def test_a_bad_revision_leaves_the_last_one_in_force_and_says_where_it_is_bad(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        bad = git.push("c2", chat=BROKEN, code=GOOD)
        await it.look()
        found, admitted = it.source, it.condition("Admitted")
        assert admitted.status == "False"
        assert admitted.message.startswith("slot.schema slots/chat.toml:5:1: ")
        assert (found.attempted, found.admitted, found.applied) == (bad, first, first)
        assert it.condition("Stalled").message == admitted.message
        for name in ("chat", "code"):
            status = it.operator.detail(name).status
            assert "slots/chat.toml:5:1" in status.condition("Admitted").message
        assert it.reasons.count("RevisionRefused") == 1
        assert it.remote.figures().refused
        git.push("c3", chat=GOOD, code=GOOD)
        await it.look()
        assert it.condition("Admitted").status == "True"
        assert it.slots() == ["chat", "code"]

    follow(tmp_path, git, monkeypatch, done)


def test_a_bad_first_revision_starts_nothing(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=BROKEN)

    async def done(it: Followed) -> None:
        await it.look()
        assert it.source.admitted == ""
        assert it.operator.detail("chat").status.phase == "Denied"
        assert it.condition("Ready").status == "False"

    follow(tmp_path, git, monkeypatch, done)


@pytest.mark.parametrize(
    ("kind", "type", "stalled"),
    [
        ("unreachable", "SourceUnreachable", "False"),
        ("auth", "SourceUnreachable", "True"),
        ("host_key", "SourceUnreachable", "True"),
        ("no_ref", "SourceGone", "True"),
        ("no_repository", "SourceGone", "True"),
        ("local", "SourceFailed", "False"),
    ],
)
def test_a_remote_that_fails_changes_nothing_and_recovers_by_itself(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, kind: Any, type: str, stalled: str
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.fail("tip", kind, "no branch main")
        await it.look()
        assert it.condition(type).message == "no branch main"
        assert it.condition(type).last_transition_time == it.condition("Ready").last_transition_time != ""
        assert it.condition("Stalled").status == stalled
        assert it.condition("Ready").status == "False"
        assert (it.source.admitted, it.slots()) == (first, ["chat"])
        age = it.source.age_seconds
        await it.look()
        assert it.source.age_seconds >= age
        assert it.reasons.count(type) == 1
        git.fault.clear()
        git.push("c2", code=GOOD, chat=GOOD)
        await it.look()
        assert it.condition(type) is None
        assert it.slots() == ["chat", "code"]
        assert "SourceRecovered" in it.reasons

    follow(tmp_path, git, monkeypatch, done)


def test_a_tip_that_the_remote_does_not_have_is_a_fault(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.lies = "d" * 40
        await it.look()
        assert it.condition("SourceGone") is not None
        assert it.slots() == ["chat"]

    follow(tmp_path, git, monkeypatch, done)


def test_a_revision_that_deletes_most_slots_is_held_until_it_is_approved(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", **six())

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", a=GOOD)
        await it.look()
        assert it.slots() == list("abcdef")
        assert "b, c, d, e, f" in it.condition("PruneHeld").message
        assert (it.condition("Admitted").reason, it.source.admitted) == ("PruneHeld", first)
        it.operator.approve_prune()
        await it.operator.fresh()
        assert it.slots() == ["a"]
        assert it.condition("Admitted").status == "True"

    follow(tmp_path, git, monkeypatch, done)


def test_nothing_is_written_and_the_refusal_brings_what_to_commit(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        wish = EditSlot("chat", {"port": 8101})
        with pytest.raises(ReadOnly, match="commit this change of slots/chat.toml") as refused:
            await it.operator.change(wish, "me", dry_run=False)
        assert refused.value.code == "gitops.read_only"
        assert b"port = 8101" in (refused.value.change_set.changes[0].new or b"")
        tried = await it.operator.change(wish, "me", dry_run=True)
        assert not tried.written.committed
        assert (git.root / "remote" / first / "slots" / "chat.toml").read_text() == GOOD
        assert not (git.root / "remote" / first / ".hal0").exists()

    follow(tmp_path, git, monkeypatch, done)


def test_an_operator_that_ends_does_not_wait_for_a_remote_that_hangs(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    git.push("c1", chat=GOOD)
    asked, answer = threading.Event(), threading.Event()

    def hang() -> str:
        asked.set()
        answer.wait()
        return git.remote[-1]

    async def done(it: Followed) -> None:
        await it.look()
        monkeypatch.setattr(git, "tip", hang)
        it.remote.sync()
        await anyio.to_thread.run_sync(asked.wait)

    try:
        follow(tmp_path, git, monkeypatch, done)
        assert not answer.is_set()
    finally:
        answer.set()


def test_a_look_at_a_suspended_source_is_refused(tmp_path: Path, git: FakeGit, monkeypatch: Any) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        it.remote.suspend("me", "a demo")
        git.push("c2", code=GOOD)
        git.calls.clear()
        await it.look()
        assert git.calls == []
        assert it.slots() == ["chat"]
        assert it.source.suspended
        assert "suspended by me since" in it.condition("SourceSuspended").message
        with pytest.raises(Refused, match="resume --source"):
            it.remote.sync()
        it.remote.resume()
        await it.look()
        assert not it.source.suspended

    follow(tmp_path, git, monkeypatch, done)
