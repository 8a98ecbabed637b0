"""What becomes of a container after it was Ready."""

from hal0_operator.model import action as a
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.state import SlotState
from tests.reconcile.test_runs import PACE, probed, started
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot


def ready_at(state: SlotState, now: float) -> None:
    runs.begin(state, "c1", 1, now, PACE, adopted=False)
    probed(state, "passed", now)


def test_ten_minutes_of_readiness_forgive_what_was_before_however_they_end():
    state = started()
    for _ in range(8):
        runs.failed(state, "d1", 10, lambda _share: 1.0, unready=False)
    assert state.next_start > 10
    ready_at(state, 100)
    runs.failed(state, "d1", 100 + runs.RESET_AFTER_READY_S - 1, lambda _share: 1.0, unready=False)
    assert state.exits == 9
    ready_at(state, 2000)
    runs.failed(state, "d1", 2000 + runs.RESET_AFTER_READY_S, lambda _share: 1.0, unready=False)
    assert state.exits == 1
    assert state.next_start == 2000 + runs.RESET_AFTER_READY_S, "the first restart is at once"


def test_the_death_of_the_old_container_is_no_failure_of_the_inputs_that_wait_to_replace_it():
    turns = Turns(Home({"chat": slot(8101)}))
    turns.answer = lambda effect: a.Probed(a.ProbeResult("loading")) if isinstance(effect, a.Probe) else None
    turns.run(5)
    id, digest = next((c.id, c.digest) for c in turns.containers.values())
    turns.home.slot("chat", slot(8101, context=1024))
    turns.edit()
    turns.core.died(id, turns.now)
    assert turns.core.digest_of("chat") != digest
    assert turns.core.state("chat").exits_digest == digest


def test_a_container_that_does_not_answer_through_its_port_any_more_is_not_ready():
    turns = Turns(Home({"chat": slot(8101)}))
    turns.run(5)
    assert turns.core.is_ready("chat")
    broken = a.Probed(a.ProbeResult("refused", inside=True))
    turns.answer = lambda effect: broken if isinstance(effect, a.Probe) else None
    turns.run(70)
    assert not turns.core.is_ready("chat")
    assert turns.count(a.Remove) == 0, "another container would have the same port"
    turns.answer = lambda _effect: None
    turns.run(2)
    assert turns.core.is_ready("chat")


def test_a_busy_server_that_answers_inside_by_chance_is_no_broken_path():
    state = started()
    probed(state, "passed", 1)
    probed(state, "timeout", 2, inside=True)
    assert not state.run.path_broken
