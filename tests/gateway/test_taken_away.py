"""Answers that end early since the operator took their container away: nobody blames the model."""

import msgspec
import pytest

from tests.gateway.fakes import begun_stream

pytestmark = pytest.mark.anyio

CUT = "it closed the connection before its answer was whole"
REPLACED = {"phase": "Starting", "why": "hal0-chat is being replaced"}


@pytest.mark.parametrize(
    ("stands", "reason"),
    [
        (REPLACED, f"{CUT} (hal0-chat is being replaced)"),
        ({**REPLACED, "drains": "id-chat"}, CUT),
        ({"port": 1, "container": "id-new"}, f"{CUT} (there is another container now)"),
    ],
)
async def test_an_answer_that_is_cut_since_its_container_was_taken_away_says_so(ground, stands, reason):
    caller, taken = await begun_stream(ground)
    ground.slots.stand("chat", **stands)
    taken.die()
    error = msgspec.json.decode((await caller.body()).strip().removeprefix(b"data: "))["error"]
    assert (error["code"], error["details"]["reason"]) == ("upstream.failed", reason)
    assert error["message"] == f"slot chat did not answer: {reason}"


async def test_one_whose_container_was_taken_away_before_it_answered_may_come_again(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    ground.slots.stand("chat", **REPLACED)
    taken.die()
    error = (await caller.answer())["error"]
    assert (caller.status, error["code"], caller.headers["retry-after"]) == (503, "slot.not_ready", "1")
    assert "(hal0-chat is being replaced)" in error["message"]
