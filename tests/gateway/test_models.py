"""One entry of the list of models, as the official clients retrieve it."""

import pytest

pytestmark = pytest.mark.anyio

ENTRY = {"id": "npu-stt", "object": "model", "created": 0, "owned_by": "hal0"}


@pytest.mark.parametrize("named", ["npu-stt", "hal0/npu-stt", "hal0%2Fnpu-stt"])
async def test_the_entry_of_a_slot_is_that_of_the_list(ground, named):
    caller = await ground.caller()
    await caller.ask(f"/v1/models/{named}", b"", method="GET")
    assert await caller.answer() == ENTRY
    await caller.ask(f"/v1/models/{named}", b"", method="HEAD")
    assert await caller.head() == 200
    await caller.ask("/v1/models", b"", method="GET")
    assert ENTRY in (await caller.answer())["data"]
    assert ground.gateway.counters.requests == {("", "/v1/models", "200"): 3}


@pytest.mark.parametrize("named", ["nobody-knows", "hal0/nobody-knows", "npu-stt/more", "NPU-STT", "hal0/", ""])
async def test_a_name_that_no_slot_has_is_unknown_and_becomes_no_label(ground, named):
    caller = await ground.caller()
    await caller.ask(f"/v1/models/{named}", b"", method="GET")
    assert await caller.error() == (404, "slot.unknown")
    assert ground.gateway.counters.requests == {("", "/v1/models", "404"): 1}


async def test_an_entry_is_only_looked_at(ground):
    caller = await ground.caller()
    for method in ("POST", "DELETE"):
        await caller.ask("/v1/models/chat", b"", method=method)
        assert await caller.error() == (405, "request.method")
        assert caller.headers["allow"] == "GET, HEAD"
