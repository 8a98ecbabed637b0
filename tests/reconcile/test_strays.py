"""Copies of our containers: known by slot, for as long as they exist, and no one's."""

from hal0_operator.model.container import LABEL_HOME, LABEL_SLOT
from hal0_operator.model.world import Container
from hal0_operator.reconcile.world import World


def copy(id: str, name: str, home: str = "h1") -> Container:
    return Container(id=id, name=name, state="running", labels={LABEL_HOME: home, LABEL_SLOT: "chat"})


def test_only_copies_of_this_home_under_other_names_are_strays():
    world = World("h1")
    for row in (copy("1", "hal0-chat"), copy("2", "mine"), copy("3", "theirs", "h2")):
        world.put(row)
    assert [c.id for c in world.strays("chat")] == ["2"]
    assert world.strays("code") == ()
    assert [c.id for c in world.copy().strays("chat")] == ["2"]


def test_a_stray_that_goes_or_turns_out_to_be_ours_is_none():
    world = World("h1")
    world.put(copy("2", "mine"))
    world.record("2", "chat")
    world.put(copy("2", "mine"))
    assert world.strays("chat") == ()
    assert [c.id for c in world.own("chat")] == ["2"]
    world.put(copy("4", "other"))
    world.drop("4")
    assert world.strays("chat") == ()
