"""What lasts a moment makes nobody look up."""

from hal0_operator.model import action as a
from hal0_operator.reconcile.state import Run
from hal0_operator.status.conditions import conditions
from hal0_operator.status.facts import AdmissionFacts, SlotFacts
from hal0_operator.status.phase import phase
from tests.reconcile.turns import Turns
from tests.sim.home import Home, Want, slot

GONE = Run("gone", since=0, tick=0, next_probe=0, interval=1, path_broken=True)
IN_USE = a.Fault("port_in_use", "address already in use")


def phase_of(turns: Turns) -> str:
    view = turns.core.view("chat", turns.now)
    return phase(SlotFacts(view=view, admission=AdmissionFacts(), ready=False, now=turns.now, stamp=str), None)


def test_a_port_that_is_free_within_moments_blocks_nothing_and_one_that_stays_taken_does():
    turns = Turns(Home({"chat": slot(8101)}), answer=lambda effect: IN_USE if isinstance(effect, a.Start) else None)
    turns.run(0.3)
    assert turns.count(a.Start) == 2
    assert turns.core.state("chat").waiting.reason == "PortHeld"
    assert phase_of(turns) == "Starting"
    turns.run(3)
    assert phase_of(turns) == "Blocked"


def test_a_path_that_was_broken_to_a_container_that_is_gone_blocks_nothing():
    turns = Turns(Home({"chat": slot(8101)}))
    turns.slow = {a.Create}
    turns.core.state("chat").run = GONE
    turns.run(1)
    assert phase_of(turns) == "Starting"


def conditions_of(turns: Turns) -> dict[str, str]:
    facts = SlotFacts(
        view=turns.core.view("chat", turns.now), admission=AdmissionFacts(), ready=False, now=0, stamp=str
    )
    return {c.type: c.status for c in conditions(facts, phase(facts, None))}


def test_a_slot_that_is_off_is_settled_once_its_container_is_gone():
    turns = Turns(Home({"chat": slot(8101)}))
    turns.run(1)
    turns.slow = {a.Remove}
    turns.home.slot("chat", Want(port=8101, enabled=False).text)
    turns.edit()
    turns.run(1)
    turns.core.died("chat-1", turns.now)
    assert phase_of(turns) == "Off"
    assert conditions_of(turns)["Reconciling"] == "True", "its container is still there"

    gone = Turns(Home({"chat": Want(port=8101, enabled=False).text}))
    gone.run(1)
    assert (phase_of(gone), conditions_of(gone)["Reconciling"]) == ("Off", "False")
