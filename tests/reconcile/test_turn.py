"""One slot's turn: what is at rest stays at rest."""

from tests.sim.home import Home, Want, slot
from tests.sim.invariants import Invariants
from tests.sim.simulator import Simulator
from tests.sim.statuses import StatusRules


def slow() -> Want:
    return Want(port=8101, model="slow", timeout=5)


def turns(sim: Simulator, seconds: float) -> int:
    """How often a decision was made for any slot."""
    before = sim.reconciler.tally.turns.total()
    sim.run(seconds)
    return sim.reconciler.tally.turns.total() - before


def test_a_suspended_slot_that_is_not_ready_past_its_deadline_does_not_turn_without_end() -> None:
    sim = Simulator(Home({"chat": slow().text}))
    Invariants(sim)
    sim.run(2)
    sim.suspend("chat")
    sim.run(60)
    assert turns(sim, 60) <= 4
    assert [line for line in sim.journal if "remove" in line] == []


def test_a_slot_whose_port_is_not_to_be_reached_waits_past_its_deadline_without_turning() -> None:
    sim = Simulator(Home({"chat": Want(port=8101, timeout=5).text}))
    Invariants(sim)
    sim.machine.broken_paths.add(8101)
    sim.run(60)
    assert sim.reconciler.state("chat").run.path_broken
    assert turns(sim, 60) <= 4
    assert sim.reconciler.notes.of("chat").rejected is None, "the cause is outside the container"
    sim.machine.broken_paths.clear()
    sim.run(2)
    assert sim.reconciler.is_ready("chat")


def test_a_start_up_deadline_is_met_to_the_moment_without_any_hint() -> None:
    sim = Simulator(Home({"chat": slow().text, "code": slot(8102)}))
    sim.faults.hints = False
    sim.run(5)
    assert [line for line in sim.journal if "savelogs" in line] == []
    sim.run(1)
    assert len([line for line in sim.journal if "savelogs chat" in line]) == 1


def test_a_blocked_slot_stays_blocked_while_it_looks_again() -> None:
    sim = Simulator(Home({"chat": slot(8101)}))
    sim.podman.foreign[8101] = "nginx (pid 7)"
    rules = StatusRules(sim)
    sim.run(2)
    assert rules.before["chat"].phase == "Blocked"
    changes, looks = rules.phases.total(), sum("check chat" in line for line in sim.journal)
    sim.run(60)
    assert sum("check chat" in line for line in sim.journal) > looks
    assert rules.phases.total() == changes
