"""Bodies that are large, or made to be slow: one request's does not keep the others waiting."""

import asyncio
import json
import time

import pytest

from hal0_operator.gateway.bodies import AT_ONCE, with_model
from hal0_operator.gateway.faults import Refused
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.multipart import PARTS_MOST, Parts
from hal0_operator.gateway.request import Passing, Whole
from tests.gateway.fakes import CHAT, FORM, SPEECH_TO_TEXT, form

pytestmark = pytest.mark.anyio

MIB = 1 << 20
DENSE = {
    "numbers": b"1,",
    "texts": b'"",',
    "escapes": rb'"\"\\",',
    "arrays": b"[],",
    "objects": b'{"a":1},',
    "models": b'{"model":""},',
}


def of(item, size):
    """A body of about that many bytes that asks for the NPU's chat slot."""
    return b'{"model":"agent","x":[' + item * (size // len(item)) + b"1]}"


@pytest.mark.parametrize("item", DENSE.values(), ids=DENSE)
async def test_a_model_is_replaced_in_a_moment_whatever_stands_beside_it(item):
    body = of(item, 2 * MIB)
    began = time.thread_time()
    changed = (await Whole.of(body)).sent_as("gemma3:4b")
    took = time.thread_time() - began
    assert changed == body.replace(b'"agent"', b'"gemma3:4b"')
    assert took < 0.3, f"{took:.2f} s of processor time"


@pytest.mark.parametrize("item", DENSE.values(), ids=DENSE)
async def test_others_have_their_turn_while_a_large_body_is_looked_at(item):
    asking = asyncio.create_task(Whole.of(of(item, 8 * MIB)))
    turns, longest, last = 0, 0.0, time.thread_time()
    while not asking.done():
        await asyncio.sleep(0)
        turns, longest, last = turns + 1, max(longest, time.thread_time() - last), time.thread_time()
    assert (await asking).model == "agent"
    assert turns > 10
    assert longest < 0.02, f"{longest * 1000:.1f} ms of processor time without a turn"


@pytest.mark.parametrize("size", [AT_ONCE - 1000, AT_ONCE + 1000])
@pytest.mark.parametrize(
    ("body", "asked"),
    [
        ({"x": "@", "model": "agent", "stream": True}, ("agent", True)),
        ({"model": "a", "stream": 1, "x": ["@"]}, ("a", False)),
        ({"model": None, "x": {"model": "@", "stream": True}}, (None, False)),
        ({"x": "model", "y": ["@", "model", "stream"]}, (None, False)),
    ],
)
async def test_a_large_body_asks_for_what_a_small_one_asks_for(size, body, asked):
    text = json.dumps(body).replace("@", "a" * size).encode()
    found = await Whole.of(text)
    assert (found.model, found.stream) == asked
    assert json.loads(found.sent_as("tag")) == {**json.loads(text), "model": "tag"}


@pytest.mark.parametrize(
    "body",
    [
        b"[" + b" " * AT_ONCE + b"]",
        b'{"x":"' + b"a" * AT_ONCE,
        b'{"x":["' + b"a" * AT_ONCE + b'"}',
        b'{"model":5,"x":"' + b"a" * AT_ONCE + b'"}',
        b'{"model":{"model":"a"},"x":"' + b"a" * AT_ONCE + b'"}',
        b'{"model":"' + b"a" * (2 * AT_ONCE) + b'"}',
        b'{"x":' + b"[" * AT_ONCE + b"]" * AT_ONCE + b"}",
        b"{" + b'"model":"",' * AT_ONCE + b'"a":1}',
        b"{" + b'"x":{"model":""},' * (2 * AT_ONCE) + b'"x":1}',
    ],
    ids=["no object", "no end", "open", "a number", "an object", "a long model", "deep", "again and again", "many"],
)
async def test_a_large_body_that_cannot_be_taken_is_refused(ground, body):
    caller = await ground.caller()
    await caller.ask(body=body)
    assert await caller.error() == (400, "request.invalid")
    assert ground.gateway.counters.requests == {("", CHAT, "400"): 1}


def test_a_model_that_is_given_again_and_again_is_refused():
    with pytest.raises(Refused):
        with_model(b"{" + b'"model":"a",' * 100 + b'"a":1}', "tag")


@pytest.mark.parametrize("slot", ["stt", "npu-stt"])
@pytest.mark.parametrize("item", [b"\r\n--b0undary\r\n\r\n", b"\r\n--b0undaryX"], ids=["parts", "what looks like one"])
async def test_a_body_of_a_thousand_parts_is_refused_after_the_first_ones(ground, item, slot):
    caller = await ground.caller()
    body = form(("model", slot.encode()), ("file", b"@")).replace(b"@", item * 100_000)
    began = time.thread_time()
    await caller.ask(SPEECH_TO_TEXT, body, Content_Type=FORM)
    assert await caller.error() == (400, "request.invalid")
    assert time.thread_time() - began < 0.5
    assert ground.idle()


class Fast:
    """A client whose body is all there."""

    def __init__(self, *pieces):
        self._pieces = [*pieces, b""]

    async def piece(self):
        return self._pieces.pop(0)


def passing(*pieces):
    return Passing(Fast(*pieces), Parts(b"b0undary"), None, Limits())


async def test_many_parts_that_came_at_once_are_sent_on_at_once():
    body = form(("model", b"stt"), *[("x", b"y")] * (PARTS_MOST - 2))
    whole = passing(body)
    await whole.look()
    assert [piece async for piece in whole.pieces("", str)] == [body]


@pytest.mark.parametrize("stored", [True, False])
async def test_others_have_their_turn_between_the_pieces_of_an_upload(stored):
    body = form(("model", b"stt"), ("file", b"a" * MIB))
    whole = passing(*(body[at : at + 1024] for at in range(0, len(body), 1024)))

    async def sent():
        await whole.look()
        if stored:
            await whole.store()
        return [piece async for piece in whole.pieces("", str)]

    sending, turns = asyncio.create_task(sent()), 0
    while not sending.done():
        await asyncio.sleep(0)
        turns += 1
    assert b"".join(await sending) == body
    whole.close()
    assert turns > 1024
