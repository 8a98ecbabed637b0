"""The thinnest path: one slot from nothing to Ready, and back after a kill."""

from tests.sim.home import Home, slot
from tests.sim.invariants import Invariants, converged
from tests.sim.simulator import Simulator


def test_a_slot_becomes_ready_and_comes_back_after_a_kill():
    sim = Simulator(Home({"chat": slot(8101)}))
    Invariants(sim)
    sim.run(3)
    assert converged(sim) == []
    box = next(iter(sim.podman.boxes.values()))
    sim.podman.kill(box.process.pid)
    sim.run(0.5)
    assert box.running
    sim.run(3)
    assert converged(sim) == []
