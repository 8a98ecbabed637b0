"""The operator's real core against a simulated machine, driven from a heap of timed events.

Everything is replayable from a seed.  The operator may be killed before any effect, or after it
took effect and before its answer; only what was stored survives.
"""

import heapq
import itertools
import random
from collections.abc import Callable

import msgspec

from hal0_operator.loop.intake import Intake
from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_NPU
from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.memory import Memory
from hal0_operator.model.probe import ProbeResult
from hal0_operator.model.settings import DeviceSettings, LoopSettings, Settings
from hal0_operator.model.snapshot import Admitted
from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.run import load_seeds
from hal0_operator.seams.podman import PodmanEvent, PodmanFault
from tests.sim.faults import Faults, duration, limit
from tests.sim.home import Home
from tests.sim.podman import Box, Process, SimPodman

SETTINGS = Settings(model_store="/models", devices=DeviceSettings(npu=(), gpu=()), loop=LoopSettings(grace_s=1))
IMAGES = ("localhost/stub:1", "localhost/other:1", "ghcr.io/hal0ai/hal0-toolbox-flm:0.9.43")
SEEDS = load_seeds()
LOAD_S = 0.2


class Crash(msgspec.Struct):
    """Kill the operator at the ``at``-th effect, ``before`` it is sent or once it took effect."""

    at: int
    before: bool


class Simulator:
    """``journal`` holds one line per effect; ``look`` is called after every step (the invariants)."""

    def __init__(self, home: Home, seed: int = 0, faults: Faults | None = None, crash: Crash | None = None) -> None:
        self.rng = random.Random(seed)
        self.home = home
        self.faults = faults or Faults()
        self.crash_plan = crash
        self.time = 1000.0
        self.podman = SimPodman(lambda: self.time)
        self.podman.images_here = {name: f"id-{name}" for name in IMAGES}
        self.podman.behave = self._behave
        self.podman.died = self._process_died
        self.podman.heard = self._heard
        self.missing_models: set[str] = set()
        self.disk_full = False
        self.podman_away = False
        self.memory = Memory()
        self.admitted: Admitted | None = None
        self.passed: set[str] = set()
        self.effects = 0
        self.actions = 0
        self.journal: list[str] = []
        self.look: Callable[[str, a.Effect | None], None] = lambda _when, _effect: None
        self.approved = ""
        self._heap: list[tuple[float, int, int, Callable[[], None]]] = []
        self._order = itertools.count()
        self.epoch = 0
        self.boot()

    # ── the operator's life ────────────────────────────────────────────────────────────────────

    def boot(self) -> None:
        """Start the operator from what is on disk."""
        self.epoch += 1
        self._watched: set[int] = set()
        self._home_pending = True
        self.reconciler = Reconciler("h1", SETTINGS, self.memory, lambda _share: 1.0)
        self.intake = Intake(SEEDS, SETTINGS, self.admitted)
        self._at(30, self._resync)
        self.pump()

    def crash(self) -> None:
        """SIGKILL: what is in flight may still take effect, but nobody hears of it."""
        self.journal.append(f"{self.time:.3f} operator killed")
        self.boot()

    def edit(self) -> None:
        """The home changed: a watch tells, or the timer will."""
        if self.faults.hints:
            self._home_pending = True
            self.pump()

    # ── time ───────────────────────────────────────────────────────────────────────────────────

    def run(self, seconds: float) -> None:
        end = self.time + seconds
        while self._heap and self._heap[0][0] <= end:
            when, _, epoch, event = heapq.heappop(self._heap)
            self.time = max(self.time, when)
            if epoch in (0, self.epoch):
                event()
                self.pump()
        self.time = end
        self.pump()

    def _at(self, delay: float, event: Callable[[], None], *, always: bool = False) -> None:
        """An event of this life of the operator, or, ``always``, of the machine."""
        entry = (self.time + delay, next(self._order), 0 if always else self.epoch, event)
        heapq.heappush(self._heap, entry)

    def pump(self) -> None:
        """What the shell does whenever it wakes."""
        while True:
            self._admit()
            keys = self.reconciler.due(self.time)
            if not keys:
                break
            for key in keys:
                effect = self.reconciler.begin(key, self.time)
                if effect is not None and not self._launch(key, effect):
                    return
        self.reconciler.notes.news.clear()
        wake = self.reconciler.wake()
        if wake is not None:
            self._at(max(wake - self.time, 0), lambda: None)

    def _admit(self) -> None:
        if not self._home_pending or not self.reconciler.world.tick:
            return
        self._home_pending = False
        core = self.reconciler
        found = self.intake.decide(self.home.files(), core.world.owners(), self.approved)
        self.admission = found
        core.admit(found.desired, core.tick - 1)
        if not self.disk_full:
            self.admitted = found.verdict.admitted

    def _resync(self) -> None:
        self._home_pending = True
        self.reconciler.hint(None)
        self._at(30, self._resync)

    # ── effects ────────────────────────────────────────────────────────────────────────────────

    def _launch(self, key: a.Key, effect: a.Effect) -> bool:
        """False when the operator was killed over it."""
        self.effects += 1
        self.actions += isinstance(effect, a.Create | a.Start | a.Stop | a.Remove | a.Pull | a.KillOrphan)
        self.journal.append(f"{self.time:.3f} {a.describe(effect)}")
        planned = self.crash_plan is not None and self.effects == self.crash_plan.at
        if planned and self.crash_plan is not None and self.crash_plan.before:
            self.crash()
            return False
        self.look("begin", effect)
        fate = self.faults.fate(self.rng, effect)
        if self.podman_away and not isinstance(effect, a.Check | a.Store | a.Probe):
            fate = "unreachable"
        whole = duration(effect) * (self.rng.uniform(2, 20) if fate == "slow" else self.rng.uniform(0.8, 1.2))
        if fate == "unreachable":
            self._answer(0.001, key, effect, a.Fault("unreachable", "no socket"))
        elif fate == "service-killed":
            self._at(whole / 2, lambda: self._cut_short(effect), always=True)
            self._answer(whole / 2 + 0.001, key, effect, a.Fault("unknown_outcome", "the service died"))
        elif fate in ("lost", "lost-late", "never"):
            given_up = limit(effect)
            late = self.rng.uniform(0, given_up * (1.5 if fate == "lost-late" else 0.9))
            if fate != "never":
                self._at(late, lambda: self._apply(effect), always=True)
            self._answer(given_up, key, effect, a.Fault("unknown_outcome", "timed out"))
        else:
            life = self.epoch
            self._at(whole * 0.7, lambda: self._take_effect(key, effect, whole * 0.3, planned, life), always=True)
        return True

    def _take_effect(self, key: a.Key, effect: a.Effect, rest: float, planned: bool, life: int) -> None:
        outcome = self._apply(effect)
        if planned:
            self.crash()
        elif life == self.epoch:
            self._answer(rest, key, effect, outcome)

    def _answer(self, delay: float, key: a.Key, effect: a.Effect, outcome: a.Outcome) -> None:
        def answered() -> None:
            result = self._with_pulses(outcome) if isinstance(outcome, a.Listed) else outcome
            self.reconciler.end(key, effect, result, self.time)
            for ghost in list(self.reconciler.world.ghosts.values()):
                if not any(p.pid == ghost.pid and p.alive for p in self.podman.processes):
                    self.reconciler.died(ghost.id, self.time)
            self.look("end", effect)

        self._at(delay, answered)

    def _with_pulses(self, outcome: a.Listed) -> a.Listed:
        return a.Listed(Listing(tuple(self._with_pulse(row) for row in outcome.listing.containers)))

    def _with_pulse(self, row: Container) -> Container:
        if row.state not in ("running", "stopping") or not row.pid:
            return row
        alive = any(p.pid == row.pid and p.alive for p in self.podman.processes)
        if alive:
            self._watched.add(row.pid)
        return msgspec.structs.replace(row, alive=alive)

    def _apply(self, effect: a.Effect) -> a.Outcome:
        self.look("apply", effect)
        try:
            return self._applied(effect)
        except PodmanFault as failed:
            return failed.fault

    def _applied(self, effect: a.Effect) -> a.Outcome:
        podman = self.podman
        match effect:
            case a.List():
                return a.Listed(Listing(podman.containers()))
            case a.ListImages():
                return a.ImagesListed(podman.images())
            case a.ListName(name=name):
                return a.NameListed(podman.holders(name))
            case a.Create(spec=spec):
                return a.Created(podman.create(spec))
            case a.Start(id=id):
                return a.Done() if podman.start(id) else a.NotModified()
            case a.Stop(id=id, grace_s=grace):
                return a.Done() if podman.stop(id, grace) else a.NotModified()
            case a.Remove(id=id, grace_s=grace):
                podman.remove(id, grace)
                return a.Done()
            case a.Pull(image=image):
                podman.pull(image, lambda _text: None, [])
                return a.Done()
            case a.SaveLogs(id=id):
                return a.Saved(podman.logs(id, 100))
            case a.KillOrphan(pid=pid):
                podman.kill(pid)
                return a.Done()
            case a.Check(needs=needs):
                return a.Checked(self._facts(needs))
            case a.Probe(id=id):
                return a.Probed(self._probe(id))
            case a.Store(memory=memory):
                if self.disk_full:
                    return a.Fault("local", "memory.json: No space left on device")
                self.memory = memory
                return a.Done()

    def _facts(self, needs: "a.Needs") -> HostFacts:
        listeners = {p for process in self.podman.processes if process.alive for p in process.ports}
        facts = HostFacts(listeners=frozenset(listeners | self.podman.foreign.keys()))
        if needs.model and needs.model in self.missing_models:
            message = f"no model {needs.model}"
            return msgspec.structs.replace(facts, problem="ModelMissing", message=message)
        if needs.port in self.podman.foreign:
            facts = msgspec.structs.replace(facts, port_holder=self.podman.foreign[needs.port])
        for process in self.podman.processes:
            if process.alive and needs.port in process.ports and process.box not in self.podman.boxes:
                facts = msgspec.structs.replace(
                    facts, port_holder=process.name, port_conmon=process.pid, port_conmon_id=process.box
                )
        model = ModelFile(f"/models/{needs.model}", 1) if needs.model else None
        return msgspec.structs.replace(facts, model=model)

    def _probe(self, id: str) -> ProbeResult:
        box = self.podman.boxes.get(id)
        if box is None or not box.running:
            return ProbeResult("refused", "connection refused")
        if self.time < box.started_at - 1 + self._load_s(box):
            return ProbeResult("loading", "503")
        self.passed.add(self.start_of(box))
        return ProbeResult("passed")

    @staticmethod
    def start_of(box: Box) -> str:
        return f"{box.id}/{box.process.pid if box.process else 0}"

    # ── the machine's behaviour ────────────────────────────────────────────────────────────────

    def _load_s(self, box: Box) -> float:
        return float("inf") if "slow" in " ".join(box.spec.command) else LOAD_S

    def _behave(self, box: Box) -> None:
        if "crash" in " ".join(box.spec.command):
            process = box.process
            box.lines = ("error: unknown argument: --crash",)
            self._at(0.05, lambda: self._exit(box, process), always=True)

    def _exit(self, box: Box, process: Process | None) -> None:
        if box.process is process and box.running:
            self.podman.end(box, 1)

    def _process_died(self, process: Process) -> None:
        if process.pid in self._watched and self.faults.hints:
            self._at(0.0004, lambda: self.reconciler.died(process.box, self.time))

    def _heard(self, event: PodmanEvent) -> None:
        """Events are late, and only hints; the loop is told nothing that it would not find out."""
        if self.faults.hints and event.action == "remove" and self.rng.random() < 0.7:
            self._at(self.rng.uniform(0, 0.25), self.reconciler.want_list)

    def _cut_short(self, effect: a.Effect) -> None:
        """The Podman service is killed in the middle of a call, and starts again."""
        self.look("apply", effect)
        podman, dice = self.podman, self.rng.random()
        match effect:
            case a.Create(spec=spec) if dice < 0.4 and not podman.holders(spec.name):
                podman.leftovers[spec.name] = f"left-{spec.name}"
            case a.Start(id=id) if dice < 0.5 and id in podman.boxes:
                self._half_start(podman.boxes[id], dice)
            case a.Stop(id=id) if dice < 0.5 and id in podman.boxes:
                podman.boxes[id].state = "stopping" if podman.boxes[id].running else podman.boxes[id].state
            case a.Remove(id=id) if dice < 0.3 and id in podman.boxes:
                box = podman.boxes[id]
                podman.end(box, 137, settle=0)
                box.state = "exited" if dice < 0.15 else "removing"
            case a.Create() | a.Start() | a.Stop() | a.Remove() if dice < 0.8:
                try:
                    self._applied(effect)
                except PodmanFault:
                    return
            case _:
                return

    def _half_start(self, box: Box, dice: float) -> None:
        """``runc init`` lives and holds the port; the container refuses every further start."""
        if box.running or self.podman.holds_port(box.spec.host_port):
            return
        npu = box.spec.labels.get(LABEL_NPU) == "1"
        box.process = Process(90000 + self.effects, box.id, box.spec.name, (box.spec.host_port,), npu)
        self.podman.processes.append(box.process)
        box.half_started = True
        box.state = "created" if dice < 0.25 else "initialized"
