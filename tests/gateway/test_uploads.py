"""Multipart bodies: through in flat memory, whatever their size, with the model that is meant."""

import asyncio
import contextlib
import tracemalloc
from collections.abc import Iterator

import pytest

from tests.gateway.fakes import FORM, SPEECH_TO_TEXT, form

pytestmark = pytest.mark.anyio

MIB = 1 << 20
BLOCK = bytes(range(256)) * 256


async def upload(caller, body, **headers):
    await caller.ask(SPEECH_TO_TEXT, body, Content_Type=FORM, **headers)


async def send_blocks(caller, before, blocks, after):
    """A file of ``blocks`` times 64 KiB, without ever holding more than one."""
    length = len(before) + len(after) + blocks * len(BLOCK)
    await caller.ask(SPEECH_TO_TEXT, before, Content_Type=FORM, Content_Length=str(length))
    for _ in range(blocks):
        await caller.send(BLOCK)
    await caller.send(after)


def around(*parts):
    """What comes before and after the contents of the file."""
    before, after = form(*parts).split(b"@@")
    return before, after


async def same(taken, before, blocks, after):
    """Read a body and compare it as it comes."""
    assert await taken.reader.readexactly(len(before)) == before
    for _ in range(blocks):
        assert await taken.reader.readexactly(len(BLOCK)) == BLOCK
    assert await taken.reader.readexactly(len(after)) == after


@contextlib.contextmanager
def flat_memory() -> Iterator[None]:
    """What is allocated while the block runs comes to a few MiB at most."""
    tracemalloc.start()
    try:
        yield
        assert tracemalloc.get_traced_memory()[1] < 8 * MIB
    finally:
        tracemalloc.stop()


@pytest.mark.parametrize(("mebibytes", "slot"), [(20, "stt"), (100, "stt"), (20, "npu-stt")])
async def test_an_upload_goes_through_as_it_is_and_in_flat_memory(ground, mebibytes, slot):
    before, after = around(("model", slot.encode()), ("file", b"@@"), ("language", b"de"))
    caller = await ground.caller()
    with flat_memory():
        sending = asyncio.create_task(send_blocks(caller, before, mebibytes * 16, after))
        taken = await (ground.server if slot == "stt" else ground.npu).next()
        before = before.replace(b"npu-stt", b"whisper-v3:turbo")
        assert taken.headers["content-length"] == str(len(before) + len(after) + mebibytes * MIB)
        await same(taken, before, mebibytes * 16, after)
        await sending
    await taken.answer()
    assert await caller.answer() == {}


@pytest.mark.parametrize("extra", [(), (("stream", b"true"),)])
async def test_a_model_before_the_file_routes_and_becomes_the_servers_own(ground, extra):
    caller = await ground.caller()
    sent = form(*extra, ("model", b"npu-stt"), ("file", b"abc"))
    await upload(caller, sent)
    taken = await ground.npu.next()
    assert await taken.body() == form(*extra, ("model", b"whisper-v3:turbo"), ("file", b"abc"))
    await taken.answer()
    assert await caller.answer() == {}
    assert ground.slots.log == [("began", "agent", "id-npu"), ("ended", "agent", "id-npu")]
    assert list(ground.gateway.counters.requests) == [("npu-stt", SPEECH_TO_TEXT, "200")]


async def test_a_model_after_a_small_file_routes_too(ground):
    caller = await ground.caller()
    await upload(caller, form(("file", b"abc" * 1000), ("model", b"npu-stt")))
    taken = await ground.npu.next()
    assert await taken.body() == form(("file", b"abc" * 1000), ("model", b"whisper-v3:turbo"))
    await taken.answer()


@pytest.mark.parametrize("model", [b"stt", b"stt-model", b"hal0/stt"])
async def test_a_model_after_a_large_file_may_name_the_slot_that_was_chosen_without_it(ground, model):
    before, after = around(("file", b"@@"), ("model", model))
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, 20, after))
    taken = await ground.server.next()
    await same(taken, before, 20, after)
    await sending
    await taken.answer()
    assert await caller.answer() == {}


async def test_a_model_after_a_large_file_is_replaced_as_it_passes(ground):
    del ground.slots.known["stt"]
    before, after = around(("file", b"@@"), ("model", b"npu-stt"), ("language", b"de"))
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, 20, after))
    taken = await ground.npu.next()
    after = after.replace(b"npu-stt", b"whisper-v3:turbo")
    assert taken.headers["content-length"] == str(len(before) + len(after) + 20 * len(BLOCK))
    await same(taken, before, 20, after)
    await sending
    await taken.answer()
    assert await caller.answer() == {}


@pytest.mark.parametrize(
    ("model", "told"),
    [(b"npu-stt", (400, "request.invalid")), (b"chat", (400, "request.invalid")), (b"nobody", (404, "slot.unknown"))],
)
async def test_a_model_after_a_large_file_that_is_another_one_ends_the_upload(ground, model, told):
    before, after = around(("file", b"@@"), ("model", model))
    caller = await ground.caller()
    sending = asyncio.create_task(send_blocks(caller, before, 20, after))
    taken = await ground.server.next()
    await taken.gone()
    assert await caller.error() == told
    await sending
    assert ground.idle()


async def test_a_second_model_is_refused(ground):
    caller = await ground.caller()
    await upload(caller, form(("model", b"stt"), ("model", b"npu-stt"), ("file", b"a")))
    assert await caller.error() == (400, "request.invalid")
    before, after = around(("model", b"stt"), ("file", b"@@"), ("model", b"stt"))
    caller = await ground.caller()
    await send_blocks(caller, before, 20, after)
    await (await ground.server.next()).gone()
    assert await caller.error() == (400, "request.invalid")


@pytest.mark.parametrize("kind", ["application/json", "multipart/form-data", "text/plain; boundary=x"])
async def test_a_body_without_parts_is_refused(ground, kind):
    caller = await ground.caller()
    await caller.ask(SPEECH_TO_TEXT, b"{}", Content_Type=kind)
    assert await caller.error() == (400, "request.invalid")


async def test_an_upload_that_is_too_large_is_refused_by_its_word_or_by_its_bytes(made):
    async with made(multipart=MIB) as ground:
        caller = await ground.caller()
        await upload(caller, b"", Content_Length=str(MIB + 1))
        assert await caller.error() == (413, "request.invalid")
        caller = await ground.caller()
        await caller.send(
            f"POST {SPEECH_TO_TEXT} HTTP/1.1\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
        )
        body = form(("model", b"stt"), ("file", b"a" * (2 * MIB)))
        sending = asyncio.create_task(caller.send(b"%x\r\n%b\r\n0\r\n\r\n" % (len(body), body)))
        taken = await ground.server.next()
        await taken.gone()
        assert await caller.error() == (413, "request.invalid")
        await asyncio.gather(sending, return_exceptions=True)


async def test_a_client_that_sends_chunks_is_passed_on_in_chunks(ground):
    caller = await ground.caller()
    body = form(("model", b"npu-stt"), ("file", b"abc"))
    await caller.send(
        f"POST {SPEECH_TO_TEXT} HTTP/1.1\r\nContent-Type: {FORM}\r\nTransfer-Encoding: chunked\r\n\r\n".encode()
    )
    for at in range(0, len(body), 7):
        await caller.send(b"%x\r\n%b\r\n" % (len(body[at : at + 7]), body[at : at + 7]))
    await caller.send(b"0\r\n\r\n")
    taken = await ground.npu.next()
    assert await taken.body() == body.replace(b"npu-stt", b"whisper-v3:turbo")
    await taken.answer()
    assert await caller.answer() == {}


async def test_an_answer_before_the_upload_ends_is_passed_on_and_its_connection_not_used_again(ground):
    before, after = around(("model", b"stt"), ("file", b"@@"))
    caller = await ground.caller()
    length = str(len(before) + len(after) + 10 * len(BLOCK))
    await caller.ask(SPEECH_TO_TEXT, before + BLOCK, Content_Type=FORM, Content_Length=length)
    taken = await ground.server.next()
    await taken.send(b"HTTP/1.1 400 No\r\nContent-Length: 2\r\n\r\n{}")
    assert await caller.answer() == {}
    for _ in range(9):
        await caller.send(BLOCK)
    await caller.send(after)
    await caller.ask()
    again = await ground.server.next()
    assert again.reader is not taken.reader
    await again.answer()
    assert await caller.answer() == {}


async def test_a_refusal_is_not_lost_to_the_reset_that_follows_it(ground):
    """A server that answers and closes with bytes of the upload unread, again and again."""
    before, after = around(("model", b"stt"), ("file", b"@@"))
    for _ in range(100):
        caller = await ground.caller()
        sending = asyncio.create_task(send_blocks(caller, before, 40, after))
        taken = await ground.server.next()
        await taken.send(b"HTTP/1.1 413 Too Large\r\nContent-Length: 2\r\n\r\n{}")
        taken.writer.close()
        assert await caller.head() == 413
        await sending
        caller.leave()


async def test_an_upload_that_neither_goes_on_nor_ends_gives_its_place_up(made):
    async with made(stall_s=0.05) as ground:
        caller = await ground.caller()
        body = form(("model", b"npu-stt"), ("file", b"a" * 300_000))
        await upload(caller, body[:290_000], Content_Length=str(len(body)))
        assert await caller.error() == (400, "request.invalid")
        body = form(("model", b"stt"), ("file", b"a" * 300_000))
        caller = await ground.caller()
        await upload(caller, body[:290_000], Content_Length=str(len(body)))
        await (await ground.server.next()).gone()
        assert await caller.error() == (400, "request.invalid")
        assert ground.idle()
        assert ground.npu.taken.empty()


async def test_a_server_that_takes_nothing_of_an_upload_is_a_gateway_timeout(made):
    async with made(stall_s=0.5) as ground:
        before, after = around(("model", b"stt"), ("file", b"@@"))
        caller = await ground.caller()
        sending = asyncio.create_task(send_blocks(caller, before, 400, after))
        taken = await ground.server.next()
        assert await caller.error() == (504, "upstream.failed")
        taken.die()
        await sending
