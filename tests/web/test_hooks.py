"""What a forge calls after a push: signed over the raw body, known again, and only a hint."""

import hashlib
import hmac

import httpx2
import pytest

from hal0_operator.model.settings import Settings
from hal0_operator.web.app import build
from hal0_operator.web.deliveries import PER_MINUTE, Deliveries
from tests.support.fake_operator import FakeOperator, FakeRemote, slot

SECRET = b"wild-rose"
BODY = b'{"ref": "refs/heads/main",  "after": "c2"}'

pytestmark = pytest.mark.anyio


def signature(body: bytes = BODY, secret: bytes = SECRET) -> str:
    return hmac.new(secret, body, hashlib.sha256).hexdigest()


GITHUB = {"X-Hub-Signature-256": f"sha256={signature()}", "X-GitHub-Delivery": "d1"}
GITEA = {"X-Gitea-Signature": signature(), "X-Gitea-Delivery": "d2"}
FORGEJO = {**GITEA, "X-Forgejo-Signature": signature(), "X-Hub-Signature-256": f"sha256={signature()}"}
GITLAB = {"X-Gitlab-Token": SECRET.decode(), "X-Gitlab-Event-UUID": "d3"}


class Forge:
    """Calls over TCP without any token of ours; ``now`` is the clock."""

    def __init__(self, secret: bytes | None = SECRET) -> None:
        self.operator = FakeOperator(slot("chat"))
        self.operator.remote = self.remote = FakeRemote()
        self.now = 100.0
        deliveries = Deliveries(secret, lambda: self.now) if secret is not None else None
        self.app = build(self.operator, "t0ken", Settings(), deliveries)

    async def call(self, headers: dict[str, str], body: bytes = BODY, host: str = "127.0.0.1:8080") -> httpx2.Response:
        async def app(scope: dict, receive: object, send: object) -> None:
            await self.app({**scope, "server": ("127.0.0.1", 8080)}, receive, send)

        async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url=f"http://{host}") as client:
            return await client.post("/hooks/git", content=body, headers=headers)


@pytest.mark.parametrize("headers", [GITHUB, GITEA, FORGEJO, GITLAB], ids=["github", "gitea", "forgejo", "gitlab"])
async def test_a_signed_call_is_a_hint(headers: dict[str, str]) -> None:
    forge = Forge()
    assert (await forge.call(headers)).status_code == 202
    assert forge.remote.wishes == [("delivered", "accepted")]


@pytest.mark.parametrize(
    "headers",
    [
        {},
        {"X-Hub-Signature-256": "sha256="},
        {"X-Hub-Signature-256": f"sha256={signature(secret=b'other')}"},
        {"X-Hub-Signature": f"sha1={signature()}"},
        {"X-Gitea-Signature": signature(BODY + b" ")},
        {"X-Gitlab-Token": "wild-ros"},
        {"X-Gitlab-Token": "wild-rose-é"},
        {"X-Gitlab-Token": SECRET.decode(), "X-Gitea-Signature": "0" * 64},
        {"Authorization": "Bearer t0ken"},
    ],
)
async def test_a_call_without_the_right_signature_is_refused_and_counted(headers: dict[str, str]) -> None:
    forge = Forge()
    answer = await forge.call({name: value.encode("latin-1") for name, value in headers.items()})
    assert answer.status_code == 401
    assert answer.json()["error"]["code"] == "auth.signature_invalid"
    assert SECRET.decode() not in answer.text
    assert forge.remote.wishes == [("delivered", "wrong")]


async def test_the_signature_is_over_the_raw_body_and_not_over_what_it_means() -> None:
    assert (await Forge().call(GITHUB, BODY.replace(b"  ", b" "))).status_code == 401


async def test_a_replayed_call_hints_nothing_also_under_another_id() -> None:
    forge = Forge()
    await forge.call(GITHUB)
    for headers in (GITHUB, {**GITHUB, "X-GitHub-Delivery": "another"}):
        assert (await forge.call(headers)).status_code == 200
    assert forge.remote.wishes[1:] == [("delivered", "replayed")] * 2


async def test_calls_of_gitlab_that_follow_from_one_another_are_told_apart_by_their_own_key() -> None:
    forge = Forge()
    first, answered = ({**GITLAB, "Idempotency-Key": key} for key in ("k1", "k2"))
    codes = [(await forge.call(headers)).status_code for headers in (first, first, answered)]
    assert codes == [202, 200, 202]
    assert [wish[1] for wish in forge.remote.wishes] == ["accepted", "replayed", "accepted"]


async def test_of_a_gitlab_without_such_keys_the_event_is_what_a_call_is_known_by() -> None:
    forge = Forge()
    assert [(await forge.call(GITLAB, body)).status_code for body in (BODY, BODY + b" ")] == [202, 200]


async def test_a_delivery_is_forgotten_after_an_hour() -> None:
    forge = Forge()
    await forge.call(GITHUB)
    forge.now += 3601
    assert (await forge.call(GITHUB)).status_code == 202


async def test_calls_that_come_too_often_are_limited_and_wrong_ones_do_not_count_against_the_right() -> None:
    forge = Forge()
    for n in range(PER_MINUTE + 5):
        await forge.call({"X-Gitlab-Token": "wrong", "X-Gitlab-Event-UUID": f"w{n}"})
    codes = [(await forge.call({**GITLAB, "X-Gitlab-Event-UUID": f"d{n}"})).status_code for n in range(PER_MINUTE + 1)]
    assert codes == [202] * PER_MINUTE + [429]
    forge.now += 61
    assert (await forge.call({**GITLAB, "X-Gitlab-Event-UUID": "later"})).status_code == 202


async def test_without_a_secret_there_is_no_webhook() -> None:
    forge = Forge(secret=None)
    assert (await forge.call(GITHUB)).status_code == 404
    assert forge.remote.wishes == []


async def test_a_foreign_host_and_a_foreign_page_are_refused_here_too() -> None:
    forge = Forge()
    assert (await forge.call(GITHUB, host="evil.example")).status_code == 403
    assert (await forge.call({**GITHUB, "Origin": "http://evil.example"})).status_code == 403
    assert forge.remote.wishes == []


async def test_a_body_without_end_is_refused() -> None:
    assert (await Forge().call(GITHUB, b" " * ((1 << 20) + 1))).status_code == 413
