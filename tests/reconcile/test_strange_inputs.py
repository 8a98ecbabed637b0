"""A running container of inputs that nobody knows any more: the state was lost, and the home has moved on."""

from hal0_operator.model import action as a
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot

REMOVING = a.Create | a.Start | a.Stop | a.Remove


def adopted() -> Turns:
    """The slot's container serves m, the home asks for a model that is not there."""
    before = Turns(Home({"chat": slot(8101)}))
    before.run(5)
    after = Turns(Home({"chat": slot(8101, "gone")}))
    after.containers = before.containers
    after.answer = _no_model
    return after


def _no_model(effect: a.Effect) -> a.Outcome | None:
    if isinstance(effect, a.Check) and effect.needs.model == "gone":
        return a.Checked(a.HostFacts(problem="ModelMissing", message="no model gone"))
    return None


def test_it_is_left_alone_and_once_its_inputs_are_asked_for_again_it_is_probed_with_all_its_time_to_answer():
    turns = adopted()
    turns.run(1000)
    assert turns.count(a.Probe) == 0
    turns.home.slot("chat", slot(8101))
    loading = turns.now
    turns.answer = lambda effect: (
        a.Probed(a.ProbeResult("loading")) if isinstance(effect, a.Probe) and turns.now < loading + 100 else None
    )
    turns.edit()
    turns.run(110)
    assert turns.core.is_ready("chat")
    assert not [effect for _at, effect in turns.done if isinstance(effect, REMOVING)]


def test_its_start_up_deadline_runs_once_it_is_probed():
    turns = adopted()
    turns.run(1000)
    turns.home.slot("chat", slot(8101))
    turns.answer = lambda effect: a.Probed(a.ProbeResult("loading")) if isinstance(effect, a.Probe) else None
    turns.edit()
    turns.run(119)
    assert turns.count(a.Remove) == 0
    turns.run(5)
    assert turns.count(a.Remove) == 1
