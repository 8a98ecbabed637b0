"""A process of ours that outlived its container is ended, once it had its time to die."""

from hal0_operator.loop.intake import Intake
from hal0_operator.model.action import KillOrphan
from hal0_operator.model.container import LABEL_HOME, LABEL_SLOT, LABEL_SPEC
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container
from hal0_operator.reconcile.core import slot_key
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.run import load_seeds
from tests.sim.home import Home, slot


def gone(home: str = "h1") -> Container:
    """A container of the slot old, last seen running."""
    labels = {LABEL_HOME: home, LABEL_SLOT: "old"}
    return Container(id="c1", name="hal0-old", state="running", pid=77, labels=labels, ports=(8101,), alive=True)


def loop(container: Container) -> Reconciler:
    """One that wants a slot on a port which the process of a removed container still holds."""
    core = Reconciler("h1", Settings(), Memory(), lambda _share: 1.0)
    found = Intake(load_seeds(), Settings(), None).decide(Home({"chat": slot(8101)}).files(), frozenset(), "")
    core.world.tick, core.world.images_fresh = 1, True
    core.admit(found.desired, 0)
    core.world.haunt(container, 10.0)
    return core


def test_a_process_that_is_dying_is_waited_for_and_one_that_lives_on_is_killed():
    core = loop(gone())
    assert core.begin(slot_key("chat"), 10.5) is None
    assert core.state("chat").waiting.reason == "PortHeld"
    effect = core.begin(slot_key("chat"), 11.0)
    assert isinstance(effect, KillOrphan)
    assert (effect.pid, effect.id) == (77, "c1")


def test_it_is_killed_too_where_the_slot_has_a_container_that_waits_for_the_port():
    """Somebody cloned the container before it went: the copy has the name, the labels and no process."""
    core = loop(gone())
    labels = {LABEL_HOME: "h1", LABEL_SLOT: "chat", LABEL_SPEC: core.aims.effective["chat"].digest}
    core.world.put(Container(id="c2", name="hal0-chat", state="created", labels=labels, ports=(8101,)))
    assert core.begin(slot_key("chat"), 10.5) is None
    effect = core.begin(slot_key("chat"), 11.0)
    assert isinstance(effect, KillOrphan)
    assert (effect.pid, effect.id) == (77, "c1")


def test_the_process_of_another_home_is_left_alone_and_the_host_says_what_it_holds():
    core = loop(gone("h2"))
    assert core.world.ghosts == {}
    assert not isinstance(core.begin(slot_key("chat"), 99.0), KillOrphan)
