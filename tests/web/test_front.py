"""What a request below /v1 must bring before any model hears of it."""

import httpx2
import pytest

from hal0_operator.web.front import PLAIN, Front
from hal0_operator.web.guard import Guard

pytestmark = pytest.mark.anyio


async def other(scope, receive, send):
    await _answer(send, b"api")


async def models(scope, receive, send):
    keys = [value for name, value in scope["headers"] if name == b"authorization"]
    await _answer(send, b" with ".join([b"models", *keys]))


async def _answer(send, text):
    await send({"type": "http.response.start", "status": 200, "headers": []})
    await send({"type": "http.response.body", "body": text})


async def ask(path="/v1/models", method="GET", key=b"", *, unix=False, peer="127.0.0.1", front=None, **headers):
    front = front or Front(Guard(other, "token"), models, key)

    async def app(scope, receive, send):
        server = ("/run/x.sock", None) if unix else ("127.0.0.1", 8080)
        client = (peer, 50_000) if peer else None
        await front({**scope, "server": server, "client": client}, receive, send)

    async with httpx2.AsyncClient(transport=httpx2.ASGITransport(app=app), base_url="http://127.0.0.1:8080") as client:
        return await client.request(
            method, path, headers={name.replace("_", "-"): text for name, text in headers.items()}
        )


async def test_models_are_open_on_this_machine_and_the_rest_is_the_operators_own():
    assert (await ask()).text == "models"
    assert (await ask(method="POST", path="/v1/chat/completions")).text == "models"
    assert (await ask(path="/api/slots")).text == "api"
    assert (await ask(path="/v1")).text == "api"


async def test_a_foreign_host_and_a_page_of_another_origin_are_refused():
    assert (await ask(Host="evil.example")).status_code == 403
    assert (await ask(method="POST", Origin="http://evil.example")).status_code == 403
    assert (await ask(method="POST", Sec_Fetch_Site="cross-site")).status_code == 403
    assert (await ask(method="POST", Origin="http://127.0.0.1:8080")).text == "models"


async def test_the_key_of_the_gateway_goes_no_further_and_one_of_a_container_does():
    assert (await ask(key=b"sesame", Authorization="Bearer sesame")).text == "models"
    assert (await ask(key=b"sesame", unix=True, Authorization="Bearer sesame")).text == "models"
    assert (await ask(Authorization="Bearer theirs")).text == "models with Bearer theirs"


async def test_a_key_closes_them_but_for_the_socket_file():
    refused = await ask(key=b"sesame")
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "auth.key_invalid")
    assert (await ask(key=b"sesame", Authorization="Bearer wrong")).status_code == 401
    assert (await ask(key=b"sesame", Authorization="Bearer sesame")).text == "models"
    assert (await ask(key=b"sesame", unix=True)).text == "models"


@pytest.mark.parametrize("peer", ["127.0.0.1", "127.8.9.10", "::1", "::ffff:127.0.0.1", "::ffff:127.8.9.10"])
async def test_without_a_key_models_are_open_over_loopback(peer):
    assert (await ask(peer=peer)).text == "models"
    assert (await ask(peer=peer, method="POST", path="/v1/chat/completions")).text == "models"


@pytest.mark.parametrize(
    "peer",
    ["192.168.1.7", "10.88.0.2", "::ffff:192.168.1.7", "fe80::1%eth0", "2001:db8::1", "0.0.0.0", "", "localhost"],
)
async def test_without_a_key_models_are_closed_to_every_other_machine(peer):
    refused = await ask(peer=peer)
    assert (refused.status_code, refused.json()["error"]["code"]) == (401, "auth.key_missing")
    assert refused.headers["www-authenticate"] == "Bearer"
    assert "api_key_file" in refused.json()["error"]["message"]
    assert (
        await ask(peer=peer, method="POST", path="/v1/chat/completions", Authorization="Bearer x")
    ).status_code == 401
    assert (await ask(peer=peer, key=b"sesame", Authorization="Bearer sesame")).text == "models"
    assert (await ask(peer=peer, unix=True)).text == "models"
    assert (await ask(peer=peer, path="/api/slots")).text == "api"


async def test_what_was_let_in_once_opens_nothing_for_others():
    front = Front(Guard(other, "token"), models, b"")
    plain, foreign = {"Host": "127.0.0.1:8080"}, {"Host": "evil.example"}
    for headers, status in (
        (plain, 200),
        (foreign, 403),
        (plain | {"Origin": "http://evil.example"}, 403),
        (plain | {"Sec-Fetch-Site": "cross-site"}, 403),
        (foreign, 403),
        (plain, 200),
    ):
        assert (await ask(method="POST", front=front, **headers)).status_code == status


async def test_hosts_that_are_remembered_have_a_bound():
    front = Front(Guard(other, "token"), models, b"")
    for port in range(1, 3 * PLAIN):
        assert (await ask(front=front, Host=f"127.0.0.1:{port}")).status_code == 200
    assert len(front._plain) == PLAIN
