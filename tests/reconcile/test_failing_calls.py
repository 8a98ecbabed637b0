"""A call that fails of the operator's own machine, or of nobody knows what, is not repeated at once."""

import pytest

from hal0_operator.model import action as a
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot

FAULT = a.Fault("local", "Too many open files")


def chat() -> Home:
    return Home({"chat": slot(8101)})


def failing(*kinds: type[a.Effect]):
    return lambda effect: FAULT if isinstance(effect, kinds) else None


def test_a_host_that_cannot_be_looked_at_is_looked_at_ever_more_seldom_and_the_served_slot_keeps_serving():
    turns = Turns(chat())
    turns.run(5)
    assert turns.core.is_ready("chat")
    turns.core.state("chat").facts_for = ""
    turns.core.touch("chat")
    turns.answer = failing(a.Check)
    begun = turns.now
    turns.run(20)
    assert 1 <= turns.count(a.Check, begun) <= 15
    assert turns.core.is_ready("chat")


def test_a_swap_waits_for_a_host_that_cannot_be_looked_at():
    turns = Turns(chat())
    turns.run(5)
    turns.answer = failing(a.Check)
    turns.home.slot("chat", slot(8101, "n"))
    begun = turns.now
    turns.edit()
    turns.run(20)
    assert 1 <= turns.count(a.Check, begun) <= 15
    turns.answer = lambda _effect: None
    turns.run(11)
    assert turns.core.is_ready("chat"), "what was in the way is gone"


def test_a_port_is_not_looked_for_without_pause_on_a_host_that_cannot_be_looked_at():
    turns = Turns(Home({"chat": slot()}), answer=failing(a.Check))
    turns.run(20)
    assert 1 <= turns.count(a.Check) <= 15


@pytest.mark.parametrize("kind", ["local", "unknown_outcome", "state_improper", "runtime_leftover", "conmon_gone"])
def test_a_create_that_fails_for_no_reason_of_the_container_is_paced_and_rejects_nothing(kind):
    fault = a.Fault(kind, "no space left on device")
    turns = Turns(chat(), answer=lambda effect: fault if isinstance(effect, a.Create) else None)
    turns.run(20)
    assert 2 <= turns.count(a.Create) <= 15
    assert turns.core.notes.of("chat").rejected is None
    turns.answer = lambda _effect: None
    turns.run(11)
    assert turns.core.is_ready("chat")


def test_a_start_whose_answer_is_lost_each_time_is_paced():
    fault = a.Fault("unknown_outcome", "connection reset")
    turns = Turns(chat(), answer=lambda effect: fault if isinstance(effect, a.Start) else None)
    turns.run(20)
    assert 2 <= turns.count(a.Start) <= 15


def test_an_orphan_that_does_not_die_is_not_killed_without_pause():
    turns = Turns(chat())
    turns.run(5)
    gone = turns.core.world.containers[next(iter(turns.containers))]
    turns.containers.clear()
    turns.answer = failing(a.KillOrphan)
    turns.core.hint(None)
    turns.run(0.1)
    assert gone.id in turns.core.world.ghosts
    begun = turns.now
    turns.run(20)
    assert 1 <= turns.count(a.KillOrphan, begun) <= 15


def test_ends_of_what_somebody_else_was_faster_to_start_are_paced_as_well():
    turns = Turns(chat())

    def elsewhere(effect: a.Effect) -> a.Outcome | None:
        """Each start meets a container that runs already, and is over when the list comes."""
        if not isinstance(effect, a.Start):
            return None
        row = turns.containers[effect.id]
        turns.put(row.id, name=row.name, state="exited", exit_code=1, labels=row.labels, ports=row.ports)
        return a.NotModified()

    turns.answer = elsewhere
    turns.run(20)
    assert 3 <= turns.count(a.Start) <= 15
