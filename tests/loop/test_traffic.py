"""Requests hold a removal up, and load slots on demand, through the real drive."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio

from hal0_operator.host.clock import SystemClock
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.traffic import Traffic
from hal0_operator.model import action as a
from hal0_operator.model.facts import HostFacts
from hal0_operator.model.probe import ProbeResult
from hal0_operator.model.slot import Slot
from hal0_operator.routing.endpoints import ENDPOINTS
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import LOAD_FIRST, route
from hal0_operator.routing.standing import Standing
from hal0_operator.status.facts import AdmissionFacts
from tests.loop.driven import driven
from tests.reconcile.turns import Turns
from tests.sim.home import Home, Want

SOON = Want(port=8101, on_demand=True, idle=3600)
NPU_IMAGE = "ghcr.io/hal0ai/hal0-toolbox-flm:0.9.43"


class Whole:
    """The loop's parts as ``run`` joins them, on a simulated Podman."""

    def __init__(self, wants: dict[str, Want], answer: Callable[[a.Effect], a.Outcome | None]) -> None:
        self.turns = Turns(Home({name: want.text for name, want in wants.items()}), answer=answer)
        self.turns.images[NPU_IMAGE] = "i3"
        self.core = self.turns.core
        self.drive, _ = driven(self.turns)
        clock = SystemClock()
        self.refused = ""
        source = SimpleNamespace(admission_of=self.admission_of)
        self.statuses = Statuses(self.core, source, clock, str)
        self.drive.changed = self.statuses.stale
        self.traffic = Traffic(self.drive, self.statuses, clock)
        self.statuses.stale(None)
        self.traffic.look()

    def admission_of(self, name: str) -> AdmissionFacts:
        slot = Slot(name=name, file=f"slots/{name}.toml", type="llm", device="cpu", profile="stub")
        return AdmissionFacts(slot=slot) if name == self.refused else AdmissionFacts()

    def edit(self, name: str, want: Want) -> None:
        self.turns.home.slot(name, want.text)
        self.turns.edit()
        self.statuses.stale(None)
        self.traffic.look()
        self.drive.wake()

    async def until(self, holds: Callable[[], bool]) -> None:
        with anyio.fail_after(5):
            while True:
                moved = self.statuses.moved()
                if holds():
                    return
                await moved.wait()

    def container(self, slot: str) -> str:
        own = self.core.world.own(slot)
        return own[0].id if own else ""


@asynccontextmanager
async def running(whole: Whole) -> AsyncIterator[None]:
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(whole.drive.run)
        tasks.start_soon(whole.traffic.run)
        await whole.drive.observed()
        yield
        tasks.cancel_scope.cancel()


def play(
    wants: dict[str, Want],
    script: Callable[[Whole], Awaitable[None]],
    answer: Callable[[a.Effect], a.Outcome | None] = lambda _effect: None,
) -> None:
    async def whole() -> None:
        made = Whole(wants, answer)
        async with running(made):
            await script(made)

    anyio.run(whole)


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
        with anyio.fail_after(5):
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
        with anyio.fail_after(5):
            found = await whole.traffic.wake("chat")
        assert isinstance(found, Failure)
        assert (found.code, found.retry_s) == ("slot.not_ready", None)
        assert "no model m below /models" in found.message

    play({"chat": SOON}, script, answer)


def test_a_program_that_crashes_is_not_waited_for_after_the_second_time() -> None:
    def answer(effect: a.Effect) -> a.Outcome | None:
        return a.Fault("limits", "no memory") if isinstance(effect, a.Start) else None

    async def script(whole: Whole) -> None:
        with anyio.fail_after(5):
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
        assert (found.phase, found.container) == ("Ready", "")
        assert "2 requests in flight" in found.why
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
