"""``sync``, ``rollback``, ``suspend --source`` and ``resume --source``, sent to the operator."""

import msgspec
import pytest

from hal0_operator.loop.view import Refused
from hal0_operator.model.status import Condition, RevisionStatus, SourceStatus
from tests.support.fake_operator import FakeRemote, slot

REVISION = RevisionStatus("c1" * 20, "Ada", "a larger model", "2026-01-02T03:04:05Z", "ada@example.com")
GIT = SourceStatus(
    kind="git",
    url="https://forge.example/home",
    ref="main",
    fetched=REVISION.commit,
    admitted=REVISION.commit,
    revision=REVISION,
    kept=(REVISION.commit, "d2" * 20),
    conditions=(Condition("Ready", "True", "InForce", ""),),
)


@pytest.fixture
def remote(operator, monkeypatch) -> FakeRemote:
    operator.remote = FakeRemote()
    monkeypatch.setattr(operator, "source", lambda: GIT)
    return operator.remote


def test_sync_asks_for_a_look(hal0ctl, live, remote) -> None:
    ran = hal0ctl("sync")
    assert (ran.code, ran.out) == (0, "the repository is looked at now\n")
    assert remote.wishes == [("sync",)]


def test_sync_waits_until_the_revision_is_served_and_says_who_was_skipped(hal0ctl, live, remote, operator) -> None:
    operator.listed = {"chat": slot("chat"), "code": slot("code", "Suspended")}
    ran = hal0ctl("sync", "--wait")
    assert ran.code == 0
    assert ran.out.splitlines()[0] == "c1c1c1c1c1 (a larger model, by Ada) is in force"
    assert "code: Suspended" in ran.err
    assert "(skipped)" in ran.err
    assert remote.wishes == [("sync",), ("synced",)]


def test_sync_fails_with_the_place_when_the_revision_is_refused(hal0ctl, live, remote, operator, monkeypatch) -> None:
    message = "slot.schema slots/chat.toml:3:8: no such key"
    bad = msgspec.structs.replace(GIT, conditions=(Condition("Ready", "False", "Denied", message),))
    monkeypatch.setattr(operator, "source", lambda: bad)
    ran = hal0ctl("sync", "--wait")
    assert ran.code == 1
    assert "Denied: slot.schema slots/chat.toml:3:8: no such key" in ran.err


def test_sync_that_takes_too_long_says_why_and_not_that_nobody_answers(
    hal0ctl, live, remote, operator, monkeypatch
) -> None:
    slow = Condition("Ready", "False", "Behind", "c2 is not in force yet")
    monkeypatch.setattr(operator, "source", lambda: msgspec.structs.replace(GIT, conditions=(slow,)))
    live.call(operator.fresh_gate.clear)
    ran = hal0ctl("sync", "--wait", "--timeout", "0.1")
    assert ran.code == 1
    assert ran.err == (
        "hal0ctl: what the repository says was not taken up within 0.1 s: Behind: c2 is not in force yet\n"
    )


def test_sync_fails_at_once_while_nothing_is_here(hal0ctl, live, remote, operator, monkeypatch) -> None:
    gone = Condition("SourceGone", "True", "NoRef", "the repository has no branch `mian`")
    monkeypatch.setattr(operator, "source", lambda: msgspec.structs.replace(GIT, fetched="", conditions=(gone,)))
    live.call(operator.fresh_gate.clear)
    ran = hal0ctl("sync", "--wait")
    assert (ran.code, "no branch `mian`" in ran.err) == (1, True)


def test_a_time_is_that_of_a_wait(hal0ctl, live, remote) -> None:
    ran = hal0ctl("sync", "--timeout", "5")
    assert (ran.code, ran.err) == (2, "hal0ctl: --timeout goes with --wait\n")
    assert remote.wishes == []


def test_sync_fails_when_a_slot_does(hal0ctl, live, remote) -> None:
    ran = hal0ctl("sync", "--wait")
    assert ran.code == 1
    assert ran.err.startswith("code: CrashLoop")


def test_sync_of_a_folder_says_what_it_is(hal0ctl, live) -> None:
    ran = hal0ctl("sync")
    assert (ran.code, "this home is a folder" in ran.err) == (1, True)


def test_rollback_says_that_it_holds(hal0ctl, live, remote) -> None:
    ran = hal0ctl("rollback", "d2d2")
    assert (ran.code, ran.out) == (0, "d2d2 comes into force\n")
    assert [wish[:2] for wish in remote.wishes] == [("rollback", "d2d2")]


def test_an_empty_revision_is_not_the_one_before(hal0ctl, live, remote) -> None:
    ran = hal0ctl("rollback", "")
    assert (ran.code, "REVISION is empty" in ran.err) == (2, True)
    assert remote.wishes == []
    assert hal0ctl("rollback").code == 0
    assert [wish[:2] for wish in remote.wishes] == [("rollback", "")]


HELD = msgspec.structs.replace(GIT, attempted=REVISION.commit, suspended=True)
GONE = Condition("Ready", "False", "Unreachable", "no route to forge.example")


@pytest.mark.parametrize("conditions", [HELD.conditions, (GONE,)], ids=["well", "remote gone"])
def test_rollback_waits_until_the_revision_is_served_also_of_a_source_that_is_suspended(
    hal0ctl, live, remote, operator, monkeypatch, conditions
) -> None:
    operator.listed = {"chat": slot("chat")}
    monkeypatch.setattr(operator, "source", lambda: msgspec.structs.replace(HELD, conditions=conditions))
    ran = hal0ctl("rollback", "c1c1", "--wait")
    assert (ran.code, ran.err) == (0, "")
    assert ran.out.splitlines()[:2] == ["c1c1 comes into force", "c1c1c1c1c1 (a larger model, by Ada) is in force"]
    assert [wish[0] for wish in remote.wishes] == ["rollback", "synced"]


def test_rollback_fails_when_the_revision_is_refused(hal0ctl, live, remote, operator, monkeypatch) -> None:
    bad = Condition("Ready", "False", "Denied", "slot.schema slots/chat.toml:3:8: no such key")
    refused = msgspec.structs.replace(HELD, attempted="d2" * 20, conditions=(bad,))
    monkeypatch.setattr(operator, "source", lambda: refused)
    ran = hal0ctl("rollback", "d2d2", "--wait")
    assert (ran.code, "Denied: slot.schema slots/chat.toml:3:8" in ran.err) == (1, True)


def test_rollback_to_nothing_says_what_is_kept(hal0ctl, live, remote) -> None:
    remote.refusal = Refused("gitops.no_previous", "no revision is kept; kept are: none")
    ran = hal0ctl("rollback")
    assert (ran.code, "kept are: none" in ran.err) == (1, True)


def test_the_source_is_suspended_and_resumed(hal0ctl, live, remote) -> None:
    assert hal0ctl("suspend", "--source", "--reason", "a demo").code == 0
    assert hal0ctl("resume", "--source").code == 0
    assert [wish[0] for wish in remote.wishes] == ["suspend", "resume"]
    assert remote.wishes[0][2] == "a demo"


@pytest.mark.parametrize(
    "words",
    [
        ("suspend",),
        ("suspend", "chat", "--source"),
        ("resume",),
        ("resume", "--source", "--prune"),
        ("resume", "a", "--prune"),
    ],
)
def test_one_thing_at_a_time(hal0ctl, live, remote, words) -> None:
    assert hal0ctl(*words).code == 2
    assert remote.wishes == []


def test_get_source_shows_the_revision_and_what_is_kept(hal0ctl, live, remote) -> None:
    out = hal0ctl("get", "source").out
    assert "a larger model, by Ada at 2026-01-02T03:04:05Z, signed by ada@example.com" in out
    assert "c1c1c1c1c1 d2d2d2d2d2" in out
