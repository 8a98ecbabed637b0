import base64
import struct

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.gateway.embeddings import asks_base64, in_base64

EMBED = "/v1/embeddings"
FLOATS = st.lists(st.floats(width=32, allow_nan=False, allow_infinity=False))


@given(st.lists(FLOATS, min_size=1))
def test_every_number_comes_back_as_it_was(vectors: list[list[float]]) -> None:
    rows = [{"index": n, "object": "embedding", "embedding": vector} for n, vector in enumerate(vectors)]
    changed = msgspec.json.decode(in_base64(msgspec.json.encode({"data": rows, "model": "m"})))
    assert changed["model"] == "m"
    for row, vector in zip(changed["data"], vectors, strict=True):
        assert list(struct.unpack(f"<{len(vector)}f", base64.b64decode(row["embedding"]))) == vector


@pytest.mark.parametrize(
    "answer",
    [
        b"no json",
        b"[]",
        b'{"data": 7}',
        b'{"data": [{}]}',
        b'{"data": [{"embedding": ["x"]}]}',
        b'{"data": [{"embedding": [1e99]}]}',
        b'{"data": [{"embedding": "AACAPw=="}], "usage" : 1}',
    ],
)
def test_what_is_no_list_of_numbers_stays_as_it_is(answer: bytes) -> None:
    assert in_base64(answer) == answer


@pytest.mark.parametrize(
    ("request_body", "asks"),
    [
        (b'{"encoding_format": "base64"}', True),
        (b'{"encoding_format": "float"}', False),
        (b'{"encoding_format": ["base64"]}', False),
        (b"{}", False),
        (b"\xff", False),
    ],
)
def test_only_who_asks_for_base64_gets_it(request_body: bytes, asks: bool) -> None:
    assert asks_base64(request_body) is asks


@pytest.mark.anyio
async def test_flm_that_knows_numbers_alone_is_translated_and_nothing_else_is(ground) -> None:
    said = b'{"data": [{"embedding": [1.0]}], "usage": {"prompt_tokens": 2}}'
    ground.slots.add(ground.record("npu-embed", "embedding"))
    for model, form, server, told in (
        ("npu-embed", "base64", ground.npu, "AACAPw=="),
        ("npu-embed", "float", ground.npu, [1.0]),
        ("embed", "base64", ground.server, [1.0]),
    ):
        caller = await ground.caller()
        await caller.ask(EMBED, {"model": model, "encoding_format": form})
        await (await server.next()).answer(said)
        assert (await caller.answer())["data"][0]["embedding"] == told
    assert ground.gateway.counters.tokens[("npu-embed", "prompt")] == 4
    await caller.ask(EMBED, {"model": "npu-embed", "encoding_format": "base64"})
    await (await ground.npu.next()).answer(b'{"error": "busy"}', "500 Internal Server Error")
    assert await caller.head() == 500
