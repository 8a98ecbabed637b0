"""What is known of the images stands while it is looked at anew."""

from hal0_operator.reconcile.image_drift import image_drift
from tests.reconcile.turns import Turns
from tests.sim.home import Home, slot


def drift(turns: Turns) -> str:
    return image_drift(turns.core.view("chat", turns.now))


def test_a_drift_is_shown_without_a_break_while_the_images_change():
    turns = Turns(Home({"chat": slot(8101)}))
    turns.run(5)
    assert drift(turns) == ""
    turns.images["localhost/stub:1"] = "i9"
    turns.core.images_changed()
    turns.run(1)
    shown = drift(turns)
    assert "i9 now, i1 runs" in shown
    turns.core.images_changed()
    assert drift(turns) == shown


def test_a_container_that_was_adopted_and_served_is_known_by_its_id_from_then_on():
    before = Turns(Home({"chat": slot(8101)}))
    before.run(5)
    after = Turns(Home({"chat": slot(8101)}))
    after.containers = before.containers
    after.run(1)
    assert after.core.is_ready("chat")
    assert after.core.world.recorded == {after.core.notes.of("chat").container: "chat"}
