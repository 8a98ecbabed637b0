"""The loop's parts as requests meet them: a home, the real drive, and a simulated Podman."""

from collections.abc import AsyncIterator, Awaitable, Callable
from contextlib import asynccontextmanager
from types import SimpleNamespace

import anyio

from hal0_operator.host.clock import SystemClock
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.traffic import Traffic
from hal0_operator.model import action as a
from hal0_operator.model.slot import Slot
from hal0_operator.status.facts import AdmissionFacts
from tests.loop.driven import driven
from tests.reconcile.turns import Turns
from tests.sim.home import Home, Want

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
        with anyio.fail_after(30):
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
