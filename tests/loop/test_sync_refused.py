"""A revision that is refused for what is in its tree or who signed it, and what is no fault of a revision."""

from pathlib import Path
from typing import Any

import pytest

from tests.loop.followed import GOOD, FakeGit, Followed, follow


@pytest.fixture
def git(tmp_path: Path) -> FakeGit:
    return FakeGit(tmp_path)


@pytest.mark.parametrize(
    ("verb", "kind", "type"),
    [
        ("fetch", "unverified", "SourceUnverified"),
        ("fetch", "too_large", "SourceTooLarge"),
        ("export", "refused", "SourceRefused"),
        ("export", "no_path", "SourceGone"),
    ],
)
def test_a_revision_that_cannot_be_taken_leaves_the_last_one(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, verb: str, kind: Any, type: str
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        second = git.push("c2", code=GOOD)
        git.fail(verb, kind)
        await it.look()
        assert it.condition(type) is not None
        assert (it.source.attempted, it.source.fetched, it.source.admitted) == (second, first, first)
        assert it.slots() == ["chat"]
        assert it.remote.figures().syncs[(kind,)] == 1
        await it.look()
        admitted = it.condition("Admitted")
        told = it.condition(type).message
        assert (admitted.status, admitted.message) == ("False", f"gitops.{kind} {told}")
        assert it.condition("Stalled").message in (told, admitted.message)
        assert (it.reasons.count("RevisionRefused"), it.remote.figures().refused) == (1, True)
        git.fail("tip", "unreachable")
        await it.look()
        assert it.condition("Admitted") == admitted, "it is still the newest that is known"
        git.fault.clear()
        await it.look()
        assert (it.source.admitted, it.condition("Admitted").status) == (second, "True")
        assert not it.remote.figures().refused

    follow(tmp_path, git, monkeypatch, done)


def test_a_refused_revision_is_forgotten_once_the_tip_is_another_or_a_person_goes_back(
    tmp_path: Path, git: FakeGit, monkeypatch: Any
) -> None:
    first = git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", code=GOOD)
        git.fail("export", "refused")
        await it.look()
        git.lies = first
        await it.look()
        assert (it.condition("Admitted").status, it.remote.figures().refused) == ("True", False)
        git.lies = ""
        await it.look()
        assert it.remote.figures().refused
        it.remote.rollback(first, "me")
        await it.look()
        assert (it.condition("Admitted").status, it.remote.figures().refused) == ("True", False)

    follow(tmp_path, git, monkeypatch, done)


@pytest.mark.parametrize(
    ("verb", "kind"), [("fetch", "unreachable"), ("fetch", "no_ref"), ("export", "local"), ("tip", "too_large")]
)
def test_what_is_no_fault_of_the_revision_refuses_none(
    tmp_path: Path, git: FakeGit, monkeypatch: Any, verb: str, kind: Any
) -> None:
    git.push("c1", chat=GOOD)

    async def done(it: Followed) -> None:
        await it.look()
        git.push("c2", code=GOOD)
        git.fail(verb, kind)
        await it.look()
        assert it.condition("Ready").status == "False"
        assert it.condition("Admitted").status == "True"
        assert ("RevisionRefused" in it.reasons, it.remote.figures().refused) == (False, False)

    follow(tmp_path, git, monkeypatch, done)
