"""What a slot leaves behind goes with it, also when it went while no operator ran."""

from hal0_operator.model.memory import Memory, SlotMemory
from hal0_operator.reconcile import world
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot


def test_a_slot_that_went_while_no_operator_ran_gives_its_chosen_port_back():
    memory = Memory({"old": SlotMemory(port=8081), "chat": SlotMemory(port=8082)})
    turns = Turns(Home({"chat": slot(), "new": slot()}), memory=memory)
    turns.run(5)
    assert {name: known.port for name, known in turns.core.notes.slots.items()} == {"chat": 8082, "new": 8081}


def test_a_home_that_comes_and_goes_leaves_nothing_that_grows(monkeypatch):
    monkeypatch.setattr(world, "RECORDED", 100)
    turns = Turns(Home({"chat": slot(8101)}))
    turns.run(5)
    for round in range(300):
        turns.home.slot("more", slot(8102 + round % 3, f"m{round}"))
        turns.edit()
        turns.run(1)
        turns.home.slot("more", None)
        turns.edit()
        turns.run(1)
    core = turns.core
    assert core.states.keys() == core.notes.slots.keys() == {"chat"}
    assert core.world.containers.keys() == turns.containers.keys()
    kept = (core.world.recorded, core.world.ghosts, core.begun, core.pulls.states, core.aims.swapping, core.blocked)
    assert max(len(it) for it in kept) <= 128
    assert len(core.queue._when) + len(core.queue._later) <= 128
    assert core.aims._memo.rows.keys() == {"chat"}
