"""An image is fetched once, for as long as a slot wants it, and a fresh one is asked for once."""

import pytest

from hal0_operator.model import action as a
from hal0_operator.reconcile.core import slot_key
from hal0_operator.reconcile.desired import Wishes
from tests.reconcile.turns import Turns
from tests.sim.home import Home, Want, slot

PULL = a.Key("pull", "localhost/dev:1")
NOBODY = Wishes(idle=frozenset({"chat"}))
LATER = Want(port=8101, profile="dev", on_demand=True, idle=20)

FAILED = a.Fault("pull_failed", "the registry does not answer")


def failing(effect: a.Effect) -> a.Outcome | None:
    return FAILED if isinstance(effect, a.Pull) else None


def pulling() -> Turns:
    """A slot whose image is being fetched, for as long as the test lasts."""
    turns = Turns(Home({"chat": slot(8101, profile="dev")}))
    turns.slow = {a.Pull}
    turns.run(2)
    assert turns.count(a.Pull) == 1
    assert turns.core.abandoned() == []
    return turns


def test_a_pull_outlives_a_podman_that_is_too_busy_to_answer_a_list():
    turns = pulling()
    turns.answer = lambda effect: (
        a.Fault("unknown_outcome", "no answer in time") if isinstance(effect, a.List) else None
    )
    turns.core.hint(None)
    turns.run(3)
    assert turns.core.podman.down
    turns.core.begin(slot_key("chat"), turns.now)
    assert turns.core.abandoned() == []


def test_a_pull_outlives_a_look_at_the_images():
    turns = pulling()
    turns.core.images_changed()
    turns.core.begin(slot_key("chat"), turns.now)
    assert turns.core.abandoned() == []
    turns.run(1)
    assert turns.core.abandoned() == []


def test_a_pull_is_given_up_when_the_slot_is_off_or_wants_another_image():
    for text in (slot(8101), Want(port=8101, profile="dev", enabled=False).text):
        turns = pulling()
        turns.home.slot("chat", text)
        turns.edit()
        turns.run(1)
        assert turns.core.abandoned() == [a.Key("pull", "localhost/dev:1")]


def test_an_image_that_came_by_hand_is_used_at_once():
    turns = Turns(Home({"chat": slot(8101, profile="dev")}), answer=failing)
    turns.run(120)
    turns.images["localhost/dev:1"] = "i3"
    turns.core.images_changed()
    turns.run(1)
    assert turns.core.is_ready("chat")
    pulls = turns.count(a.Pull)
    turns.run(1000)
    assert turns.count(a.Pull) == pulls
    assert turns.core.pulls.states == {}


def test_a_restart_with_a_fresh_pull_that_fails_leaves_the_serving_container_alone():
    turns = Turns(Home({"chat": slot(8101)}), answer=failing)
    turns.run(5)
    turns.core.restart("chat", pull=True)
    turns.run(400)
    assert turns.count(a.Pull) == 1
    assert turns.count(a.Remove) == 0
    assert turns.core.is_ready("chat")


def test_a_slot_that_is_down_does_not_wait_for_a_registry_when_its_image_is_here():
    turns = Turns(Home({"chat": slot(8101)}), answer=failing)
    turns.run(5)
    turns.core.restart("chat", pull=True)
    died, turns.containers = next(iter(turns.containers)), {}
    turns.core.died(died, turns.now)
    turns.run(5)
    assert turns.count(a.Pull) == 1
    assert turns.core.is_ready("chat")


def test_looks_at_a_waiting_slot_queue_no_second_pull():
    turns = Turns(Home({"chat": slot(8101, profile="dev"), "code": slot(8102, profile="dev")}))
    turns.slow = {a.Pull}
    turns.run(2)
    for name in ("chat", "code"):
        turns.core.hint(name)
    turns.run(2)
    turns.slow = set()
    turns.images["localhost/dev:1"] = "i3"
    key = a.Key("pull", "localhost/dev:1")
    turns.core.end(key, a.Pull("localhost/dev:1", ""), a.Done(), turns.now)
    turns.run(60)
    assert turns.core.is_ready("chat")
    assert turns.core.is_ready("code")
    assert turns.count(a.Pull) == 1


def idle_while_pulling() -> Turns:
    """A slot on demand that nobody asks for any more while its image is being fetched."""
    turns = Turns(Home({"chat": LATER.text, "code": slot(8102)}))
    turns.slow = {a.Pull}
    turns.run(2)
    assert turns.count(a.Pull) == 1
    turns.core.override(NOBODY)
    turns.core.hint(None)
    turns.run(60)
    assert turns.core.aims.targets["chat"].off == "Idle"
    return turns


def test_a_pull_goes_on_when_nobody_asks_for_its_slot_on_demand_any_more():
    turns = idle_while_pulling()
    assert turns.core.abandoned() == []
    turns.slow = set()
    turns.images["localhost/dev:1"] = "i3"
    turns.core.end(PULL, a.Pull("localhost/dev:1", ""), a.Done(), turns.now)
    turns.run(60)
    assert (turns.core.pulls.states, turns.core.state("chat").wants_image) == ({}, "")
    assert not turns.core.world.own("chat")
    turns.core.override(Wishes())
    turns.run(5)
    assert turns.core.is_ready("chat")
    assert turns.count(a.Pull) == 1


def test_a_pull_that_fails_for_a_slot_that_is_idle_by_then_is_tried_again_by_the_next_request_alone():
    turns = idle_while_pulling()
    turns.core.end(PULL, a.Pull("localhost/dev:1", ""), FAILED, turns.now)
    assert turns.core.state("chat").wants_image == ""
    turns.run(600)
    assert turns.count(a.Pull) == 1
    assert turns.core.pulls.states == {}
    turns.core.override(Wishes())
    turns.run(5)
    assert turns.count(a.Pull) == 2


@pytest.mark.parametrize("change", ["off", "another image", "suspended", "deleted"])
def test_a_pull_for_an_idle_slot_is_given_up_for_what_gives_up_any_other(change: str):
    turns = idle_while_pulling()
    match change:
        case "off":
            turns.home.slot("chat", Want(port=8101, profile="dev", on_demand=True, enabled=False).text)
        case "another image":
            turns.home.slot("chat", Want(port=8101, on_demand=True).text)
        case "suspended":
            turns.home.slot("chat", Want(port=8101, profile="dev", on_demand=True, suspend=True).text)
        case "deleted":
            turns.home.slot("chat", None)
    turns.edit()
    turns.run(1)
    assert turns.core.abandoned() == [PULL]
