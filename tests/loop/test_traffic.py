"""Requests hold a removal up, and load slots on demand, through the real drive."""

import anyio
import pytest

from hal0_operator.model import action as a
from hal0_operator.model.facts import HostFacts
from hal0_operator.model.probe import ProbeResult
from hal0_operator.routing.endpoints import ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import LOAD_FIRST, Route, route
from hal0_operator.routing.standing import Standing
from hal0_operator.seams.podman import Cancel
from tests.loop.asked import Whole, play
from tests.sim.home import Want

SOON = Want(port=8101, on_demand=True, idle=3600)


def test_a_slot_on_demand_is_idle_until_a_request_wakes_it() -> None:
    async def script(whole: Whole) -> None:
        await whole.drive.quiet()
        found = whole.traffic.stands("chat")
        assert (found.phase, found.container, found.wakes) == ("Idle", "", True)
        assert whole.container("chat") == ""
        woken = await whole.traffic.wake("chat")
        assert isinstance(woken, Standing)
        assert woken == Standing(phase="Ready", container=whole.container("chat"), port=8101)

    play({"chat": SOON}, script)


def test_it_goes_when_its_time_is_over_and_comes_back_with_the_next_request() -> None:
    async def script(whole: Whole) -> None:
        first = await whole.traffic.wake("chat")
        assert isinstance(first, Standing)
        whole.traffic.began("chat", first.container)
        whole.edit("chat", Want(port=8101, on_demand=True, idle=1))
        whole.traffic.ended("chat", first.container)
        await whole.until(lambda: whole.traffic.stands("chat").phase == "Idle")
        await whole.until(lambda: whole.container("chat") == "")
        again = await whole.traffic.wake("chat")
        assert isinstance(again, Standing)
        assert again.container not in ("", first.container)

    play({"chat": SOON}, script)


def test_two_requests_wake_a_slot_once() -> None:
    async def script(whole: Whole) -> None:
        woken: list[Standing | Failure] = []

        async def ask() -> None:
            woken.append(await whole.traffic.wake("chat"))

        async with anyio.create_task_group() as tasks:
            tasks.start_soon(ask)
            tasks.start_soon(ask)
        assert woken[0] == woken[1]
        assert whole.turns._made == 1

    play({"chat": SOON}, script)


def loading(effect: a.Effect) -> a.Outcome | None:
    return a.Probed(ProbeResult("loading", "503")) if isinstance(effect, a.Probe) else None


async def counted(whole: Whole, requests: int) -> None:
    """Return once so many requests are demand for the slot."""
    with anyio.fail_after(30):
        while whole.traffic._demand._in_flight.get("chat", 0) != requests:
            await anyio.sleep(0)


def test_whoever_comes_while_an_image_is_fetched_waits_like_the_first_and_is_demand_like_it() -> None:
    there = anyio.Event()

    async def script(whole: Whole) -> None:
        woken: list[Standing | Failure] = []
        usual = whole.drive.hands.perform

        async def fetching(effect: a.Effect, cancel: list[Cancel]) -> a.Outcome:
            if isinstance(effect, a.Pull):
                await there.wait()
            return await usual(effect, cancel)

        whole.drive.hands.perform = fetching

        async def ask() -> None:
            found = route(whole.traffic.directory(), whole.traffic.stands, ENDPOINTS["/v1/chat/completions"], None)
            assert isinstance(found, Route)
            assert found.wake
            woken.append(await whole.traffic.wake("chat"))

        async with anyio.create_task_group() as tasks:
            first = anyio.CancelScope()

            async def goes() -> None:
                with first:
                    await ask()

            tasks.start_soon(goes)
            await whole.until(lambda: whole.traffic.stands("chat").phase == "Pulling")
            tasks.start_soon(ask)
            await counted(whole, 2)
            first.cancel()
            await counted(whole, 1)
            whole.turns.images["localhost/dev:1"] = "i9"
            there.set()
        assert [isinstance(found, Standing) for found in woken] == [True]

    play({"chat": Want(port=8101, profile="dev", on_demand=True, idle=3600)}, script)


def test_an_image_that_cannot_be_fetched_is_said_at_once_and_when_it_is_tried_again() -> None:
    def answer(effect: a.Effect) -> a.Outcome | None:
        return a.Fault("pull_failed", "manifest unknown") if isinstance(effect, a.Pull) else None

    async def script(whole: Whole) -> None:
        with anyio.fail_after(30):
            found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert (found.status, found.code, found.details["phase"]) == (503, "slot.not_ready", "Pulling")
        assert "manifest unknown; tried again at " in found.message
        assert found.retry_s is not None

    play({"chat": Want(port=8101, profile="dev", on_demand=True, idle=3600)}, script, answer)


def test_a_client_that_goes_away_while_it_waits_counts_as_one_whose_request_ended() -> None:
    async def script(whole: Whole) -> None:
        async with anyio.create_task_group() as tasks:
            tasks.start_soon(whole.traffic.wake, "chat")
            await whole.until(lambda: whole.container("chat") != "")
            tasks.cancel_scope.cancel()
        assert whole.traffic._demand._in_flight == {}
        assert "chat" not in whole.core.aims.wishes.idle, "it is loaded for whoever asks again"

    play({"chat": SOON}, script, loading)


def test_a_start_that_takes_too_long_is_waited_for_no_longer_than_its_deadline() -> None:
    async def script(whole: Whole) -> None:
        with anyio.fail_after(30):
            found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert (found.status, found.code) == (503, "slot.not_ready")
        assert "start-up deadline" in found.message

    play({"chat": Want(port=8101, on_demand=True, timeout=1)}, script, loading)


def test_a_model_that_is_not_there_is_said_at_once() -> None:
    def answer(effect: a.Effect) -> a.Outcome | None:
        missing = HostFacts(problem="ModelMissing", message="no model m below /models")
        return a.Checked(missing) if isinstance(effect, a.Check) else None

    async def script(whole: Whole) -> None:
        with anyio.fail_after(30):
            found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert (found.code, found.retry_s) == ("slot.not_ready", None)
        assert "no model m below /models" in found.message

    play({"chat": SOON}, script, answer)


def test_a_program_that_crashes_is_not_waited_for_after_the_second_time() -> None:
    def answer(effect: a.Effect) -> a.Outcome | None:
        return a.Fault("limits", "no memory") if isinstance(effect, a.Start) else None

    async def script(whole: Whole) -> None:
        with anyio.fail_after(30):
            found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert found.code == "slot.not_ready"
        assert "CrashLoop" in found.message
        assert found.retry_s is not None

    play({"chat": SOON}, script, answer)


def test_earlier_crashes_turn_nobody_away_while_nothing_is_in_the_way() -> None:
    async def script(whole: Whole) -> None:
        whole.core.state("chat").exits = 4
        assert isinstance(await whole.traffic.wake("chat"), Standing)

    play({"chat": SOON}, script)


def test_who_asks_for_a_slot_that_was_never_admitted_is_told_why() -> None:
    async def script(whole: Whole) -> None:
        whole.refused = "bad"
        whole.turns.home.slot("bad", "nonesuch = 7\n")
        whole.turns.edit()
        whole.statuses.stale(None)
        found = route(whole.traffic.directory(), whole.traffic.stands, ENDPOINTS["/v1/chat/completions"], "bad")
        assert isinstance(found, Failure)
        assert (found.status, found.code) == (503, "slot.denied")

    play({"chat": SOON}, script)


@pytest.mark.parametrize(
    ("text", "place"), [('devcie = "cpu"\n', "slots/bad.toml:1:1: "), ('device = "cpu\n', "slots/bad.toml:1:")]
)
def test_who_asks_for_a_slot_whose_file_cannot_be_read_is_told_code_and_place(text: str, place: str) -> None:
    async def script(whole: Whole) -> None:
        whole.turns.home.slot("bad", text)
        whole.turns.edit()
        whole.statuses.stale(None)
        for path in ("/v1/chat/completions", "/v1/embeddings"):
            found = route(whole.traffic.directory(), whole.traffic.stands, ENDPOINTS[path], "bad")
            assert isinstance(found, Failure)
            assert (found.status, found.code) == (503, "slot.denied")
            assert found.details["phase"] == "Denied"
            assert place in found.message
            assert found.message.startswith("slot bad is denied: slot.")
        assert set(whole.traffic.directory().slots) == {"bad", "chat"}
        whole.edit("bad", Want(port=8102))
        assert not whole.traffic.directory().slots["bad"].denied

    play({"chat": SOON}, script)


def test_a_slot_that_is_off_is_woken_by_nobody() -> None:
    async def script(whole: Whole) -> None:
        found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert found.code == "slot.disabled"
        assert whole.container("chat") == ""

    play({"chat": Want(port=8101, enabled=False, on_demand=True)}, script)


def test_the_npu_is_not_idle_while_a_record_is_on_and_is_once_it_is_off() -> None:
    chat = Want(port=8110, device="npu", profile="flm", model="gemma3:1b", on_demand=True, idle=3600)
    record = Want(device="npu", profile="flm", model="whisper", type="transcription")

    async def script(whole: Whole) -> None:
        await whole.drive.quiet()
        assert not whole.traffic.stands("npu").wakes
        assert whole.core.aims.targets["npu"].wanted
        whole.edit("stt", Want(device="npu", profile="flm", model="whisper", type="transcription", enabled=False))
        assert whole.container("npu") != ""
        assert whole.core.aims.targets["npu"].wanted, "it runs: from now on its own time counts"

    play({"npu": chat, "stt": record}, script)


def test_the_refusal_of_the_npus_chat_slot_says_what_to_do() -> None:
    def answer(effect: a.Effect) -> a.Outcome | None:
        missing = HostFacts(problem="DeviceMissing", message="no /dev/accel/accel9")
        return a.Checked(missing) if isinstance(effect, a.Check) else None

    async def script(whole: Whole) -> None:
        found = await whole.traffic.wake("npu")
        assert isinstance(found, Failure)
        assert found.code == "npu.trio_unavailable"
        assert LOAD_FIRST in found.message

    play({"npu": Want(port=8110, device="npu", profile="flm", model="gemma3:1b", on_demand=True)}, script, answer)


def test_a_swap_waits_for_the_last_request_and_then_goes_at_once() -> None:
    async def script(whole: Whole) -> None:
        await whole.until(lambda: whole.traffic.stands("chat").container != "")
        old = whole.container("chat")
        whole.traffic.began("chat", old)
        whole.traffic.began("chat", old)
        whole.edit("chat", Want(port=8101, context=8192))
        await whole.until(lambda: whole.core.draining("chat"))
        found = whole.traffic.stands("chat")
        assert (found.phase, found.container, found.keeps(old)) == ("Starting", "", True)
        assert found.why == "hal0-chat is being replaced, and waits for 2 requests that are under way"
        assert found.retry_s is not None
        whole.traffic.ended("chat", old)
        await whole.drive.quiet()
        assert whole.container("chat") == old
        whole.traffic.ended("chat", old)
        await whole.until(lambda: whole.traffic.stands("chat").container not in ("", old))
        assert (whole.core.flights, whole.traffic._counts) == ({}, {})

    play({"chat": Want(port=8101)}, script)


def test_the_directory_is_made_anew_only_when_a_target_changed() -> None:
    async def script(whole: Whole) -> None:
        before = whole.traffic.directory()
        assert whole.traffic.directory() is before
        assert set(before.slots) == {"chat"}
        whole.edit("code", Want(port=8102))
        assert set(whole.traffic.directory().slots) == {"chat", "code"}

    play({"chat": Want(port=8101)}, script)
