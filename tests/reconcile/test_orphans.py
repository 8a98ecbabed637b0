"""Processes that outlived their containers: each of ours is ended, nobody else's is."""

import pytest

from tests.sim.home import Home, npu, slot
from tests.sim.invariants import Invariants, converged
from tests.sim.machine import stop_for_ever
from tests.sim.simulator import Simulator

TWO_TIMER_TURNS_S = 66.0


def orphaned(*, monitored: bool) -> tuple[Simulator, int]:
    """An NPU slot whose container was removed in the middle of a stop, while no operator ran."""
    sim = Simulator(Home({"npu": npu(8110), "chat": slot(8101)}))
    Invariants(sim)
    sim.run(3)
    box = next(b for b in sim.podman.boxes.values() if b.takes_npu)
    stop_for_ever(box)
    box.process.monitored = monitored
    sim.podman.remove(box.id, 0)
    sim.reconciler.world.ghosts.clear()
    return sim, box.process.pid


def alive(sim: Simulator, pid: int) -> bool:
    return any(p.pid == pid and p.alive for p in sim.podman.processes)


@pytest.mark.parametrize("monitored", [True, False], ids=["with its conmon", "alone"])
def test_a_new_operator_ends_the_process_of_a_container_that_the_last_one_created(monitored: bool) -> None:
    sim, pid = orphaned(monitored=monitored)
    sim.boot()
    sim.run(TWO_TIMER_TURNS_S)
    assert not alive(sim, pid)
    assert converged(sim) == []


def test_a_conmon_with_our_name_is_ended_even_when_the_state_is_lost() -> None:
    sim, pid = orphaned(monitored=True)
    sim.memory = type(sim.memory)()
    sim.boot()
    sim.run(TWO_TIMER_TURNS_S)
    assert not alive(sim, pid)
    assert converged(sim) == []


def test_a_process_that_nothing_proves_to_be_ours_is_named_and_left_alone() -> None:
    sim, pid = orphaned(monitored=False)
    sim.memory = type(sim.memory)()
    sim.boot()
    sim.run(TWO_TIMER_TURNS_S)
    assert alive(sim, pid)
    waiting = sim.reconciler.state("npu").waiting
    assert (waiting.reason, f"pid {pid}" in waiting.message) == ("NPUHeld", True)


def test_the_orphan_of_another_slot_of_this_home_does_not_block_a_port_for_ever() -> None:
    """The ports of two slots were changed round while one's conmon outlived its container and the state was lost."""
    sim = Simulator(Home({"a": slot(8101), "b": slot(8102)}))
    Invariants(sim)
    sim.run(3)
    for box in list(sim.podman.boxes.values()):
        stop_for_ever(box)
        sim.podman.remove(box.id, 0)
    sim.home.slot("a", slot(8102))
    sim.home.slot("b", slot(8101))
    sim.memory = type(sim.memory)()
    sim.boot()
    sim.run(TWO_TIMER_TURNS_S)
    assert converged(sim) == []
    assert len([p for p in sim.podman.processes if p.alive]) == 2


def test_a_conmon_that_is_named_for_no_slot_of_this_home_is_named_and_left_alone() -> None:
    sim = Simulator(Home({"a": slot(8101)}))
    Invariants(sim)
    process = sim.podman.process("f" * 64, "hal0-elsewhere", (8101,), npu=False)
    sim.run(TWO_TIMER_TURNS_S)
    assert process.alive
    waiting = sim.reconciler.state("a").waiting
    assert (waiting.reason, "hal0-elsewhere" in waiting.message) == ("PortHeld", True)


def test_the_npu_is_looked_at_anew_after_any_container_went() -> None:
    """Removed by hand within seconds of its start, before its process was known: the node tells."""
    sim = Simulator(Home({"npu": npu(8110)}))
    Invariants(sim)
    sim.run(0.2)
    box = next(b for b in sim.podman.boxes.values() if b.takes_npu)
    assert box.running
    stop_for_ever(box)
    box.process.monitored = False
    sim.podman.remove(box.id, 0)
    sim.run(TWO_TIMER_TURNS_S)
    assert converged(sim) == []
    assert not alive(sim, box.process.pid)
