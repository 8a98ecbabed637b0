"""Bodies that name no model: a server that needs a name gets its own, and any other body goes through untouched."""

import asyncio

import pytest

from tests.gateway.fakes import CHAT, FORM, SPEECH_TO_TEXT, form, listing
from tests.gateway.test_uploads import BLOCK, MIB, around, flat_memory, same, send_blocks, upload

pytestmark = pytest.mark.anyio

TAG = b"whisper-v3:turbo"


@pytest.fixture
def npu(ground):
    """A ground where the only slot for speech is the NPU's record."""
    del ground.slots.known["stt"]
    return ground


async def in_chunks(caller, body):
    head = f"POST {SPEECH_TO_TEXT} HTTP/1.1\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n"
    await caller.send(head.encode())
    for at in range(0, len(body), 7):
        await caller.send(b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]))
    await caller.send(b"0\r\n\r\n")


async def test_a_json_body_gets_the_tag_of_a_server_that_needs_one_and_keeps_every_other_byte(ground):
    caller = await ground.caller()
    del ground.slots.known["chat"]
    await caller.ask(CHAT, b'{ "messages" : [ ] }\n')
    taken = await ground.npu.next()
    assert await taken.body() == b'{"model":"gemma3:4b", "messages" : [ ] }\n'
    await taken.answer()
    assert await caller.answer() == {}


@pytest.mark.parametrize("body", [b'{ "messages" : [ ] }\n', b'{"model": "chat",\t"x": 1}'])
async def test_a_json_body_for_any_other_server_goes_through_untouched(ground, body):
    caller = await ground.caller()
    await caller.ask(CHAT, body)
    taken = await ground.server.next()
    assert await taken.body() == body
    await taken.answer()
    assert await caller.answer() == {}


@pytest.mark.parametrize("sent", [upload, in_chunks])
@pytest.mark.parametrize("parts", [(("file", b"abc"),), (("file", b"--b0undary--"), ("language", b"de")), ()])
async def test_a_form_gets_the_tag_as_its_last_part_with_its_length(npu, sent, parts):
    caller = await npu.caller()
    await sent(caller, form(*parts))
    taken = await npu.npu.next()
    made = form(*parts, ("model", TAG))
    assert taken.headers["content-length"] == str(len(made))
    assert await taken.body() == made
    await taken.answer()
    assert await caller.answer() == {}


async def test_a_blank_model_is_none(npu):
    caller = await npu.caller()
    await upload(caller, form(("model", b" "), ("file", b"abc")))
    taken = await npu.npu.next()
    assert await taken.body() == form(("model", TAG), ("file", b"abc"))
    await taken.answer()


async def test_a_large_form_gets_it_too_in_flat_memory(npu):
    before, after = around(("file", b"@@"), ("language", b"de"))
    caller = await npu.caller()
    with flat_memory():
        sending = asyncio.create_task(send_blocks(caller, before, 20 * 16, after))
        taken = await npu.npu.next()
        after = around(("file", b"@@"), ("language", b"de"), ("model", TAG))[1]
        assert taken.headers["content-length"] == str(len(before) + len(after) + 20 * MIB)
        await same(taken, before, 20 * 16, after)
        await sending
    await taken.answer()
    assert await caller.answer() == {}


async def test_a_large_form_for_a_server_that_takes_it_as_it_comes_goes_in_chunks(ground):
    ground.slots.add(listing("stt", "transcription", upstream_model="whisper-1"), ground.server.port)
    before, after = around(("file", b"@@"))
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, 20, after))
    taken = await ground.server.next()
    assert taken.headers["transfer-encoding"] == "chunked"
    got = await taken.body()
    await sending
    assert got == before + BLOCK * 20 + around(("file", b"@@"), ("model", b"whisper-1"))[1]
    await taken.answer()
    assert await caller.answer() == {}


@pytest.mark.parametrize("blocks", [0, 20])
async def test_a_form_for_any_other_server_goes_through_untouched(ground, blocks):
    before, after = around(("file", b"@@"), ("language", b"de"))
    before, after = b"preamble\r\n" + before, after + b"epilogue \x00\xff"
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, blocks, after))
    taken = await ground.server.next()
    assert taken.headers["content-length"] == str(len(before) + len(after) + blocks * len(BLOCK))
    await same(taken, before, blocks, after)
    await sending
    await taken.answer()
    assert await caller.answer() == {}


async def test_a_form_that_never_closes_is_left_to_the_server(npu):
    caller = await npu.caller()
    body = form(("file", b"abc"))[:-6]
    await upload(caller, body)
    taken = await npu.npu.next()
    assert taken.headers["content-length"] == str(len(body))
    assert await taken.body() == body
    await taken.answer()


async def test_what_was_kept_for_the_npu_goes_to_the_slot_that_it_names_at_its_end(ground):
    """It was all read before the NPU's turn: nothing has been sent to the wrong slot."""
    ground.slots.add(listing("ears", "transcription"), ground.server.port)
    record = {"device": "npu", "is_record": True, "anchor": "agent", "upstream_model": TAG.decode()}
    ground.slots.add(listing("stt", "transcription", "flm", **record))
    before, after = around(("file", b"@@"), ("model", b"ears"))
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, 20, after))
    taken = await ground.server.next()
    await same(taken, before, 20, after)
    await sending
    await taken.answer()
    assert await caller.answer() == {}
    assert ground.npu.taken.empty()


async def test_a_second_model_at_the_end_of_what_was_kept_is_refused_before_the_npu_hears_of_it(npu):
    before, after = around(("model", b"npu-stt"), ("file", b"@@"), ("model", b"npu-stt"))
    caller = await npu.caller()
    await send_blocks(caller, before, 20, after)
    assert await caller.error() == (400, "request.invalid")
    assert npu.npu.taken.empty()
    assert npu.idle()
