"""What is answered without a container, what is refused, and which model a container is asked for."""

import asyncio

import pytest

from hal0_operator.routing.failure import Failure
from tests.gateway.fakes import CHAT

pytestmark = pytest.mark.anyio


async def test_the_models_are_the_slots_and_every_one_of_them_is_accepted(ground):
    caller = await ground.caller()
    await caller.ask("/v1/models", b"", method="GET")
    listed = await caller.answer()
    assert listed["object"] == "list"
    assert listed["data"][0] == {"id": "agent", "object": "model", "created": 0, "owned_by": "hal0"}
    assert [model["id"] for model in listed["data"]] == ["agent", "chat", "embed", "npu-stt", "stt", "tts"]
    await caller.ask("/v1/models", b"", method="HEAD")
    assert await caller.head() == 200
    for path, slot in ((CHAT, "chat"), ("/v1/embeddings", "embed"), ("/v1/audio/speech", "tts")):
        await caller.ask(path, {"model": slot})
        await (await ground.server.next()).answer()
        assert await caller.answer() == {}


@pytest.mark.parametrize(
    ("method", "path", "told"),
    [
        ("GET", CHAT, (405, "request.method")),
        ("POST", "/v1/models", (405, "request.method")),
        ("POST", "/v1/images/generations", (501, "request.not_implemented")),
        ("POST", "/v1/nothing", (404, "request.not_found")),
        ("POST", CHAT + "/", (404, "request.not_found")),
    ],
)
async def test_what_is_not_there(ground, method, path, told):
    caller = await ground.caller()
    await caller.ask(path, method=method)
    assert await caller.error() == told
    if told[0] == 405:
        assert caller.headers["allow"]
    await caller.ask("/v1/models", b"", method="GET")
    assert await caller.head() == 200


@pytest.mark.parametrize(
    "body", [b"", b"{", b"[]", b'{"model": 5}', b'{"a": "\xff}', b"{} {}", b'{"a":' + b"[" * 100_000, b'"model"']
)
async def test_a_body_that_is_no_object_is_refused(ground, body):
    caller = await ground.caller()
    await caller.ask(body=body)
    assert await caller.error() == (400, "request.invalid")
    assert ground.gateway.counters.requests == {("", CHAT, "400"): 1}


async def test_a_name_that_a_client_sent_is_no_label(ground):
    caller = await ground.caller()
    await caller.ask(body={"model": "nobody-knows"})
    assert await caller.error() == (404, "slot.unknown")
    assert ground.gateway.counters.requests == {("", CHAT, "404"): 1}


async def test_bodies_that_are_too_large_are_refused_by_their_word_or_by_their_bytes(made):
    async with made(json=1 << 16) as ground:
        caller = await ground.caller()
        await caller.ask(body=b"{}", Content_Length=str((1 << 16) + 1))
        assert await caller.error() == (413, "request.invalid")
        caller = await ground.caller()
        await caller.ask(body=b"%x\r\n%b\r\n" % (70_000, b" " * 70_000), Transfer_Encoding="chunked", Content_Length="")
        assert await caller.head() in (400, 413)


async def test_flm_is_asked_for_its_own_model_and_nothing_else_of_the_body_changes(ground):
    caller = await ground.caller()
    for sent, got in (
        (b'{ "model" : "agent" , "n": 1.50}', b'{ "model" : "gemma3:4b" , "n": 1.50}'),
        (b'{"a": {"model": "agent"}, "model": "hal0/agent"}', b'{"a": {"model": "agent"}, "model": "gemma3:4b"}'),
    ):
        await caller.ask(body=sent)
        taken = await ground.npu.next()
        assert await taken.body() == got
        await taken.answer()
        await caller.answer()


@pytest.mark.parametrize("name", ["Upgrade", "upgrade", "UPGRADE"])
async def test_another_protocol_that_is_offered_is_not_spoken_and_costs_nothing(ground, name):
    """As curl and others offer HTTP/2 with a body that is meant for either."""
    caller = await ground.caller()
    for _ in range(2):
        offer = {"Connection": "Upgrade, HTTP2-Settings", name: "h2c", "HTTP2-Settings": "AAMAAABkAAQAoAAA"}
        await caller.ask(body={"prompt": "\r\nUpgrade: "}, **offer)
        taken = await ground.server.next()
        assert await taken.body() == b'{"prompt":"\\r\\nUpgrade: "}'
        assert not {"upgrade", "http2-settings", "connection"} & {key.lower() for key in taken.headers}
        await taken.answer()
        assert await caller.answer() == {}


async def test_what_follows_a_chunked_body_joins_no_head(ground):
    caller = await ground.caller()
    head = f"POST {CHAT} HTTP/1.1\r\nHost: x\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    await caller.send(head + b"2\r\n{}\r\n0\r\nHost: elsewhere\r\nX-Late: yes\r\n\r\n")
    taken = await ground.server.next()
    assert "x-late" not in taken.headers
    assert await taken.body() == b"{}"
    await taken.answer()
    assert await caller.answer() == {}


async def test_the_query_goes_along(ground):
    caller = await ground.caller()
    await caller.ask(f"{CHAT}?a=1&b=%20")
    taken = await ground.server.next()
    assert taken.line == f"POST {CHAT}?a=1&b=%20 HTTP/1.1"
    await taken.answer()


async def test_a_request_starts_an_idle_slot_and_goes_there(ground):
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask()
    woken = await ground.slots.wakes.get()
    ground.slots.stand("chat", ground.server.port, "id-new")
    woken.set_result(ground.slots.standing["chat"])
    await (await ground.server.next()).answer()
    assert await caller.answer() == {}
    assert ground.slots.log == [("began", "chat", "id-new"), ("ended", "chat", "id-new")]


async def test_a_start_that_fails_is_told(ground):
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask()
    (await ground.slots.wakes.get()).set_result(Failure(503, "slot.not_ready", "no", retry_s=2.5))
    assert await caller.error() == (503, "slot.not_ready")
    assert caller.headers["retry-after"] == "3"


async def test_a_start_that_never_leads_anywhere_is_given_up(ground):
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask()
    for _ in range(4):
        (await ground.slots.wakes.get()).set_result(ground.slots.standing["chat"])
    assert await caller.error() == (503, "slot.not_ready")


async def test_a_client_that_goes_while_a_slot_starts_ends_the_waiting(ground):
    ground.slots.stand("chat", phase="Idle", wakes=True)
    caller = await ground.caller()
    await caller.ask()
    woken = await ground.slots.wakes.get()
    caller.leave()
    while not woken.cancelled():
        await asyncio.sleep(0)


async def test_a_body_that_neither_goes_on_nor_ends_is_refused(made):
    async with made(stall_s=0.05) as ground:
        for sent in (b"", b'{"model":'):
            caller = await ground.caller()
            await caller.ask(body=sent, Content_Length="100")
            assert await caller.error() == (400, "request.invalid")
        assert ground.gateway.counters.requests == {("", CHAT, "400"): 2}
