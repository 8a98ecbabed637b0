"""A container is given up once its requests are answered, or when they have had their time."""

import pytest

from hal0_operator.loop.known import known
from hal0_operator.model import action as a
from hal0_operator.reconcile.plan import plan
from hal0_operator.status.facts import AdmissionFacts, SlotFacts
from hal0_operator.status.phase import phase
from tests.reconcile.turns import Turns
from tests.sim.home import Home, Want, slot
from tests.sim.invariants import Invariants, converged
from tests.sim.simulator import SETTINGS, Simulator

DRAIN_S = SETTINGS.loop.drain_s


def busy(*names: str, requests: int = 2, **wants: Want) -> Simulator:
    """All slots are Ready, and these have requests in flight."""
    homes = {name: want.text for name, want in wants.items()} or {"chat": slot(8101), "code": slot(8102)}
    sim = Simulator(Home(homes))
    Invariants(sim)
    sim.run(5)
    assert converged(sim) == []
    for name in names:
        requests_in_flight(sim, name, requests)
    return sim


def own(sim: Simulator, name: str) -> str:
    return sim.reconciler.world.own(name)[0].id


def requests_in_flight(sim: Simulator, name: str, count: int, container: str = "") -> None:
    sim.reconciler.traffic(name, container or own(sim, name), count)
    sim.pump()


def removals(sim: Simulator, name: str = "chat") -> list[str]:
    return [line for line in sim.journal if f"remove {name}" in line]


def edit(sim: Simulator, name: str = "chat", text: str | None = slot(8101, context=8192)) -> None:
    sim.home.slot(name, text)
    sim.edit()


def off(sim: Simulator) -> None:
    edit(sim, text=Want(port=8101, enabled=False).text)


GIVEN_UP = {
    "a swap": edit,
    "switched off": off,
    "its file gone": lambda sim: edit(sim, text=None),
    "a restart": lambda sim: sim.restart("chat"),
}


@pytest.mark.parametrize("what", GIVEN_UP)
def test_it_waits_for_the_requests_in_flight_and_goes_at_once_when_they_are_answered(what: str) -> None:
    sim = busy("chat")
    GIVEN_UP[what](sim)
    sim.run(5)
    assert removals(sim) == []
    assert sim.reconciler.draining("chat")
    requests_in_flight(sim, "chat", 1)
    assert removals(sim) == []
    requests_in_flight(sim, "chat", 0)
    sim.run(0.05)
    assert len(removals(sim)) == 1
    assert sim.reconciler.draining("chat"), "while it is being removed it is sent none either"
    sim.run(5)
    assert not sim.reconciler.draining("chat")
    assert converged(sim) == []


def test_requests_that_take_longer_than_the_limit_are_cut_off_and_counted() -> None:
    sim = busy("chat", requests=3)
    news = []
    sim.reconciler.notes.news = Kept(news)
    edit(sim)
    sim.run(DRAIN_S - 1)
    assert removals(sim) == []
    sim.run(2)
    assert len(removals(sim)) == 1
    told = [n.message for n in news if n.reason == "DrainTimeout"]
    assert told == ["3 requests in flight cut off: still not answered after 30 s"]


class Kept(list):
    """The simulator clears the news after every step."""

    def __init__(self, into: list) -> None:
        self.into = into

    def append(self, item: object) -> None:
        self.into.append(item)


def test_a_container_without_requests_goes_at_once() -> None:
    sim = busy("code")
    edit(sim)
    sim.run(0.1)
    assert len(removals(sim)) == 1


def test_requests_of_an_earlier_container_hold_nothing_up() -> None:
    sim = busy()
    requests_in_flight(sim, "chat", 4, container="an earlier one")
    edit(sim)
    sim.run(0.1)
    assert len(removals(sim)) == 1


def test_a_swap_that_cannot_happen_drains_nobody() -> None:
    sim = busy("chat")
    sim.missing_models.add("absent")
    edit(sim, text=slot(8101, "absent"))
    sim.run(5)
    assert sim.reconciler.state("chat").waiting.reason == "ModelMissing"
    assert not sim.reconciler.draining("chat")
    sim.missing_models.clear()
    sim.run(12)
    assert sim.reconciler.draining("chat")


def test_an_edit_that_is_taken_back_ends_the_draining() -> None:
    sim = busy("chat")
    edit(sim)
    sim.run(1)
    assert sim.reconciler.draining("chat")
    edit(sim, text=slot(8101))
    sim.run(1)
    assert not sim.reconciler.draining("chat")
    sim.run(2 * DRAIN_S)
    assert removals(sim) == []


def test_suspending_a_slot_ends_its_draining() -> None:
    sim = busy("chat")
    edit(sim)
    sim.run(1)
    sim.suspend("chat")
    assert not sim.reconciler.draining("chat")
    sim.run(2 * DRAIN_S)
    assert removals(sim) == []


def test_what_is_broken_or_dead_or_a_second_one_is_not_drained() -> None:
    sim = busy("chat", "code")
    box = sim.podman.boxes[own(sim, "chat")]
    box.state = "paused"
    sim.podman.kill(sim.podman.boxes[own(sim, "code")].process.pid)
    sim.run(0.2)
    assert any("start code" in line for line in sim.journal[-12:])
    sim.run(35)
    assert len(removals(sim)) == 1


def test_a_container_that_dies_while_it_drains_is_replaced_at_once() -> None:
    sim = busy("chat")
    edit(sim)
    sim.run(1)
    sim.podman.kill(sim.podman.boxes[own(sim, "chat")].process.pid)
    sim.run(2)
    assert converged(sim) == []


def test_while_podman_is_away_a_draining_slot_serves_on_and_drains_anew_afterwards() -> None:
    sim = busy("chat")
    edit(sim)
    sim.run(20)
    sim.machine.away = True
    sim.reconciler.hint(None)
    sim.pump()
    sim.run(5)
    assert sim.reconciler.podman.down
    assert not sim.reconciler.draining("chat")
    sim.run(40)
    sim.machine.away = False
    sim.run(20)
    assert sim.reconciler.draining("chat")
    assert removals(sim) == [], "it gets its whole time once nothing new is sent there"
    sim.run(20)
    assert len(removals(sim)) == 1


def test_a_removal_whose_answer_was_lost_is_sent_no_requests_until_it_is_known_to_stay() -> None:
    lost = a.Fault("unknown_outcome", "timed out")
    turns = Turns(Home({"chat": slot(8101)}), answer=lambda effect: lost if isinstance(effect, a.Remove) else None)
    turns.run(3)
    turns.home.slot("chat", slot(8101, context=8192))
    turns.edit()
    turns.run(0.5)
    assert turns.count(a.Remove) == 1
    assert turns.core.serving("chat") is not None
    assert turns.core.draining("chat"), "the removal was given up, and may still take effect"
    turns.home.slot("chat", slot(8101))
    turns.edit()
    turns.core.want_list()
    turns.run(0.1)
    assert not turns.core.draining("chat")


def test_swaps_of_one_profile_go_one_at_a_time_while_they_drain_too() -> None:
    sim = busy("s1", "s2", s1=Want(port=8101), s2=Want(port=8102))
    sim.home.flags("--threads 7")
    sim.edit()
    sim.run(2)
    assert [name for name in ("s1", "s2") if sim.reconciler.draining(name)] == ["s1"]
    assert sim.reconciler.state("s2").waiting.reason == "ProfileTurn"
    requests_in_flight(sim, "s1", 0)
    sim.run(5)
    assert sim.reconciler.is_ready("s1")
    assert sim.reconciler.draining("s2")
    requests_in_flight(sim, "s2", 0)
    sim.run(5)
    assert converged(sim) == []


def test_whoever_waits_for_a_profile_looks_again_when_the_first_swap_is_called_off() -> None:
    sim = busy("s1", "s2", s1=Want(port=8101), s2=Want(port=8102))
    sim.home.flags("--threads 7")
    sim.edit()
    sim.run(2)
    sim.suspend("s1")
    sim.run(0.1)
    assert sim.reconciler.draining("s2")


def test_a_rejected_swap_is_rolled_back_after_a_drain_as_without_one() -> None:
    sim = busy("chat")
    edit(sim, text=slot(8101, "crash"))
    sim.run(1)
    requests_in_flight(sim, "chat", 0)
    sim.run(10)
    assert sim.reconciler.rolled_back("chat")
    assert sim.reconciler.is_ready("chat")


def test_a_plan_waits_for_no_drain() -> None:
    sim = busy("chat")
    edit(sim)
    sim.run(1)
    found = plan(sim.reconciler, lambda look: known(sim.reconciler, look), sim.time)
    assert [(p.slot, p.verb) for p in found.actions] == [("chat", "remove"), ("chat", "create"), ("chat", "start")]
    assert found.held == ()
    assert sim.reconciler.draining("chat"), "the loop itself goes on draining"


def test_a_draining_slot_is_ready_and_says_what_it_waits_for() -> None:
    sim = busy("chat", requests=1)
    sim.restart("chat")
    sim.run(0.1)
    core = sim.reconciler
    view = core.view("chat", sim.time)
    facts = SlotFacts(view=view, admission=AdmissionFacts(), ready=core.is_ready("chat"), now=sim.time, stamp=str)
    assert phase(facts, None) == "Ready"
    waiting = view.state.waiting
    assert waiting is not None
    assert waiting.message == "1 request in flight: hal0-chat gets no new ones, and goes once they are answered"
    assert sim.time < waiting.until <= sim.time + DRAIN_S


def test_what_nobody_knows_any_more_leaves_nothing_behind() -> None:
    sim = busy("chat")
    edit(sim, text=None)
    sim.run(1)
    requests_in_flight(sim, "chat", 0)
    sim.run(40)
    core = sim.reconciler
    assert (core.aims.drains, core.flights) == ({}, {})
