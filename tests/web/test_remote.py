"""Wishes about the repository that a home comes from, and writes that it does not take."""

import pytest

from hal0_operator.changes.refusal import ReadOnly
from hal0_operator.changes.wish import EditSlot
from hal0_operator.loop.view import Refused
from hal0_operator.model.status import Condition, SourceStatus
from tests.changes.homes import home, wished
from tests.support.fake_operator import FakeRemote

pytestmark = pytest.mark.anyio
CHAT = 'port = 8101\n[model]\ndefault = "m"\n'


@pytest.fixture
def remote(operator) -> FakeRemote:
    operator.remote = FakeRemote()
    return operator.remote


@pytest.mark.parametrize(
    ("path", "body", "status", "wish"),
    [
        ("sync", {}, 202, ("sync",)),
        ("suspend", {"by": "me", "reason": "a demo"}, 200, ("suspend", "me", "a demo")),
        ("resume", {}, 200, ("resume",)),
        ("rollback", {"revision": "abc", "by": "me"}, 202, ("rollback", "abc", "me")),
        ("rollback", {}, 202, ("rollback", "", "api")),
    ],
)
async def test_a_wish_is_handed_on(ask, remote, path, body, status, wish) -> None:
    assert (await ask.write(f"/api/source/{path}", body)).status_code == status
    assert remote.wishes == [wish]


@pytest.mark.parametrize("path", ["sync", "suspend", "resume", "rollback"])
@pytest.mark.parametrize("body", ["[]", "1", "{", '{"wait": true}', "null"])
async def test_a_body_that_is_no_wish_is_refused(ask, remote, path, body) -> None:
    answer = await ask("POST", f"/api/source/{path}", unix=True, content=body)
    assert (answer.status_code, answer.json()["error"]["code"]) == (400, "request.invalid")
    assert remote.wishes == []


async def test_sync_waits_until_what_it_found_was_acted_on(ask, remote, operator, monkeypatch) -> None:
    monkeypatch.setattr(operator, "source", lambda: SourceStatus(kind="git", url="file:///a", fetched="c1"))
    assert (await ask.write("/api/source/sync?wait=1")).status_code == 200
    assert remote.wishes == [("sync",), ("synced",)]
    assert operator.wishes == [("fresh",)]


async def test_before_the_first_revision_nobody_waits_for_a_reading(ask, remote, operator, monkeypatch) -> None:
    gone = Condition("SourceUnreachable", "True", "Unreachable", "no route to forge.example")
    nothing = SourceStatus(kind="git", url="https://forge.example/home", conditions=(gone,))
    monkeypatch.setattr(operator, "source", lambda: nothing)
    answer = await ask.write("/api/reconcile?wait=1")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"].endswith("is here yet: no route to forge.example")
    assert (await ask.write("/api/reconcile")).status_code == 202


async def test_a_refusal_says_why(ask, remote) -> None:
    remote.refusal = Refused("gitops.suspended", "the source is suspended")
    answer = await ask.write("/api/source/sync")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "gitops.suspended")


@pytest.mark.parametrize("path", ["sync", "suspend", "resume", "rollback"])
async def test_a_folder_has_no_remote(ask, path) -> None:
    answer = await ask.write(f"/api/source/{path}")
    assert (answer.status_code, answer.json()["error"]["code"]) == (409, "gitops.not_followed")


@pytest.mark.parametrize("path", ["sync", "suspend", "resume", "rollback"])
async def test_they_need_the_token(ask, remote, path) -> None:
    answer = await ask("POST", f"/api/source/{path}", json={})
    assert answer.status_code == 401
    assert remote.wishes == []


async def test_a_write_of_a_home_of_git_is_refused_with_the_diff_to_commit(ask, operator, monkeypatch) -> None:
    async def refuse(wish: object, by: str, *, dry_run: bool) -> None:
        proposal = wished(EditSlot("chat", {"port": 8102}), home({"slots/chat.toml": CHAT}), by=by)
        raise ReadOnly("https://forge.example/home", proposal.change_set)

    monkeypatch.setattr(operator, "change", refuse)
    answer = await ask("PATCH", "/api/slots/chat", unix=True, json={"port": 8102})
    error = answer.json()["error"]
    assert (answer.status_code, error["code"]) == (409, "gitops.read_only")
    assert "https://forge.example/home" in error["message"]
    (file,) = error["details"]["files"]
    assert (file["file"], file["change"]) == ("slots/chat.toml", "changed")
    assert "-port = 8101\n+port = 8102" in file["diff"]


async def test_a_look_that_brings_nothing_at_all_is_not_waited_for(ask, remote, operator, monkeypatch) -> None:
    gone = Condition("SourceGone", "True", "NoRef", "the repository has no branch `mian`")
    nothing = SourceStatus(kind="git", url="https://forge.example/home", conditions=(gone,))
    monkeypatch.setattr(operator, "source", lambda: nothing)
    operator.fresh_gate.clear()
    answer = await ask.write("/api/source/sync?wait=1")
    assert answer.status_code == 503
    assert answer.json()["error"]["message"].endswith("is here yet: the repository has no branch `mian`")
    assert remote.wishes == [("sync",), ("synced",)]


async def test_what_is_not_done_in_time_says_what_is_in_the_way(ask, remote, operator, monkeypatch) -> None:
    busy = Condition("HomeBusy", "True", "Busy", "the revision cannot be read")
    monkeypatch.setattr(
        operator, "source", lambda: SourceStatus(kind="git", url="file:///a", fetched="c1", conditions=(busy,))
    )
    monkeypatch.setattr("hal0_operator.web.remote.SYNC_S", 0.05)
    operator.fresh_gate.clear()
    answer = await ask.write("/api/source/sync?wait=1")
    assert answer.status_code == 504
    assert answer.json()["error"]["message"].endswith("s: the revision cannot be read")
