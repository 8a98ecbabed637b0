"""A fault of the operator's own strikes one slot, or one task, and is said aloud."""

from types import SimpleNamespace
from typing import Any

import anyio

from hal0_operator.host.clock import SystemClock
from hal0_operator.loop import own_fault
from hal0_operator.loop.drive import Drive
from hal0_operator.model import action as a
from hal0_operator.reconcile.notes import News
from tests.loop.driven import driven
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot


async def until_good_is_ready(drive: Drive) -> None:
    ready = anyio.Event()
    drive.changed = lambda _slot: ready.set() if drive.reconciler.is_ready("good") else None
    async with anyio.create_task_group() as tasks:
        tasks.start_soon(drive.run)
        with anyio.fail_after(30):
            await ready.wait()
        drive.stop()


def two() -> Turns:
    return Turns(Home({"bad": slot(8101), "good": slot(8102)}))


def test_a_turn_that_raises_delays_no_other_slot() -> None:
    turns = two()
    begin = turns.core.begin

    def faulty(key: a.Key, now: float) -> a.Effect | None:
        if key == a.Key("slot", "bad"):
            raise ZeroDivisionError("seven")
        return begin(key, now)

    turns.core.begin = faulty  # type: ignore[method-assign]
    drive, news = driven(turns)
    anyio.run(until_good_is_ready, drive)
    told = [n for n in news if n.reason == "OwnFault"]
    assert told[0].slot == "bad"
    assert "ZeroDivisionError at faulty" in told[0].message


def test_an_outcome_that_cannot_be_folded_delays_no_other_slot() -> None:
    turns = two()
    end = turns.core.end

    def faulty(key: a.Key, effect: a.Effect, outcome: a.Outcome, now: float) -> None:
        end(key, effect, outcome, now)
        if key.name == "bad":
            raise ZeroDivisionError("seven")

    turns.core.end = faulty  # type: ignore[method-assign]
    drive, news = driven(turns)
    anyio.run(until_good_is_ready, drive)
    assert {n.slot for n in news if n.reason == "OwnFault"} == {"bad"}


def test_a_task_that_raises_begins_anew_and_says_so(monkeypatch: Any) -> None:
    monkeypatch.setattr(own_fault, "FIRST_AGAIN_S", 0.001)
    tries: list[int] = []
    said: list[str] = []

    async def task() -> None:
        tries.append(1)
        if len(tries) < 3:
            raise KeyError("x")

    anyio.run(own_fault.kept, "reading the home", task, said.append)
    assert len(tries) == 3
    assert len(said) == 2
    assert said[0].startswith("reading the home: KeyError at task:")
