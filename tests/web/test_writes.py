"""Writes of the home over HTTP: proposed for real, with codes and key paths."""

import json

import msgspec
import pytest

from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    SetCapability,
)
from tests.support.fake_operator import ROCM
from tests.web.conftest import TOKEN

pytestmark = pytest.mark.anyio
AUTH = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}

HOME = {
    "slots/chat.toml": 'device = "gpu-rocm"\nport = 8081\n[model]\ndefault = "a.gguf"\n',
    "slots/tts.toml": 'device = "cpu"\nport = 8085\n[model]\ndefault = "kokoro-v1"\n',
    "profiles.toml": '[profile.mine]\nimage = "localhost/a"\n',
    "capabilities.toml": "schema_version = 2\n",
}


@pytest.fixture(autouse=True)
def texts(operator, monkeypatch):
    operator.texts = dict(HOME)
    mine = msgspec.structs.replace(ROCM, name="mine", seed=False)
    speech = {"enabled": True, "device": "cpu", "model": "kokoro-v1", "provider": None, "slot": "tts", "phase": "Ready"}
    monkeypatch.setattr(operator, "capabilities", lambda: {"selections": {"voice": {"tts": speech}}})
    monkeypatch.setattr(operator, "profiles", lambda: {"mine": mine, "rocm": ROCM})


async def write(ask, method, path, body=None, **headers):
    content = json.dumps(body if body is not None else {})
    return await ask(method, path, headers=AUTH | JSON | headers, content=content)


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "wish"),
    [
        (
            "PATCH",
            "/api/capabilities/voice/tts",
            {"enabled": False},
            200,
            SetCapability("voice.tts", {"enabled": False}),
        ),
        (
            "POST",
            "/api/capabilities/voice/tts",
            {"backend": "cpu"},
            200,
            SetCapability("voice.tts", {"backend": "cpu"}),
        ),
        ("POST", "/api/slots", {"name": "new", "model": "b"}, 201, CreateSlot("new", {"model": "b"})),
        ("PATCH", "/api/slots/chat", {"port": None}, 200, EditSlot("chat", {"port": None})),
        ("DELETE", "/api/slots/chat", None, 200, DeleteSlot("chat")),
        ("POST", "/api/profiles", {"name": "new", "clone": "rocm"}, 201, CreateProfile("new", {}, "rocm")),
        (
            "PUT",
            "/api/profiles/mine",
            {"image": "localhost/b"},
            200,
            EditProfile("mine", {"image": "localhost/b"}, True),
        ),
        ("PATCH", "/api/profiles/mine", {"flags": "-v"}, 200, EditProfile("mine", {"flags": "-v"})),
        ("DELETE", "/api/profiles/mine", None, 200, DeleteProfile("mine")),
    ],
)
async def test_each_request_is_one_wish(ask, operator, method, path, body, status, wish):
    got = await write(ask, method, f"{path}?by=ada", body)
    assert got.status_code == status, got.text
    assert operator.wishes == [("change", wish, "ada", False)]
    answer = got.json()
    assert answer["committed"] is True
    assert answer["files"]
    assert [action["verb"] for action in answer["actions"]] == ["remove"]


async def test_a_dry_run_shows_the_diff_and_writes_nothing(ask, operator):
    got = await write(ask, "PATCH", "/api/slots/chat?dryRun=1", {"port": 8090})
    assert got.status_code == 200
    assert operator.wishes == [("change", EditSlot("chat", {"port": 8090}), "api", True)]
    (file,) = got.json()["files"]
    assert (file["file"], file["change"]) == ("slots/chat.toml", "changed")
    assert "-port = 8081\n+port = 8090\n" in file["diff"]
    assert got.json()["committed"] is False


@pytest.mark.parametrize(
    ("method", "path", "body", "status", "code"),
    [
        ("PATCH", "/api/slots/chta", {}, 404, "slot.unknown"),
        ("PATCH", "/api/slots/chat", {"prot": 1}, 422, "slot.schema"),
        ("PATCH", "/api/slots/chat", {"device": "tpu"}, 422, "device.unknown"),
        ("PATCH", "/api/slots/chat", {"port": 8085}, 409, "port.conflict"),
        ("PATCH", "/api/slots/chat", {"device": "cpu", "profile": "rocm"}, 422, "device.profile_incoherent"),
        ("POST", "/api/slots", {"name": "chat"}, 409, "slot.exists"),
        ("POST", "/api/slots", {}, 422, "request.invalid"),
        ("PATCH", "/api/capabilities/voice/sst", {}, 404, "capability.unknown_child"),
        ("PATCH", "/api/capabilities/voice/tts", {"enabled": "yes"}, 422, "capability.schema"),
        ("POST", "/api/profiles", {"name": "rocm", "image": "localhost/a"}, 409, "profiles.exists"),
        ("POST", "/api/profiles", {"name": "new", "clone": "rocn"}, 404, "profiles.not_found"),
        ("POST", "/api/profiles", {"name": "new", "clone": 1}, 422, "request.invalid"),
        ("PUT", "/api/profiles/rocm", {"image": "localhost/a"}, 409, "profiles.seed_immutable"),
        ("PATCH", "/api/profiles/rocm", {"flags": "-v"}, 409, "profiles.seed_immutable"),
        ("PATCH", "/api/profiles/mine", {"flgs": "-v"}, 422, "profile.schema"),
        ("DELETE", "/api/profiles/nope", None, 404, "profiles.not_found"),
    ],
)
async def test_what_cannot_be_has_a_status_a_code_and_a_reason(ask, operator, method, path, body, status, code):
    got = await write(ask, method, path, body)
    assert (got.status_code, got.json()["error"]["code"]) == (status, code), got.text
    assert got.json()["error"]["message"]
    assert operator.wishes == []


async def test_every_bad_key_is_named_by_its_path(ask):
    got = await write(ask, "PATCH", "/api/slots/chat", {"model": {"context_size": "big"}, "prot": 1})
    found = got.json()["error"]["details"]["problems"]
    assert [problem["path"] for problem in found] == ["model.context_size", "prot"]


async def test_an_older_version_is_refused_and_the_present_one_taken(ask):
    tag = (await ask("GET", "/api/slots/chat")).headers["ETag"]
    stale = await write(ask, "PATCH", "/api/slots/chat", {"port": 8090}, **{"If-Match": '"older"'})
    assert (stale.status_code, stale.json()["error"]["code"]) == (409, "changeset.conflict")
    assert (await write(ask, "PATCH", "/api/slots/chat", {"port": 8090}, **{"If-Match": tag})).status_code == 200


async def test_a_write_over_tcp_needs_the_token(ask):
    got = await ask("PATCH", "/api/slots/chat", headers=JSON, content="{}")
    assert got.status_code == 401


@pytest.mark.parametrize("content", ["[]", "1", '"x"', "{", "null", '{"a": ' * 2000])
async def test_a_malformed_body_is_a_400(ask, operator, content):
    got = await ask("PATCH", "/api/slots/chat", headers=AUTH | JSON, content=content)
    assert got.status_code == 400
    assert operator.wishes == []


@pytest.mark.parametrize("value", [[None], {"a": [{"b": None}]}, [[[[[[[[[[[[[[[[[[[1]]]]]]]]]]]]]]]]]]]])
async def test_what_json_can_hold_and_a_file_cannot_is_refused_by_its_path(ask, value):
    got = await write(ask, "POST", "/api/slots", {"name": "new", "runtime": value})
    assert got.status_code == 422
    assert [problem["path"] for problem in got.json()["error"]["details"]["problems"]] == ["runtime"]


async def test_a_misspelt_parameter_of_a_write_is_refused(ask, operator):
    got = await write(ask, "PATCH", "/api/slots/chat?dryrun=1", {"port": 8090})
    assert got.status_code == 400
    assert "dryRun" in got.json()["error"]["message"]
    assert (await write(ask, "PATCH", "/api/slots/chat?dryRun=perhaps", {"port": 8090})).status_code == 400
    assert operator.wishes == []


async def test_a_secret_of_a_file_is_masked_in_the_diff(ask, operator):
    operator.texts["profiles.toml"] = '[profile.mine]\nimage = "localhost/a"\nenv = { API_KEY = "hunter2" }\n'
    got = await write(ask, "DELETE", "/api/profiles/mine?dryRun=1")
    assert got.status_code == 200
    assert "API_KEY" in got.text
    assert "hunter2" not in got.text
