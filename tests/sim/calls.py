"""Calls under way: when each takes effect, when its answer arrives, and what goes wrong in between."""

from typing import TYPE_CHECKING

import msgspec

from hal0_operator.model import action as a
from hal0_operator.model.world import Listing
from tests.sim.faults import LOCAL, Fate, duration, limit
from tests.sim.machine import with_pulse

if TYPE_CHECKING:
    from tests.sim.simulator import Simulator


class Call(msgspec.Struct, eq=False):
    """One effect under way.  ``open``: its answer is still waited for; ``pending``: it may still take effect."""

    key: a.Key
    effect: a.Effect
    life: int
    planned: bool = False
    open: bool = True
    pending: bool = True


class Calls:
    """Those of one operator, in all of its lives; ``under_way`` are those that its present life waits for."""

    def __init__(self, sim: "Simulator") -> None:
        self.sim = sim
        self.machine = sim.machine
        self.under_way: dict[a.Key, Call] = {}
        self._all: list[Call] = []

    def send(self, key: a.Key, effect: a.Effect, *, planned: bool) -> None:
        """``planned``: the operator is to be killed when it has taken effect."""
        sim, rng, machine = self.sim, self.machine.rng, self.machine
        assert key not in self.under_way, f"S18: a second call for {key}"
        call = self.under_way[key] = Call(key, effect, sim.epoch, planned)
        self._all = [*(c for c in self._all if c.pending), call]
        fate = sim.faults.fate(rng, effect)
        whole = duration(effect) * (rng.uniform(2, 20) if fate == "slow" else rng.uniform(0.8, 1.2))
        if isinstance(effect, a.List) and machine.starting:
            whole += rng.uniform(0, 0.36)
        if isinstance(effect, a.Start):
            machine.starting += 1
            machine.timeline.at(whole, machine.start_over)
        if isinstance(effect, a.Pull) and machine.pulls.get(effect.image) == "hangs":
            fate = "never"
        if isinstance(effect, LOCAL):
            fate = "well"
        elif machine.away:
            fate = "unreachable"
        elif machine.hung:
            self._hang(call, whole)
            return
        self._send(call, fate, whole)

    def _send(self, call: Call, fate: Fate, whole: float) -> None:
        rng, later = self.machine.rng, self.machine.timeline.at
        match fate:
            case "unreachable":
                call.pending = False
                self._answer(0.001, call, a.Fault("unreachable", "no socket"))
            case "service-killed":
                later(whole / 2, self.machine.kill_service)
            case "lost" | "lost-late":
                given_up = limit(call.effect)
                late = rng.uniform(0, given_up * (1.5 if fate == "lost-late" else 0.9))
                later(late, lambda: self._take_late(call))
                self._answer(given_up, call, a.Fault("unknown_outcome", "timed out"))
            case "never":
                call.pending = False
                self._answer(limit(call.effect), call, a.Fault("unknown_outcome", "timed out"))
            case "stale":
                self._answer(rng.uniform(1, 4), call, self._apply(call))
            case "well" | "slow":
                share = 0.5 if isinstance(call.effect, a.List) else 0.7
                later(whole * share, lambda: self._take(call, whole * (1 - share)))

    def _hang(self, call: Call, whole: float) -> None:
        """Carried out once Podman goes on, whether or not somebody still waits for it."""
        delay = self.machine.hung_until - self.sim.time + whole
        self.machine.timeline.at(delay, lambda: self._take(call, 0.001))
        self._answer(limit(call.effect), call, a.Fault("unknown_outcome", "timed out"))

    def _take_late(self, call: Call) -> None:
        if call.pending:
            self._apply(call)

    def _take(self, call: Call, rest: float) -> None:
        if not call.pending or (isinstance(call.effect, LOCAL) and call.life != self.sim.epoch):
            return  # what the operator does itself ends with it
        outcome = self._apply(call)
        if call.life != self.sim.epoch:
            return
        if call.planned:
            self.sim.crash()
        else:
            self._answer(rest, call, outcome)

    def cut(self) -> None:
        """The service died: every call that it works on ends now, half done."""
        for call in self._all:
            if call.pending and not isinstance(call.effect, LOCAL):
                call.pending = False
                self.sim.look("apply", call.effect)
                self.machine.cut_short(call.effect)
                self.sim.look("applied", call.effect)
                if call.life == self.sim.epoch:
                    self._answer(0.001, call, a.Fault("unknown_outcome", "the service died"))

    def abandon(self, key: a.Key) -> None:
        if (call := self.under_way.get(key)) is not None and call.open:
            call.pending = False
            self._answer(0.001, call, a.Fault("pull_failed", "abandoned"))

    def _answer(self, delay: float, call: Call, outcome: a.Outcome) -> None:
        """Only the first answer to a call counts."""

        def answered() -> None:
            if call.open and self.under_way.get(call.key) is call:
                call.open = False
                del self.under_way[call.key]
                self.sim.end(call.key, call.effect, self._with_pulses(outcome))

        self.sim.at(delay, answered)

    def _with_pulses(self, outcome: a.Outcome) -> a.Outcome:
        """As the shell does: whether each running process lives, from now on watched."""
        if not isinstance(outcome, a.Listed):
            return outcome
        rows = tuple(with_pulse(self.machine, row) for row in outcome.listing.containers)
        self.sim.watched.update(row.pid for row in rows if row.alive)
        return a.Listed(Listing(rows))

    def _apply(self, call: Call) -> a.Outcome:
        call.pending = False
        sim, effect = self.sim, call.effect
        sim.look("apply", effect)
        if isinstance(effect, a.Store):
            return sim.store(effect)
        known = frozenset(sim.reconciler.world.containers) if isinstance(effect, a.Check) else frozenset()
        outcome = self.machine.apply(effect, known)
        sim.look("applied", effect)
        return outcome
