"""The operator is killed at every effect of every scenario, before it is sent and after it took effect."""

import pytest

from tests.sim.invariants import Invariants, converged
from tests.sim.routing import Routing
from tests.sim.scenarios import SCENARIOS, simulator
from tests.sim.simulator import Crash
from tests.sim.statuses import StatusRules

CALM_S = 45.0
"""Two timer turns and the start-up that may follow."""


def test_scenarios_converge_when_nothing_goes_wrong():
    for scenario in SCENARIOS.values():
        sim = simulator(scenario)
        Invariants(sim)
        StatusRules(sim)
        scenario.script(sim)
        sim.run(CALM_S)
        wrong = converged(sim) or Routing(sim).at_rest()
        assert wrong == [], f"{scenario.name}: {wrong}\n" + "\n".join(sim.journal[-30:])


@pytest.mark.parametrize("name", SCENARIOS)
def test_killed_at_any_effect_the_next_start_converges(name):
    scenario = SCENARIOS[name]
    plain = simulator(scenario)
    Invariants(plain)
    scenario.script(plain)
    assert plain.effects > 5
    for at in range(1, plain.effects + 1):
        for before in (True, False):
            sim = simulator(scenario, crash=Crash(at, before))
            Invariants(sim)
            StatusRules(sim)
            scenario.script(sim)
            sim.run(CALM_S)
            where = f"killed {'before' if before else 'after'} effect {at} of {plain.effects}"
            wrong = converged(sim) or Routing(sim).at_rest()
            assert wrong == [], f"{where}: {wrong}\n" + "\n".join(sim.journal[-40:])
