"""Drive the reconciler by hand: every effect is answered after 5 ms by a function of the test."""

from collections.abc import Callable
from typing import Any

from hal0_operator.loop.intake import Intake
from hal0_operator.loop.known import known
from hal0_operator.model import action as a
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile.reconciler import Reconciler
from tests.sim.home import Home
from tests.sim.simulator import SEEDS, SETTINGS

LATENCY_S = 0.005

Answer = Callable[[a.Effect], a.Outcome | None]


class Turns:
    """``answer`` may leave an effect (None) to a Podman that does all it is told; ``slow`` kinds are never answered.

    ``done`` holds (time, effect).
    """

    def __init__(
        self, home: Home, memory: Memory | None = None, settings: Settings = SETTINGS, answer: Answer = lambda _e: None
    ) -> None:
        self.core = Reconciler("h1", settings, memory or Memory(), lambda _share: 1.0)
        self.intake = Intake(SEEDS, settings, None)
        self.home = home
        self.answer = answer
        self.now = 100.0
        self.containers: dict[str, Container] = {}
        self.images = {"localhost/stub:1": "i1", "localhost/other:1": "i2"}
        self.done: list[tuple[float, a.Effect]] = []
        self.slow: set[type[a.Effect]] = set()
        self._flying: list[tuple[float, a.Key, a.Effect]] = []
        self._made = 0
        self.edit()

    def edit(self) -> None:
        found = self.intake.decide(self.home.files(), self.core.world.owners(), "")
        self.core.admit(found.desired, self.core.tick - 1)

    def run(self, seconds: float) -> None:
        end = self.now + seconds
        while True:
            self._begin()
            wakes = [at for at, _key, _effect in self._flying]
            wake = self.core.wake()
            if wake is not None:
                wakes.append(wake)
            at = max(min(wakes, default=end), self.now)
            if at >= end:
                self.now = end
                return
            self.now = at
            self._end()

    def count(self, kind: type[a.Effect], since: float = 0.0) -> int:
        return sum(1 for at, effect in self.done if isinstance(effect, kind) and at >= since)

    def _begin(self) -> None:
        while keys := self.core.due(self.now):
            for key in keys:
                effect = self.core.begin(key, self.now)
                if effect is not None:
                    self.done.append((self.now, effect))
                    latency = 1e9 if type(effect) in self.slow else LATENCY_S
                    self._flying.append((self.now + latency, key, effect))

    def _end(self) -> None:
        for item in [item for item in self._flying if item[0] <= self.now]:
            self._flying.remove(item)
            outcome = self.answer(item[2]) or self.well(item[2])
            self.core.end(item[1], item[2], outcome, self.now)
            if isinstance(item[2], a.Remove) and isinstance(outcome, a.Done):
                self.core.died(item[2].id, self.now)

    def well(self, effect: a.Effect) -> a.Outcome:
        match effect:
            case a.List():
                return a.Listed(Listing(tuple(self.containers.values())))
            case a.ListImages():
                return a.ImagesListed(dict(self.images))
            case a.Create(slot=slot, spec=spec):
                self._made += 1
                id = f"{slot}-{self._made}"
                self.put(id, name=spec.name, state="created", labels=spec.labels, ports=(spec.host_port,))
                return a.Created(id)
            case a.Start(id=id):
                row = self.containers[id]
                self.put(id, name=row.name, state="running", labels=row.labels, ports=row.ports, pid=7, alive=True)
                return a.Done()
            case a.Remove(id=id):
                self.containers.pop(id, None)
                return a.Done()
            case a.Check() | a.Probe() | a.SaveLogs() | a.ListName() | a.Store():
                return known(self.core, effect)
            case a.Pull() | a.Stop() | a.KillOrphan():
                return a.Done()

    def put(self, id: str, **fields: Any) -> None:
        self.containers[id] = Container(id=id, image_id="i1", **fields)
