"""Clients of one operator: requests begin and end by chance, and are routed by the gateway's own rules.

What the shell's ``wake`` does is played here step by step, since the simulator has no event loop.
"""

from collections import Counter
from types import SimpleNamespace
from typing import TYPE_CHECKING

import msgspec

from hal0_operator.loop.source import Source
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.traffic import Traffic
from hal0_operator.model.slot import Slot, SlotType
from hal0_operator.model.status import SlotStatus
from hal0_operator.routing.endpoints import ENDPOINTS, Endpoint
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import Route, route
from tests.sim.podman import Process

if TYPE_CHECKING:
    from tests.sim.simulator import Simulator

BY_TYPE: dict[SlotType, Endpoint] = {endpoint.type: endpoint for endpoint in ENDPOINTS.values()}
PAUSES_S = (0.2, 1, 4, 15)
LENGTHS_S = (0.05, 1, 8, 45, 200)
CUT_S = 0.01


class Request(msgspec.Struct, eq=False):
    """One that a container is answering; ``slot`` was asked for, ``server`` is whose container it is.

    ``queued``: it waits for its turn, and then takes ``length`` seconds (``None``: until it is finished).
    """

    slot: str
    server: str
    container: str
    begun: float
    length: float | None
    queued: bool


class Waiting(msgspec.Struct, eq=False):
    """One that woke a slot, and waits for it."""

    slot: str
    server: str
    begun: float


class Requests:
    """``judge`` is told of every answer of the router, ``judge_turn`` of every turn that comes: whose container it is,
    its id, and whether it answers the request that waited; ``outcomes`` counts them.
    """

    def __init__(self, sim: "Simulator") -> None:
        self.sim = sim
        self.active: list[Request] = []
        self.waiting: list[Waiting] = []
        self.outcomes: Counter[str] = Counter()
        self.judge = lambda _name, _answer: None
        self.judge_turn = lambda _server, _container, _kept: None
        self.coming = False
        self._looks: set[float] = set()
        sim.machine.on_death.append(self._process_died)

    def boot(self) -> None:
        """Another life of the operator: its connections are gone."""
        sim = self.sim
        self.active, self.waiting, self._looks = [], [], set()
        clock = SimpleNamespace(monotonic=lambda: sim.time, wall=lambda: f"{sim.time:.3f}")
        home = SimpleNamespace(
            admission_of=lambda slot: Source.admission_of(SimpleNamespace(_admission=sim.admission), slot),
            child_of=lambda slot: Source.child_of(SimpleNamespace(_admission=sim.admission), slot),
        )
        self.statuses = Statuses(sim.reconciler, home, clock, lambda at: f"{at:.3f}")
        self.traffic = Traffic(SimpleNamespace(reconciler=sim.reconciler, wake=lambda: None), self, clock)
        if self.coming:
            self._next()

    # ── statuses, always fresh ─────────────────────────────────────────────────────────────────

    def one(self, slot: str) -> SlotStatus | None:
        self.statuses.stale(slot)
        return self.statuses.one(slot)

    def stale(self, slot: str) -> None:
        """Nothing is kept."""

    def stand_in(self, slot: str) -> Slot | None:
        return self.statuses.stand_in(slot)

    # ── what clients do ────────────────────────────────────────────────────────────────────────

    def come(self) -> None:
        """From now on some request begins every now and then."""
        self.coming = True
        self._next()

    def end(self) -> None:
        """No more come, and those that are here are answered."""
        self.coming = False
        self.finish_all()

    def ask(self, name: str, *, length: float | None = None) -> "Route | Failure | None":
        """A request for what a slot serves; ``None`` where it has no endpoint.  It lasts until finished unless told."""
        listing = self.traffic.directory().slots.get(name)
        endpoint = BY_TYPE.get(listing.type) if listing is not None else BY_TYPE["llm"]
        if endpoint is None:
            return None
        found = route(self.traffic.directory(), self.traffic.stands, endpoint, name)
        self._answered(name, found)
        if isinstance(found, Failure):
            return found
        server = found.server.slot
        if found.wake:
            self.traffic.wanted(server)
            self.waiting.append(Waiting(name, server, self.sim.time))
        else:
            self._begin(name, found, length)
        self.sim.pump()
        return found

    def finish_all(self) -> None:
        for request in list(self.active):
            self._finish(request)
        for waiting in list(self.waiting):
            self._give_up(waiting)
        self.sim.pump()

    def _answered(self, name: str, found: "Route | Failure") -> None:
        what = found.code if isinstance(found, Failure) else "woken" if found.wake else "begun"
        self.outcomes[what] += 1
        self.sim.journal.append(f"{self.sim.time:.3f} ask {name}: {what}")
        self.judge(name, found)

    def _next(self) -> None:
        rng = self.sim.rng

        def arrive() -> None:
            if self.coming:
                names = sorted(self.traffic.directory().slots)
                if names:
                    self.ask(rng.choice(names), length=rng.choice(LENGTHS_S))
                self._next()

        self.sim.at(rng.choice(PAUSES_S), arrive)

    # ── what becomes of a request ──────────────────────────────────────────────────────────────

    def _begin(self, name: str, found: Route, length: float | None) -> None:
        """FLM bears one request at a time."""
        server, container = found.server.slot, found.standing.container
        queued = found.server.family == "flm" and any(each.container == container for each in self.active)
        request = Request(name, server, container, self.sim.time, length, queued)
        self.active.append(request)
        self.traffic.began(server, container)
        if not queued:
            self._run(request)

    def _run(self, request: Request) -> None:
        if request.length is not None:
            self.sim.at(request.length, lambda: self._finish(request))

    def _finish(self, request: Request) -> None:
        if request in self.active:
            self.active.remove(request)
            if not request.queued:
                self._turn(request.container)
            self.traffic.ended(request.server, request.container)

    def _turn(self, container: str) -> None:
        """It is the turn of the first that waits and is not sent away."""
        for request in [each for each in self.active if each.queued and each.container == container]:
            kept = self.traffic.stands(request.server).keeps(container)
            self.outcomes["turn" if kept else "no turn"] += 1
            self.judge_turn(request.server, container, kept)
            if kept:
                request.queued = False
                self._run(request)
                return
            self._finish(request)

    def _give_up(self, waiting: Waiting) -> None:
        self.waiting.remove(waiting)
        self.traffic.unwanted(waiting.server)

    def _process_died(self, process: Process) -> None:
        """Their connections end; the gateway hears of it a moment later."""
        for request in [request for request in self.active if request.container == process.box]:
            self.sim.at(CUT_S, lambda request=request: self._finish(request))

    # ── what the shell does between turns ──────────────────────────────────────────────────────

    def step(self) -> None:
        """Whoever waits for a slot begins, or is turned away."""
        for waiting in list(self.waiting):
            found = self.traffic.stands(waiting.server)
            if found.container:
                self._give_up(waiting)
                again = route(self.traffic.directory(), self.traffic.stands, *self._asked(waiting.slot))
                self._answered(waiting.slot, again)
                if isinstance(again, Route) and not again.wake:
                    length = self.sim.rng.choice(LENGTHS_S) if self.coming else None
                    self._begin(waiting.slot, again, length)
            elif self.traffic.left(waiting.server, waiting.begun) <= 0 or self.traffic.is_hopeless(
                waiting.server, found
            ):
                self.outcomes["turned away"] += 1
                self._give_up(waiting)

    def _asked(self, name: str) -> tuple[Endpoint, str]:
        listing = self.traffic.directory().slots.get(name)
        return BY_TYPE[listing.type if listing is not None else "llm"], name

    def arm(self) -> None:
        """Look again when the next slot becomes idle."""
        at = self.traffic.next_look()
        if at is not None and at not in self._looks:
            self._looks.add(at)
            self.sim.at(max(at - self.sim.time, 0) + 1e-6, self.traffic.look)
