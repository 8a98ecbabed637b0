"""Whose turn it is: ports, the NPU, and the slots of one profile."""

from tests.sim.home import Home, slot
from tests.sim.invariants import Invariants, converged
from tests.sim.simulator import Simulator


def test_ports_change_hands_although_the_profile_of_both_slots_changes_too() -> None:
    """One gives its port up before it is its turn to try the profile, or both would wait for ever."""
    sim = Simulator(Home({"a": slot(8101), "b": slot(8102), "c": slot(8103)}))
    Invariants(sim)
    sim.run(3)
    sim.home.flags("--threads 4")
    for name, port in (("a", 8102), ("b", 8103), ("c", 8101)):
        sim.home.slot(name, slot(port))
    sim.edit()
    sim.run(20)
    assert converged(sim) == []
    assert {b.slot: b.spec.host_port for b in sim.podman.boxes.values()} == {"a": 8102, "b": 8103, "c": 8101}


def test_a_second_edit_of_the_profile_in_the_middle_of_the_first_blocks_nobody() -> None:
    sim = Simulator(Home({"a": slot(8101), "b": slot(8102), "c": slot(8103)}))
    Invariants(sim)
    sim.run(3)
    for threads in (4, 5, 6):
        sim.home.flags(f"--threads {threads}")
        sim.edit()
        sim.run(0.4)
    sim.run(20)
    assert converged(sim) == []
