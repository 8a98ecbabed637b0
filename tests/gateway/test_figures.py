"""What a scrape is told of the gateway."""

import msgspec
import pytest

from hal0_operator.gateway.figures import figures
from tests.gateway.fakes import CHAT, EMBED, FORM, SPEECH_TO_TEXT, form, listing

pytestmark = pytest.mark.anyio

USAGE = b'{"usage": {"prompt_tokens": 3, "completion_tokens": 4}}'


async def served(ground, slot):
    caller = await ground.caller()
    await caller.ask(body={"model": slot})
    await (await ground.server.next()).answer(USAGE)
    await caller.answer()


def labelled(found):
    """The slots that any series is about."""
    every = (found.requests, found.first_byte, found.tokens, found.in_flight, found.cancelled, found.drained)
    return {labels[0] for counts in every for labels in counts} - {""}


async def test_a_slot_that_was_deleted_leaves_no_series_and_one_of_its_name_starts_from_nothing(ground):
    ground.slots.add(listing("util"), ground.server.port)
    for slot in ("util", "chat", "util"):
        await served(ground, slot)
    counters = ground.gateway.counters
    counters.cancelled["util"] = counters.drained["util"] = counters.queued["util"] = 1
    found = figures(ground.gateway, ground.slots)
    assert found.requests["util", CHAT, "200"] == 2
    assert (found.tokens["util", "prompt"], found.first_byte[("util",)][0]) == (6, 2)
    assert labelled(found) == {"util", "chat"}
    listed = ground.slots.known.pop("util")
    found = figures(ground.gateway, ground.slots)
    assert labelled(found) == {"chat"}
    assert counters.queued == {}
    ground.slots.known["util"] = listed
    await served(ground, "util")
    found = figures(ground.gateway, ground.slots)
    assert found.requests["util", CHAT, "200"] == 1
    assert (found.tokens["util", "prompt"], found.first_byte[("util",)][0]) == (3, 1)


async def test_requests_of_no_slot_are_counted_on(ground):
    caller = await ground.caller()
    await caller.ask(body={"model": "nobody"})
    await caller.error()
    for _ in range(2):
        assert figures(ground.gateway, ground.slots).requests == {("", CHAT, "404"): 1}


@pytest.mark.parametrize(
    ("slot", "path", "stands", "code"),
    [
        ("chat", CHAT, {"phase": "Blocked", "why": "no model"}, "503"),
        ("chat", CHAT, {"phase": "Starting", "drains": "id-chat"}, "503"),
        ("chat", CHAT, {"phase": "Denied"}, "503"),
        ("chat", EMBED, {}, "400"),
        ("agent", CHAT, {"phase": "Starting"}, "503"),
        ("npu-stt", SPEECH_TO_TEXT, {"phase": "Starting"}, "503"),
        ("numbers", EMBED, {}, "503"),
    ],
)
async def test_who_is_refused_counts_for_the_slot_or_the_record_that_was_asked_for(ground, slot, path, stands, code):
    ground.slots.add(msgspec.structs.replace(ground.record("numbers", "embedding"), enabled=False))
    ground.slots.stand("agent" if slot == "npu-stt" else slot, **stands)
    caller = await ground.caller()
    if path == SPEECH_TO_TEXT:
        await caller.ask(path, form(("model", slot.encode()), ("file", b"abc")), Content_Type=FORM)
    else:
        await caller.ask(path, {"model": slot})
    assert (await caller.error())[0] == int(code)
    assert figures(ground.gateway, ground.slots).requests == {(slot, path, code): 1}


async def test_a_request_that_outlasts_its_slot_is_neither_shown_nor_miscounted(ground):
    caller = await ground.caller()
    await caller.ask()
    taken = await ground.server.next()
    assert figures(ground.gateway, ground.slots).in_flight == {("chat",): 1}
    listed = ground.slots.known.pop("chat")
    assert figures(ground.gateway, ground.slots).in_flight == {}
    await taken.answer()
    await caller.answer()
    assert labelled(figures(ground.gateway, ground.slots)) == set()
    ground.slots.known["chat"] = listed
    assert ground.gateway.counters.in_flight == {}
