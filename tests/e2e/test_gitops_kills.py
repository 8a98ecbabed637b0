"""SIGKILL to an operator that follows a repository, while it fetches, exports, switches, admits and applies.

``KILLS`` says how often (50 take three minutes); seed and places are printed.
"""

import json
import os
import random
import threading
import time
from collections import Counter
from collections.abc import Iterator
from typing import Any

import pytest

from tests.e2e.repositories import Following
from tests.support.machine import Machine

KILLS = int(os.environ.get("KILLS", "3"))
SEED = int(os.environ.get("SEED", str(random.SystemRandom().randrange(1 << 30))))
OFF = 60
"""Slots without a container: they make fetch, export and admission long enough to be met."""
PHASES = ("look", "fetch", "export", "switch", "admit", "apply")
"""``switch``: exported, and being read and decided on; ``admit``: stored as in force, and not noted yet."""
PATIENCE_S = 20.0
SHORTEST_S = 0.005
"""What is over sooner is met by what comes after it too."""


class Killed:
    """An operator with one container, its pushes, and how far it is with the newest one, told from its disk."""

    def __init__(self, following: Following, seed: int) -> None:
        self.it, self.chance = following, random.Random(seed)
        self.count = 0
        self.commit = self.good = ""
        self.context = 0
        self.lengths: dict[str, float] = {}
        self.met: Counter[str] = Counter()

    def push(self, *, bad: bool) -> None:
        self.count += 1
        home = self.it.home
        context = 2048 + self.count
        home.slot("chat", model={"default": "m.gguf", "context_size": context})
        for number in range(OFF):
            home.slot(f"off{number}", enabled=False, model={"default": "m.gguf", "context_size": context})
        if bad:
            home.slot("off7", enabled=False, colour="red")
        self.commit = self.it.push(f"number {self.count}")
        if not bad:
            self.good, self.context = self.commit, context

    # ── how far it is ──────────────────────────────────────────────────────────────────────────

    def phase(self) -> str:
        """What it is at with the newest commit."""
        noted, revisions = self._state("source"), self.it.state / "revisions"
        if self._state("admitted").get("revision") == self.commit:
            return "apply" if (noted.get("admitted") or {}).get("commit") == self.commit else "admit"
        if (revisions / self.commit).is_dir():
            return "switch"
        if noted.get("attempted") == self.commit:
            return "export" if (revisions / ".stage").is_dir() else "fetch"
        return "look"

    def _state(self, name: str) -> dict[str, Any]:
        try:
            return json.loads((self.it.state / f"{name}.json").read_bytes())["value"]
        except FileNotFoundError:
            return {}

    def _until(self, phase: str) -> float:
        """Seconds until it got so far, or beyond."""
        began, wanted = time.monotonic(), PHASES.index(phase)
        while PHASES.index(self.phase()) < wanted:
            assert time.monotonic() < began + PATIENCE_S, f"{self.phase()} and not {phase}\n{self.it.said()}"
        return time.monotonic() - began

    def measure(self) -> None:
        """Let one push through, and see how long each phase takes."""
        self.push(bad=False)
        self.it.post("/api/source/sync")
        at = [self._until(phase) for phase in PHASES]
        self.lengths = dict(zip(PHASES, [*(max(length, SHORTEST_S) for length in at[1:]), 0.5], strict=True))
        self.converged()

    # ── one kill ───────────────────────────────────────────────────────────────────────────────

    def kill(self, phase: str) -> None:
        """Somewhere in this phase of what follows from a push."""
        self.it.post("/api/source/sync")
        self._until(phase)
        threading.Event().wait(self.chance.uniform(0, self.lengths[phase]))
        self.it.kill()
        self.met[self.phase()] += 1

    def converged(self) -> None:
        """The newest good revision is in force, and the container is as it says."""
        done = self.it.sync()
        source = self.it.get("/api/source")
        told = f"{done.stdout}{done.stderr}{json.dumps(source, indent=1)}\n{self.it.said()}"
        assert (source["attempted"], source["fetched"]) == (self.commit, self.commit), told
        assert (source["admitted"], source["applied"]) == (self.good, self.good), told
        assert (self.it.source("Admitted")["status"] == "True") == (self.good == self.commit), told
        assert (done.returncode == 0) == (self.good == self.commit), told
        [row] = self.it.containers().values()
        assert str(self.context) in row["Command"], row
        assert len(self.it.slots()) == 1 + OFF


@pytest.fixture
def killed(machine: Machine) -> Iterator[Killed]:
    machine.wipe()
    following = Following(machine)
    for slot in ("code", "util"):
        following.home.delete(f"slots/{slot}.toml")
    made = Killed(following, SEED)
    made.push(bad=False)
    following.start()
    made.converged()
    yield made
    following.close()


@pytest.mark.timeout(20 + 15 * KILLS)
def test_killed_at_any_instant_it_converges_to_the_newest_good_revision(killed: Killed) -> None:
    print(f"SEED={SEED}")
    killed.measure()
    for number in range(KILLS):
        bad = killed.chance.random() < 0.3
        before = killed.it.cids()
        killed.push(bad=bad)
        phases = PHASES[:4] if bad else PHASES  # a bad one is never admitted
        killed.kill(phases[number % len(phases)])
        killed.it.start()
        killed.converged()
        if bad:
            assert killed.it.cids() == before, "a refused revision touches no container, killed or not"
    print(f"killed at {dict(killed.met)}; lengths in s {killed.lengths}")
    assert sum(killed.met.values()) == KILLS
    if KILLS >= 50:
        assert killed.met.keys() >= {"fetch", "export", "switch", "apply"}
