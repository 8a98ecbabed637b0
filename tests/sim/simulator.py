"""One home's operator, its real core, against a simulated machine.

Everything is replayable from a seed.  The operator may be killed before any effect, or after it
took effect and before its answer; only what was stored survives.  Several may share a machine.
"""

import itertools
from collections import Counter
from collections.abc import Callable

import msgspec

from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.triggers import heard
from hal0_operator.model import action as a
from hal0_operator.model.memory import Memory, Override
from hal0_operator.model.settings import DeviceSettings, FamilySettings, LoopSettings, Policy, Settings
from hal0_operator.model.snapshot import Admitted
from hal0_operator.reconcile.desired import Wishes
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.run import load_seeds
from hal0_operator.seams.podman import PodmanEvent
from tests.sim.calls import Calls
from tests.sim.faults import Faults
from tests.sim.home import Home
from tests.sim.machine import NPU_NODE, SIM_NODE, Machine
from tests.sim.podman import Process
from tests.sim.requests import Requests

SETTINGS = Settings(
    model_store="/models",
    devices=DeviceSettings(npu=(NPU_NODE,), gpu=()),
    loop=LoopSettings(grace_s=1),
    policy=Policy(devices=(SIM_NODE,)),
)
SEEDS = load_seeds()
ACTIONS = a.Create | a.Start | a.Stop | a.Remove | a.Pull | a.KillOrphan
RESYNC_S = 30.0
HOT_TURNS = 1000
HOT_EFFECTS = 100
"""In one instant: nothing that is paced comes near."""


class Crash(msgspec.Struct):
    """Kill the operator at the ``at``-th effect, ``before`` it is sent or once it took effect."""

    at: int
    before: bool


class Simulator:
    """``journal`` holds one line per effect, ``done`` every action by slot; ``look`` is told of every step.

    ``jitter`` answers factors around 1: chance belongs to the machine.
    """

    def __init__(
        self,
        home: Home,
        seed: int = 0,
        faults: Faults | None = None,
        crash: Crash | None = None,
        machine: Machine | None = None,
        id: str = "h1",
        settings: Settings = SETTINGS,
    ) -> None:
        self.machine = machine or Machine(seed)
        self.id = id
        self.rng = self.machine.rng
        self.home = home
        self.faults = faults or Faults()
        self.crash_plan = crash
        self.podman = self.machine.podman
        self.disk_full = False
        self.memory = Memory()
        self.admitted: Admitted | None = None
        self.suspended: dict[str, Override] = {}
        self.settings = settings
        self.effects = 0
        self.kinds: Counter[str] = Counter()
        self.recent: list[float] = []
        self.actions = 0
        self.journal: list[str] = []
        self.done: list[tuple[str, str]] = []
        self.look: Callable[[str, a.Effect | None], None] = lambda _when, _effect: None
        self.asked: Callable[[str], None] = lambda _slot: None
        self.answered: Callable[[a.Key, a.Effect, a.Outcome], None] = lambda _key, _effect, _outcome: None
        self.approved = ""
        self.epoch = 0
        self.calls = Calls(self)
        self.requests = Requests(self)
        self.machine.on_cut.append(self.calls.cut)
        self.machine.on_death.append(self._process_died)
        self.machine.on_event.append(self._event)
        self.boot()

    @property
    def time(self) -> float:
        return self.machine.timeline.time

    @property
    def missing_models(self) -> set[str]:
        return self.machine.missing_models

    # ── the operator's life ────────────────────────────────────────────────────────────────────

    def boot(self) -> None:
        """Start the operator from what is on disk."""
        self.epoch += 1
        self.watched: set[int] = set()
        self.calls.under_way = {}
        self._wakes: set[float] = set()
        self.admission: Admission | None = None
        self.reconciler = Reconciler(self.id, self.settings, self.memory, self._jitter)
        self._take_up()
        self.requests.boot()
        self.at(RESYNC_S, self._resync)
        self.look("boot", None)
        self.pump()

    def _take_up(self) -> None:
        """What is known of the home as a life begins."""
        self._home_pending = True
        self.reconciler.override(Wishes(dict(self.suspended)))
        self.intake = Intake(SEEDS, self.settings, self.admitted)

    def crash(self) -> None:
        """SIGKILL: what is in flight may still take effect, but nobody hears of it."""
        self.journal.append(f"{self.time:.3f} operator killed")
        self.boot()

    def close(self) -> None:
        """It is played no further."""

    def upgrade(self) -> None:
        """Another release renders otherwise; what the home asks for stays the same."""
        known = self.settings.families
        families = {} if known else {"llama-server": FamilySettings(security_opt=("label=disable",))}
        self.settings = msgspec.structs.replace(self.settings, families=families)
        self.crash()

    def edit(self) -> None:
        """The home changed: a watch tells, or the timer will."""
        if self.faults.hints:
            self._home_pending = True
            self.pump()

    def suspend(self, slot: str) -> None:
        self.suspended[slot] = Override("test", "now")
        self._wish()

    def resume(self, slot: str) -> None:
        if self.suspended.pop(slot, None) is not None:
            self._wish()

    def _wish(self) -> None:
        self._override()
        self.pump()

    def _override(self) -> None:
        core = self.reconciler
        core.override(msgspec.structs.replace(core.aims.wishes, suspended=dict(self.suspended)))

    def restart(self, slot: str, *, pull: bool = False) -> None:
        if slot in self.reconciler.aims.targets:
            self.reconciler.restart(slot, pull=pull)
            self.asked(slot)
            self.pump()

    def approve_prune(self) -> None:
        if self.admission is not None and self.admission.pruning.slots:
            self.approved = self.admission.snapshot.digest
            self._home_pending = True
            self.pump()

    # ── time ───────────────────────────────────────────────────────────────────────────────────

    def run(self, seconds: float) -> None:
        self.machine.timeline.run(seconds)
        self.pump()

    def at(self, delay: float, event: Callable[[], None]) -> None:
        """An event of this life of the operator."""
        life = self.epoch

        def happen() -> None:
            if life == self.epoch:
                event()
                self.pump()

        self.machine.timeline.at(delay, happen)

    def pump(self) -> None:
        """What the shell does whenever it wakes."""
        for turn in itertools.count():
            self._admit()
            self.requests.step()
            keys = self.reconciler.due(self.time)
            assert turn < HOT_TURNS, f"L2: it turns without end: {keys}\n" + "\n".join(self.journal[-20:])
            if not keys:
                break
            for key in keys:
                effect = self.reconciler.begin(key, self.time)
                if effect is not None and not self._launch(key, effect):
                    return
        for key in self.reconciler.abandoned():
            self.calls.abandon(key)
        self.reconciler.notes.news.clear()
        self.requests.arm()
        wake = self.reconciler.wake()
        if wake is not None and wake not in self._wakes:
            self._wakes.add(wake)
            self.at(max(wake - self.time, 0), lambda: self._wakes.discard(wake))

    def _admit(self) -> None:
        core = self.reconciler
        if not self._home_pending or not core.world.tick:
            return
        self._home_pending = False
        found = self.admission = self.intake.decide(self.home.files(), core.world.owners(), self.approved)
        core.admit(found.desired, core.tick - 1)
        self.requests.traffic.look()
        if not self.disk_full:
            self.admitted = found.verdict.admitted
        gone = self.suspended.keys() - core.aims.targets.keys() - core.aims.desired.frozen.keys()
        if gone and not found.pruning.slots:
            self.suspended = {name: o for name, o in self.suspended.items() if name not in gone}
            self._override()
        self.look("admit", None)

    def _resync(self) -> None:
        self._home_pending = True
        self.reconciler.hint(None)
        self.at(RESYNC_S * self.rng.uniform(0.9, 1.1), self._resync)

    # ── effects ────────────────────────────────────────────────────────────────────────────────

    def _launch(self, key: a.Key, effect: a.Effect) -> bool:
        """False when the operator was killed over it."""
        self.effects += 1
        self.kinds[type(effect).__name__] += 1
        if isinstance(effect, ACTIONS):
            self.actions += 1
            self.done.append((key.name, type(effect).__name__.lower()))
        self.journal.append(f"{self.time:.3f} {a.describe(effect)}")
        self._cool()
        planned = self.crash_plan is not None and self.effects == self.crash_plan.at
        if planned and self.crash_plan is not None and self.crash_plan.before:
            self.crash()
            return False
        self.look("begin", effect)
        self.calls.send(key, effect, planned=planned)
        return True

    def _cool(self) -> None:
        """Many effects of one instant, or within a moment, are a loop that waits for nothing."""
        self.recent.append(self.time)
        if len(self.recent) > HOT_EFFECTS and self.recent[-HOT_EFFECTS] >= self.time - 0.2:
            raise AssertionError("L2: it acts without end\n" + "\n".join(self.journal[-20:]))
        del self.recent[:-HOT_EFFECTS]

    def end(self, key: a.Key, effect: a.Effect, outcome: a.Outcome) -> None:
        core = self.reconciler
        core.end(key, effect, outcome, self.time)
        if key.lane == "list":
            for ghost in list(core.world.ghosts.values()):
                if not self.machine.alive(ghost.pid, ghost.id):
                    core.died(ghost.id, self.time)
        self.answered(key, effect, outcome)
        self.look("end", effect)

    def store(self, effect: a.Store) -> a.Outcome:
        if self.disk_full:
            return a.Fault("local", "memory.json: No space left on device")
        self.memory = effect.memory
        return a.Done()

    # ── hints ──────────────────────────────────────────────────────────────────────────────────

    def _jitter(self, share: float) -> float:
        return self.rng.uniform(1 - share, 1 + share)

    def _process_died(self, process: Process) -> None:
        if process.pid in self.watched and self.faults.hints:
            self.at(0.0004, lambda: self.reconciler.died(process.box, self.time))

    def _event(self, event: PodmanEvent) -> None:
        """Events are late, repeated or lost."""
        if not self.faults.hints:
            return
        for _ in range(self.rng.choice((0, 1, 1, 1, 2))):
            self.at(self.rng.uniform(0, 0.25), lambda: heard(self.reconciler, event))
