"""Who may ask: a web page that knows the port must get nowhere."""

import pytest

from hal0_operator.model.settings import Settings
from hal0_operator.web.guard import BODY_LIMIT
from tests.support.served import TOKEN
from tests.web.conftest import Asks

pytestmark = pytest.mark.anyio

PATHS = ["/", "/api/slots", "/api/events", "/metrics", "/healthz", "/v1/models", "/no/such/path", "/api/openapi.json"]
AUTH = {"Authorization": f"Bearer {TOKEN}"}
JSON = {"Content-Type": "application/json"}


@pytest.mark.parametrize("path", PATHS)
@pytest.mark.parametrize(
    "host",
    [
        "evil.example",
        "localhost.evil.example",
        "127.0.0.1.evil.example",
        "evil.example:8080",
        "0.0.0.0",
        "127.1",
        "[::2]",
    ],
)
async def test_a_foreign_host_is_refused_on_every_path_before_routing(ask, path, host):
    got = await ask("GET", path, headers={"Host": host})
    assert (got.status_code, got.json()["error"]["code"]) == (403, "host.forbidden")


@pytest.mark.parametrize(
    "host", ["127.0.0.1", "127.0.0.1:9", "localhost", "LOCALHOST:1", "localhost.", "[::1]:8080", "127.8.8.8"]
)
async def test_own_names_pass_on_any_port(ask, host):
    assert (await ask("GET", "/api/slots", headers={"Host": host})).status_code == 200


@pytest.mark.parametrize("host", ["", " ", "a b", "127.0.0.1:port", "user@127.0.0.1", "127.0.0.1/x", "[::1", "ümlaut"])
async def test_a_malformed_or_empty_host_is_a_bad_request(ask, host):
    got = await ask("GET", "/api/slots", headers={"Host": host.encode()})
    assert (got.status_code, got.json()["error"]["code"]) == (400, "host.invalid")


async def test_two_hosts_are_a_bad_request(ask):
    got = await ask("GET", "/api/slots", headers=[("Host", "127.0.0.1"), ("Host", "evil.example")])
    assert got.status_code == 400


@pytest.mark.parametrize("host", ["models.lan", "MODELS.lan:8080", "10.0.0.7:8080"])
async def test_allowed_hosts_and_the_listening_address_pass(operator, host):
    ask = Asks(operator, Settings(listen="10.0.0.7:8080", allowed_hosts=("models.lan",)))
    assert (await ask("GET", "/healthz", headers={"Host": host})).status_code == 200


async def test_a_wildcard_address_makes_no_name_our_own(operator):
    ask = Asks(operator, Settings(listen="0.0.0.0:8080"))
    assert (await ask("GET", "/healthz", headers={"Host": "box.lan"})).status_code == 403


@pytest.mark.parametrize(
    ("headers", "status", "code"),
    [
        ({}, 401, "auth.token_missing"),
        ({"Authorization": "Bearer"}, 401, "auth.token_invalid"),
        ({"Authorization": "Bearer wrong"}, 401, "auth.token_invalid"),
        ({"Authorization": f"Basic {TOKEN}"}, 401, "auth.token_missing"),
        ({"Authorization": "Bearer é"}, 401, "auth.token_invalid"),
        (AUTH | {"Content-Type": "text/plain"}, 415, "request.content_type"),
        (AUTH | {"Content-Type": "application/x-www-form-urlencoded"}, 415, "request.content_type"),
        (AUTH | {"Content-Type": ""}, 415, "request.content_type"),
        (AUTH | JSON | {"Origin": "http://evil.example"}, 403, "origin.forbidden"),
        (AUTH | JSON | {"Origin": "null"}, 403, "origin.forbidden"),
        (AUTH | JSON | {"Origin": "http://127.0.0.1:9999"}, 403, "origin.forbidden"),
        (AUTH | JSON | {"Sec-Fetch-Site": "cross-site"}, 403, "origin.forbidden"),
        (AUTH | JSON | {"Sec-Fetch-Site": "same-site"}, 403, "origin.forbidden"),
        (AUTH | JSON, 202, None),
        (AUTH | JSON | {"Authorization": f"bearer {TOKEN}"}, 202, None),
        (AUTH | {"Content-Type": "application/json; charset=utf-8"}, 202, None),
        (AUTH | JSON | {"Origin": "http://127.0.0.1:8080", "Sec-Fetch-Site": "same-origin"}, 202, None),
    ],
)
async def test_a_write_over_tcp_needs_token_json_and_the_same_origin(ask, operator, headers, status, code):
    headers = {name: value.encode() for name, value in headers.items()}
    got = await ask("POST", "/api/slots/chat/restart", content=b"{}", headers=headers)
    assert got.status_code == status
    assert (got.json().get("error") or {}).get("code") == code
    assert bool(operator.wishes) == (status == 202)


@pytest.mark.parametrize(
    ("path", "meant"),
    [
        ("/chat/completions", "/v1/chat/completions"),
        ("/V1/chat/completions", "/v1/chat/completions"),
        ("//v1/chat/completions", "/v1/chat/completions"),
        ("/api/v1/embeddings", "/v1/embeddings"),
        ("/audio/transcriptions", "/v1/audio/transcriptions"),
        ("/no/such/path", ""),
        ("/v1", ""),
    ],
)
@pytest.mark.parametrize("unix", [True, False])
async def test_who_writes_to_nothing_is_asked_for_no_token_and_told_where_models_are(ask, path, meant, unix):
    got = await ask("POST", f"http://127.0.0.1:8080{path}", unix=unix, json={"model": "chat"})
    found = got.json()["error"]
    assert (got.status_code, found["code"]) == (404, "request.not_found")
    assert "models are below /v1" in found["message"]
    assert ("base URL end in /v1" in found["message"]) == bool(meant)
    assert meant in found["message"]
    assert "token" not in got.text.lower()
    assert "WWW-Authenticate" not in got.headers


async def test_a_look_at_models_without_v1_is_told_where_they_are(ask):
    got = await ask("GET", "/models")
    assert got.status_code == 404
    assert "let the client's base URL end in /v1 (/v1/models)" in got.json()["error"]["message"]


async def test_a_page_of_another_origin_learns_nothing_of_paths(ask):
    got = await ask("POST", "/chat/completions", json={}, headers={"Origin": "http://evil.example"})
    assert (got.status_code, got.json()["error"]["code"]) == (403, "origin.forbidden")


async def test_an_operator_without_a_token_lets_no_write_in(operator):
    ask = Asks(operator)
    ask.app._token = b""
    got = await ask("POST", "/api/reconcile", headers=JSON | {"Authorization": "Bearer "})
    assert got.status_code == 401


async def test_the_socket_file_needs_no_token_no_host_and_no_type(ask, operator):
    got = await ask("POST", "/api/slots/chat/restart", unix=True, headers={"Host": "whatever"})
    assert got.status_code == 202
    assert operator.wishes == [("restart", "chat", False)]


@pytest.mark.parametrize("unix", [True, False])
async def test_a_declared_body_beyond_the_limit_is_413(ask, unix):
    headers = AUTH | JSON | {"Content-Length": str(1 << 30)}
    got = await ask("POST", "/api/slots/chat/suspend", unix=unix, content=b"{}", headers=headers)
    assert (got.status_code, got.json()["error"]["code"]) == (413, "request.too_large")


@pytest.mark.parametrize("unix", [True, False])
async def test_a_chunked_body_beyond_the_limit_is_413(ask, unix):
    async def chunks():
        for _ in range(BODY_LIMIT // 1024 + 1):
            yield b" " * 1024

    got = await ask("POST", "/api/slots/chat/suspend", unix=unix, content=chunks(), headers=AUTH | JSON)
    assert got.status_code == 413


async def test_a_body_of_just_the_limit_passes(ask):
    body = b"{}" + b" " * (BODY_LIMIT - 2)
    assert (await ask("POST", "/api/reconcile", content=body, headers=AUTH | JSON)).status_code == 202


@pytest.mark.parametrize("method", ["PUT", "PATCH", "DELETE", "BREW"])
async def test_unknown_methods_count_as_writes(ask, method):
    assert (await ask(method, "/api/slots")).status_code == 401
    got = await ask(method, "/api/slots", headers=AUTH | JSON)
    assert got.status_code == 405
    assert got.headers["Allow"] == "GET, HEAD, POST"


async def test_no_page_of_another_origin_is_invited(ask):
    got = await ask("OPTIONS", "/api/slots", headers={"Origin": "http://evil.example"})
    assert got.status_code == 405
    assert not [name for name in got.headers if name.startswith("access-control")]


async def test_a_bug_in_an_answer_is_an_envelope_and_one_log_line(ask, operator, caplog):
    operator.bug = RuntimeError("boom\nTraceback")
    got = await ask("GET", "/api/slots")
    assert (got.status_code, got.json()["error"]["type"]) == (500, "server_error")
    assert "boom" not in got.text
    assert [record.exc_info for record in caplog.records if record.levelname == "ERROR"] == [None]
