"""A FakeOperator: what the surfaces ask, answered from fields that a test sets."""

import asyncio
from collections.abc import AsyncIterator
from typing import Any

import msgspec

from hal0_operator.changes.wish import Wish
from hal0_operator.home.writer import Written
from hal0_operator.loop.remote import Delivery, SourceFigures
from hal0_operator.loop.view import Change, Figures, Refused, SlotDetail, UnknownSlot
from hal0_operator.model.problem import Position, Problem
from hal0_operator.model.profile import Bench, Profile
from hal0_operator.model.status import (
    Condition,
    ContainerStatus,
    Event,
    FieldDiff,
    HeldSlot,
    Plan,
    PlannedAction,
    SlotStatus,
    SourceStatus,
)
from tests.changes.homes import home, wished

NOW = "2026-01-02T03:04:05Z"


def condition(type: str, status: str = "True", reason: str = "Fine", message: str = "") -> Condition:
    return Condition(type, status, reason, message, NOW, "g1")


def slot(name: str, phase: str = "Ready", **fields: Any) -> SlotStatus:
    """A slot of the GPU that is Ready, or what the fields say."""
    ready = "True" if phase == "Ready" else "False"
    defaults: dict[str, Any] = {
        "name": name,
        "type": "llm",
        "device": "gpu-rocm",
        "backend": "rocm",
        "profile": "rocm",
        "model": "some-model",
        "port": 8081,
        "enabled": True,
        "phase": phase,
        "generation": "1111111111111111",
        "observed_generation": "1111111111111111",
        "container": ContainerStatus("c0ffee" * 10, f"hal0-{name}", "localhost/stub:1", NOW),
        "conditions": (
            condition("Admitted", reason="Admitted"),
            condition("Ready", ready, "Probed" if ready == "True" else phase, "" if ready == "True" else "not yet"),
            condition("Reconciling", "False", "Converged"),
            condition("Stalled", "False", "Converged"),
        ),
    }
    return SlotStatus(**(defaults | fields))


def event(message: str, slot: str = "chat", **fields: Any) -> Event:
    return Event(**({"time": NOW, "type": "Normal", "reason": "Started", "slot": slot, "message": message} | fields))


ROCM = Profile(
    name="rocm",
    image="ghcr.io/hal0ai/toolbox:server",
    flags="-fa on --threads 8",
    mtp=True,
    device_class="gpu",
    backend="rocm",
    intent="agents",
    quant="FP4",
    bench=Bench(tps=52.8),
    seed=True,
)
TTS = Profile(name="tts", image="ghcr.io/hal0ai/kokoro:v1", flags="--model_path {store}/kokoro", device_class="cpu")


class FakeRemote:
    """Notes wishes, and refuses them when told to."""

    def __init__(self) -> None:
        self.wishes: list[tuple[Any, ...]] = []
        self.refusal: Refused | None = None
        self.numbers = SourceFigures()

    def _wish(self, *wish: Any) -> str:
        if self.refusal:
            raise self.refusal
        self.wishes.append(wish)
        return ""

    def sync(self) -> str:
        return self._wish("sync")

    async def synced(self) -> None:
        self._wish("synced")

    def suspend(self, by: str, reason: str) -> str:
        return self._wish("suspend", by, reason)

    def resume(self) -> str:
        return self._wish("resume")

    def rollback(self, revision: str, by: str) -> str:
        self._wish("rollback", revision, by)
        return f"{revision or 'the one before'} comes into force"

    def delivered(self, delivery: Delivery) -> None:
        self._wish("delivered", delivery)

    def figures(self) -> SourceFigures:
        return self.numbers


class FakeOperator:
    """Answers from its fields, notes wishes in ``wishes``, and publishes what a test publishes."""

    def __init__(self, *slots: SlotStatus) -> None:
        self.listed = {status.name: status for status in slots}
        self.past: list[Event] = []
        self.wishes: list[tuple[Any, ...]] = []
        self.refusal: Refused | None = None
        self.bug: Exception | None = None
        self.not_ready = ""
        self.numbers = Figures()
        self.extra: dict[str, Any] = {}
        self.texts: dict[str, str] = {}
        self.lines: tuple[str, ...] = ("one", "two")
        self.found: tuple[Problem, ...] = ()
        self.resumed = ""
        self.restarted = ""
        self.is_settled = True
        self.remote: FakeRemote | None = None
        self.fresh_gate = asyncio.Event()
        self.fresh_gate.set()
        self._followers: set[asyncio.Queue[Any]] = set()
        self.followed = asyncio.Event()
        self.left = asyncio.Event()

    # what a test does

    def put(self, *statuses: SlotStatus) -> None:
        self.listed |= {status.name: status for status in statuses}
        self._publish(None)

    def drop(self, name: str) -> None:
        del self.listed[name]
        self._publish(None)

    def happen(self, happened: Event) -> None:
        self.past.append(happened)
        self._publish(happened)

    def _publish(self, item: Event | None) -> None:
        for queue in self._followers:
            queue.put_nowait(item)

    @property
    def followers(self) -> int:
        return len(self._followers)

    def _subscribe(self) -> asyncio.Queue[Any]:
        queue: asyncio.Queue[Any] = asyncio.Queue()
        self._followers.add(queue)
        self.followed.set()
        return queue

    async def _items(self, events: bool) -> AsyncIterator[Any]:
        queue = self._subscribe()
        try:
            while True:
                item = await queue.get()
                if item is not None or not events:
                    yield item
        finally:
            self._followers.discard(queue)
            self.left.set()

    # the protocol

    def slots(self) -> tuple[SlotStatus, ...]:
        if self.bug:
            raise self.bug
        return tuple(self.listed.values())

    def detail(self, slot: str) -> SlotDetail:
        if slot not in self.listed:
            raise UnknownSlot(f"no slot {slot!r}")
        return SlotDetail(status=self.listed[slot], **self.extra)

    def plan(self) -> Plan:
        return Plan(
            "1111111111111111",
            (PlannedAction("chat", "remove", "swap", (FieldDiff("model", "a", "b"),)),),
            (HeldSlot("code", "PortHeld", "python has port 8082"),),
        )

    def profiles(self) -> dict[str, Profile]:
        return {"tts": TTS, "rocm": ROCM}

    def problems(self) -> tuple[Problem, ...]:
        return self.found

    def source(self) -> SourceStatus:
        return SourceStatus(kind="directory", url="/srv/home", admitted="a1", applied="a1", age_seconds=1.5)

    def events(self) -> tuple[Event, ...]:
        return tuple(self.past)

    def follow(self) -> AsyncIterator[Event]:
        return self._items(events=True)

    def changes(self) -> AsyncIterator[None]:
        return self._items(events=False)

    def capabilities(self) -> dict[str, Any]:
        entry = {"enabled": True, "device": "npu", "model": None, "provider": None, "slot": "stt", "phase": "Ready"}
        return {"selections": {"voice": {"stt": entry}}}

    def figures(self) -> Figures:
        return self.numbers

    def settled(self) -> bool:
        return self.is_settled

    def unready(self) -> str:
        return self.not_ready

    def trigger(self) -> None:
        self.wishes.append(("trigger",))

    async def fresh(self) -> None:
        await self.fresh_gate.wait()
        self.wishes.append(("fresh",))

    def _wish(self, *wish: Any) -> None:
        if self.refusal:
            raise self.refusal
        self.wishes.append(wish)

    async def change(self, wish: Wish, by: str, *, dry_run: bool) -> Change:
        """Proposed for real, for the home of ``texts``; nothing is written."""
        proposal = wished(wish, home(self.texts), by=by)
        self._wish("change", wish, by, dry_run)
        return Change(Written(proposal, committed=not dry_run), self.plan(), "g2")

    def suspend(self, slot: str, by: str, reason: str) -> None:
        self._wish("suspend", slot, by, reason)

    def resume(self, slot: str) -> str:
        self._wish("resume", slot)
        return self.resumed

    def approve_prune(self) -> str:
        self._wish("prune")
        return "3 slots go"

    def restart(self, slot: str, pull: bool) -> str:
        self._wish("restart", slot, pull)
        return self.restarted

    def restart_outdated(self) -> tuple[str, ...]:
        self._wish("outdated")
        return ("chat",)

    async def logs(self, slot: str, lines: int, previous: bool) -> tuple[str, ...]:
        self.detail(slot)
        self.wishes.append(("logs", slot, lines, previous))
        return self.lines[-lines:]

    async def follow_logs(self, slot: str, lines: int) -> AsyncIterator[str]:
        if self.refusal:
            raise self.refusal
        for line in self.lines[-lines:]:
            yield line


def problem(code: str = "device.unknown", **fields: Any) -> Problem:
    defaults: dict[str, Any] = {
        "code": code,
        "message": "`gpu-rcom` is no device",
        "file": "slots/chat.toml",
        "path": ("device",),
        "hint": "did you mean gpu-rocm?",
        "at": Position(2, 10),
    }
    return Problem(**(defaults | fields))


def changed(status: SlotStatus, **fields: Any) -> SlotStatus:
    return msgspec.structs.replace(status, **fields)
