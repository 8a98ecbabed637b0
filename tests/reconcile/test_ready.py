"""Ready: a probe passed on the container that serves what is effective now."""

from tests.sim.home import Home, slot
from tests.sim.invariants import converged
from tests.sim.simulator import Simulator


def test_a_slot_is_ready_again_when_an_edit_is_taken_back_while_its_container_serves():
    sim = Simulator(Home({"chat": slot(8101)}))
    sim.run(3)
    sim.missing_models.add("absent")
    sim.home.slot("chat", slot(8101, "absent"))
    sim.edit()
    sim.run(3)
    assert not sim.reconciler.is_ready("chat"), "the old container serves, but not what is asked for"
    sim.home.slot("chat", slot(8101))
    sim.edit()
    sim.run(1)
    assert converged(sim) == []


def test_a_probe_that_passes_before_the_home_was_read_counts_once_it_was():
    sim = Simulator(Home({"chat": slot(8101)}))
    sim.run(3)
    sim.crash()
    sim._home_pending = False  # a slow disk, or git at work
    sim.run(3)
    assert sim.reconciler.state("chat").run.ready
    assert not sim.reconciler.is_ready("chat")
    sim.edit()
    sim.run(0.1)
    assert converged(sim) == []
