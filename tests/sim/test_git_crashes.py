"""The operator is killed at every call of git, of its disk and of the home, and at every effect, in every scenario.

``STRIDE=1`` plays all of them; without it every ``STRIDE``-th is, another one in each scenario.
"""

import contextlib
import os

import pytest

from tests.sim.follower import Follower
from tests.sim.git_scenarios import GIT_SCENARIOS, four
from tests.sim.invariants import Invariants, converged
from tests.sim.revisions import Revisions
from tests.sim.simulator import Crash

STRIDE = int(os.environ.get("STRIDE", "60"))
CALM_S = 60.0
"""Two timer turns, and two looks at the remote."""


def played(name: str, **crash: Crash) -> Follower:
    sim = Follower(four(), **crash)
    with contextlib.closing(sim):
        Invariants(sim, Revisions)
        GIT_SCENARIOS[name](sim)
        sim.run(CALM_S)
        status = sim.operator.source()
        wrong = converged(sim)
        wrong += [] if {status.admitted, status.applied} == {sim.repository.branch} else [str(status)]
        assert wrong == [], f"{name}, {crash}: {wrong}\n" + "\n".join(sim.journal[-40:])
    return sim


@pytest.mark.parametrize("name", GIT_SCENARIOS)
def test_killed_at_any_call_the_next_start_converges_to_the_newest_revision_and_never_goes_back(name: str) -> None:
    plain = played(name)
    first = sorted(GIT_SCENARIOS).index(name) % STRIDE + 1
    assert plain.away.calls > 10
    for before in (True, False):
        for at in range(first, plain.away.calls + 1, STRIDE):
            played(name, git_crash=Crash(at, before))
        for at in range(first, plain.effects + 1, STRIDE):
            played(name, crash=Crash(at, before))
