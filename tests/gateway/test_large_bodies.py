"""Bodies that are large, or made to be slow: one request's does not keep the others waiting."""

import asyncio
import json
import time

import pytest

from hal0_operator.gateway.bodies import AT_ONCE, with_model
from hal0_operator.gateway.faults import Refused
from hal0_operator.gateway.request import Whole
from tests.gateway.fakes import CHAT

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
