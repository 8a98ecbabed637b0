"""What becomes of the repository that an operator follows, by chance, beside all else that happens to a home."""

from hal0_operator.loop.sync_state import pause_s
from hal0_operator.model.memory import Overrides
from tests.sim.edits import Edits
from tests.sim.follower import Follower
from tests.sim.home import Want

LATE_S = 60.0
"""For the calls of a look, all of them slow, and what the jitter adds."""


class Pushes(Edits):
    """Trouble with pushes: every edit is one, and may be refused."""

    sim: Follower

    def __init__(self, sim: Follower, wanted: dict[str, Want]) -> None:
        super().__init__(sim, wanted)
        self.repository, self.git = sim.repository, sim.git

    @property
    def told_within_s(self) -> float:
        """Once faults stop: until the longest pause is over, and what it brings is decided."""
        return pause_s(self.sim.settings.gitops.interval_s, 9) * 1.1 + LATE_S

    # ── to the branch ──────────────────────────────────────────────────────────────────────────

    def do_revert(self) -> "bool | None":
        """As a revision that was the tip once, in a new commit."""
        self.sim.check_out(self.rng.choice(self.repository.tips))
        self.sim.edit()

    def do_correct(self) -> None:
        """Everything as it should be."""
        self.do_write_again()
        self.sim.home.flags("--threads 2")
        self.sim.edit()

    do_correct_again = do_correct

    def do_rewind(self) -> None:
        """A force push to an older commit; the server may throw away what is in no branch any more."""
        self.repository.point(self.rng.choice(self.repository.tips))
        self.repository.there.add(self.repository.branch)
        if self.rng.random() < 0.5:
            self.repository.collect()
        self.sim.call_webhook()

    def do_rewrite_history(self) -> None:
        self.sim.edit()
        self.repository.collect()

    def do_push_twice(self) -> None:
        self.do_edit_context()
        self.do_edit_model()

    def do_delete_the_branch(self) -> None:
        if self.repository.branch:
            self.repository.branch = ""
        else:
            self.repository.point(self.repository.tips[-1])
        self.sim.call_webhook()

    def do_delete_most(self) -> None:
        """Enough for the prune guard, one way or another."""
        names = sorted(self.wants)
        for name in self.rng.sample(names, max(len(names) - 1, 1)):
            self.sim.home.slot(name, None)
        self.sim.edit()

    def do_empty_it(self) -> None:
        for file in list(self.sim.home.files().files):
            self.sim.home.write(file, None)
        self.sim.home.slots_folder = False
        self.sim.edit()

    def do_call_the_webhook(self) -> None:
        """For nothing."""
        self.sim.call_webhook()

    # ── to the remote, and to what is kept of it ───────────────────────────────────────────────

    def do_cut_the_network(self) -> None:
        self.repository.reachable = not self.repository.reachable

    do_cut_the_network_again = do_cut_the_network

    def do_move_the_repository(self) -> None:
        self.repository.exists = not self.repository.exists

    def do_move_the_path(self) -> None:
        self.repository.path = not self.repository.path

    def do_remove_clone_and_revisions(self) -> None:
        self.git.forget()

    def do_fill_the_disk(self) -> None:
        super().do_fill_the_disk()
        self.sim.fill(full=self.sim.disk_full)

    # ── verbs, and the operator's life ─────────────────────────────────────────────────────────

    def do_suspend_the_source(self) -> "bool | None":
        return None if self.sim.steer("suspend", "test", "") else False

    def do_resume_the_source(self) -> "bool | None":
        return None if self.sim.steer("resume") else False

    do_resume_it_again = do_resume_the_source

    def do_roll_back(self) -> "bool | None":
        return None if self.sim.steer("rollback", "", "test") else False

    def do_roll_back_to_one(self) -> "bool | None":
        kept = self.sim.sync.kept
        return None if kept and self.sim.steer("rollback", self.rng.choice(kept)[:10], "test") else False

    def do_change_ones_mind(self) -> None:
        """Held or suspended while a push is on its way."""
        self.do_edit_context()
        self.sim.call_webhook()
        words = self.rng.choice((("rollback", "", "test"), ("suspend", "test", "")))
        self.sim.at(self.rng.uniform(0, 1), lambda: self.sim.steer(*words))

    do_change_ones_mind_again = do_change_ones_mind

    def do_sync(self) -> "bool | None":
        return None if self.sim.steer("sync") else False

    def do_lose_the_state(self) -> None:
        match self.rng.randrange(5):
            case 0:
                self.sim.lose("admitted", "source", "overrides")
            case 1:
                self.sim.lose("admitted")
            case 2:
                self.sim.lose("source")
            case 3:
                self.sim.set_back("admitted")
            case 4:
                self.sim.set_back("source")

    def calm(self) -> None:
        self.git.rate = 0
        repository = self.repository
        repository.reachable = repository.exists = repository.path = True
        if not repository.branch:
            repository.point(repository.tips[-1])
        self.repository.there.add(repository.branch)
        self.sim.disk.mend()
        self.sim.fill(full=False)
        super().calm()

    # ── once faults stop ───────────────────────────────────────────────────────────────────────

    def at_rest(self) -> None:
        """The tip, whatever it is, was looked at, and is in force unless it is refused or held off."""
        sim = self.sim
        sim.run(self.told_within_s)
        self._follows(sim.operator.overrides)
        sim.steer("resume")
        sim.run(self.told_within_s)
        self._follows(sim.operator.overrides)

    def caught_up(self) -> None:
        """L1, and L5 where every webhook is lost: the newest revision, which is good, is in force."""
        self.sim.run(self.told_within_s)
        self._follows(self.sim.operator.overrides)
        for slot in list(self.sim.suspended):  # one whose file was gone could not be resumed before
            self.sim.resume(slot)
        found = self.sim.operator.source()
        assert found.admitted == self.repository.branch, self._told("L1: the newest revision is not in force")

    def _follows(self, overrides: Overrides) -> None:
        sim, found = self.sim, self.sim.operator.source()
        hold = overrides.hold.commit if overrides.hold else ""
        there = hold in self.repository.there | self.git.clone | {kept.commit for kept in self.git.kept()}
        if hold and there and not (sim.admission is not None and sim.admission.refused):
            assert found.admitted == hold, self._told("L1: the revision that is held is not in force")
        if hold or overrides.source_suspended is not None:
            return
        tip, admission = self.repository.branch, sim.admission
        assert admission is not None, self._told("L1: nothing was ever decided")
        assert (found.attempted, found.fetched, admission.revision) == (tip, tip, tip), self._told("L1: not looked at")
        assert (found.admitted == tip) != admission.refused or found.admitted == tip, self._told("L1: not in force")
        faults = [c.type for c in found.conditions if c.type.startswith("Source")]
        assert not faults, self._told(f"L6: {faults} although nothing fails any more")

    def _told(self, what: str) -> str:
        return f"{what}\n{self.sim.operator.source()}\n" + "\n".join(self.sim.journal[-60:])
