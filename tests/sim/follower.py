"""A simulated operator whose home comes from a repository: the real looks, admissions and verbs, in simulated time."""

import contextlib
from collections import Counter
from collections.abc import Callable
from types import SimpleNamespace
from typing import Any

import anyio
import msgspec

from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.exported import ExportedReader
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.home_watch import HomeWatch
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.operator import RunningOperator
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.steering import Steering
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.sync import Sync, Time
from hal0_operator.loop.sync_state import LONGEST_S
from hal0_operator.loop.view import Refused, UnknownSlot
from hal0_operator.model import action as a
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.status import SourceStatus
from hal0_operator.reconcile.desired import Wishes
from hal0_operator.status.derive import rfc3339
from tests.sim.away import Away
from tests.sim.coroutines import SimLoop
from tests.sim.faults import Faults
from tests.sim.home import Home
from tests.sim.machine import Machine
from tests.sim.remote import Disk, Repository, SimGit
from tests.sim.simulator import RESYNC_S, SEEDS, SETTINGS, Crash, Simulator

FOLLOWED = GitopsSettings(url="https://forge.example/lab/home.git", interval_s=20, timeout_s=10, keep=3)
STATE = "/state"


class Recording(Intake):
    """``found`` is what was accepted last."""

    found: Admission | None = None

    def accept(self, judged: Any) -> Admission:
        self.found = super().accept(judged)
        return self.found


class Follower(Simulator):
    """``home`` is a checkout: ``edit`` commits and pushes it.  ``git_crash`` counts the operator's calls of threads.

    ``seen`` counts what was said of the source.  ``lost``: the state that the present life began with is not what the last one left.  ``steered`` is told of every
    verb that was taken, ``said`` of every status, ``rested`` whenever it waits for nothing that is under way.
    """

    def __init__(
        self,
        home: Home,
        seed: int = 0,
        faults: Faults | None = None,
        crash: Crash | None = None,
        git_crash: Crash | None = None,
        gitops: GitopsSettings = FOLLOWED,
    ) -> None:
        machine = Machine(seed)
        self.disk, self.repository = Disk(), Repository()
        self.git = SimGit(self.repository, self.disk, machine.rng)
        self.away = Away(self, git_crash)
        self.loop: SimLoop | None = None
        self.lost, self.doubtful_until = False, 0.0
        self.seen: Counter[str] = Counter()
        self.repository.push(home.files())
        self.clock = SimpleNamespace(monotonic=lambda: self.time, wall=lambda: rfc3339(self.time))
        self.steered: Callable[[str], None] = lambda _verb: None
        self.rested: Callable[[], None] = lambda: None
        self.said: Callable[[SourceStatus], None] = lambda _status: None
        super().__init__(home, seed, faults, crash, machine, settings=msgspec.structs.replace(SETTINGS, gitops=gitops))

    # ── the operator's life ────────────────────────────────────────────────────────────────────

    def boot(self) -> None:
        self.close()
        self.away.under_way, self.away.doomed, self.away.fault, self.away.refused = 0, False, "", ""
        self.lost = self.lost or self.time < self.doubtful_until
        super().boot()
        self.lost = False

    def close(self) -> None:
        if self.loop is not None:
            self.loop.kill()

    def _take_up(self) -> None:
        core = self.reconciler
        self.loop = SimLoop(self.machine.timeline, self.pump, self.away.run_sync)
        self.listed = anyio.Event()
        self.drive: Any = SimpleNamespace(
            reconciler=core, wake=lambda: None, observed=self.listed.wait, hands=SimpleNamespace()
        )
        state, self.log = StateDir(self.disk, STATE, self.id), EventLog(self.clock)
        self.intake = Recording(SEEDS, self.settings, state.admitted(), whole=True)
        self.reader = ExportedReader(self.disk, "the repository")
        self.watch = HomeWatch(self.reader, self.intake, self.drive, self.log, state, self.clock, lambda _s: None)
        time = Time(self.clock, SimpleNamespace(jitter=self._jitter))
        self.sync = Sync(self.git, self.settings.gitops, self.reader, self.watch, state, self.log, time)
        stale = Statuses(core, self.watch.source, self.clock, lambda at: f"{at:.3f}")
        self.operator = RunningOperator(self.drive, self.watch, stale, self.log, state, self.clock)
        core.override(Wishes(self.operator.overrides.suspended))
        self.watch.approved = lambda: self.operator.overrides.prune_approved
        self.watch.changed = self._changed
        self.sync.overrides = lambda: self.operator.overrides
        self.steering = Steering(self.sync, self.sync.overrides, self.operator.override, self.log, self.clock)
        self._follow_what_is_said()
        for task in (self.watch.run, self.sync.run):
            self.loop.begin(task())

    def _follow_what_is_said(self) -> None:
        status = self.watch.source.remote

        def told(found: SourceStatus) -> SourceStatus:
            answer = status(found)
            self.seen.update(c.type for c in answer.conditions if c.status == "True")
            self.said(answer)
            return answer

        self.watch.source.remote = told

    def _admit(self) -> None:
        self.loop.drain()
        self.suspended = dict(self.operator.overrides.suspended)
        self.approved = self.operator.overrides.prune_approved
        if self.away.doomed:
            self.crash()
        elif not self.away.under_way:
            self.rested()

    def _changed(self) -> None:
        """As ``run`` connects it, and told to whoever watches."""
        self.operator._statuses.stale(None)
        if not self.watch.source.read:
            return
        self.requests.traffic.look()
        self.operator.forget_overrides()
        if self.admission is not self.intake.found:
            self.admission = self.intake.found
            self.approved = self.operator.overrides.prune_approved
            what = "refused" if self.admission.refused else "admitted"
            self.seen[what] += 1
            self.journal.append(f"{self.time:.3f} {self.admission.revision[:4]} {what}")
            self.look("admit", None)

    def _resync(self) -> None:
        self.watch.hint()
        self.reconciler.hint(None)
        self.at(RESYNC_S * self.rng.uniform(0.9, 1.1), self._resync)

    def end(self, key: a.Key, effect: a.Effect, outcome: a.Outcome) -> None:
        super().end(key, effect, outcome)
        if key.lane == "list" and self.reconciler.world.tick:
            self.listed.set()

    # ── what people do ─────────────────────────────────────────────────────────────────────────

    def edit(self) -> None:
        """Push the checkout."""
        commit = self.repository.push(self.home.files())
        self.journal.append(f"{self.time:.3f} push {commit[:4]}")
        self.call_webhook()

    def call_webhook(self) -> None:
        """Late, repeated or lost."""
        if self.faults.hints:
            for _ in range(self.rng.choice((0, 0, 1, 1, 2))):
                self.at(self.rng.uniform(0, 0.5), lambda: self.steering.delivered("accepted"))

    def check_out(self, commit: str) -> None:
        """Let the checkout be as this commit."""
        then: HomeFiles = self.repository.commits[commit]
        for name in self.home.files().files.keys() - then.files.keys():
            self.home.write(name, None)
        for name, file in then.files.items():
            self.home.write(name, file.data.decode())
        self.home.slots_folder = then.slots_folder

    def steer(self, verb: str, *words: str) -> bool:
        """``suspend``, ``resume``, ``rollback`` or ``sync`` of the source; whether it was taken."""
        try:
            getattr(self.steering, verb)(*words)
        except Refused as refused:
            self.journal.append(f"{self.time:.3f} {verb}: {refused}")
            return False
        self.journal.append(f"{self.time:.3f} {verb} {' '.join(words)}")
        self.steered(verb)
        self.pump()
        return True

    def suspend(self, slot: str) -> None:
        with contextlib.suppress(Refused, UnknownSlot):
            self.operator.suspend(slot, "test", "")
        self.pump()

    def resume(self, slot: str) -> None:
        with contextlib.suppress(Refused, UnknownSlot):
            self.operator.resume(slot)
        self.pump()

    def approve_prune(self) -> None:
        with contextlib.suppress(Refused):
            self.operator.approve_prune()
        self.pump()

    def fill(self, *, full: bool) -> None:
        self.disk.full = full
        self.doubtful_until = self.time + 2 * LONGEST_S if not full else float("inf")

    def lose(self, *files: str) -> None:
        """Files of the state directory are gone when the operator is killed."""
        for file in files:
            self.disk.delete(f"{STATE}/{file}.json")
        self.lost = True
        self.crash()

    def set_back(self, file: str) -> None:
        """The last write of one of them did not survive."""
        self.disk.age(f"{STATE}/{file}.json")
        self.lost = True
        self.crash()
