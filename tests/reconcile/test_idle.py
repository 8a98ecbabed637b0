"""Slots on demand that nobody asks for: off, with all that they had kept for them."""

import random

from hal0_operator.loop.known import known
from hal0_operator.model import action as a
from hal0_operator.model.memory import Override
from hal0_operator.model.slot import SlotKeys
from hal0_operator.reconcile.desired import Desired, Wishes
from hal0_operator.reconcile.plan import plan
from hal0_operator.reconcile.rollback import Claims
from tests.sim.faults import Fate, Faults
from tests.sim.home import Home, Want, npu_want, slot
from tests.sim.invariants import Invariants, converged
from tests.sim.simulator import Simulator

CHAT = Want(port=8101, on_demand=True, idle=10)
RECORD = Want(device="npu", type="transcription", profile="flm", model="whisper")


def simulated(**wants: Want) -> Simulator:
    sim = Simulator(Home({name: want.text for name, want in wants.items()}))
    Invariants(sim)
    sim.run(5)
    assert converged(sim) == []
    return sim


def names(sim: Simulator) -> list[str]:
    return sorted(box.spec.name for box in sim.podman.boxes.values() if box.running)


def used(sim: Simulator, name: str = "chat") -> None:
    """One request that takes a moment."""
    sim.requests.ask(name)
    sim.run(2)
    sim.requests.finish_all()


def test_a_slot_on_demand_is_not_started_until_somebody_asks_and_goes_after_its_time() -> None:
    sim = simulated(chat=CHAT, code=Want(port=8102))
    assert names(sim) == ["hal0-code"]
    used(sim)
    assert names(sim) == ["hal0-chat", "hal0-code"]
    sim.run(9.5)
    assert names(sim) == ["hal0-chat", "hal0-code"]
    sim.run(1)
    assert names(sim) == ["hal0-code"]
    assert [line for line in sim.journal if "remove chat" in line][0].endswith("idle: no request for 10 s")


def test_an_operator_that_starts_lets_a_container_that_runs_have_its_time() -> None:
    sim = simulated(chat=CHAT)
    used(sim)
    sim.run(9)
    sim.crash()
    sim.run(9)
    assert names(sim) == ["hal0-chat"]
    sim.run(3)
    assert names(sim) == []


def test_only_slots_on_demand_are_ever_idle() -> None:
    sim = simulated(chat=CHAT, code=Want(port=8102))
    sim.reconciler.override(Wishes(idle=frozenset({"chat", "code", "nonesuch"})))
    sim.pump()
    sim.run(5)
    assert sim.reconciler.aims.targets["code"].wanted
    assert names(sim) == ["hal0-code"]


def test_the_chat_slot_of_the_npu_is_not_idle_while_a_record_needs_it() -> None:
    chat = Want(port=8110, device="npu", profile="flm", model="gemma3:1b", on_demand=True, idle=10)
    sim = simulated(npu=chat)
    assert names(sim) == []
    sim.home.slot("stt", RECORD.text)
    sim.edit()
    sim.run(60)
    assert names(sim) == ["hal0-npu"]
    sim.home.slot("stt", None)
    sim.edit()
    sim.run(9)
    assert names(sim) == ["hal0-npu"], "it had no time of its own until now"
    sim.run(3)
    assert names(sim) == []


def test_which_slots_are_on_demand_is_said_by_device_and_type() -> None:
    sim = simulated(chat=CHAT, npu=npu_want(8110), off=Want(port=8103, on_demand=True, enabled=False))
    assert sim.reconciler.aims.on_demand == {"chat": 10}
    slots = sim.reconciler.aims.desired.slots
    assert {s.operator for s in slots.values() if s.name != "chat"} >= {SlotKeys()}
    assert Desired().on_demand() == {}


def test_suspending_another_slot_leaves_an_idle_one_idle() -> None:
    sim = simulated(chat=CHAT, code=Want(port=8102))
    sim.suspend("code")
    sim.run(5)
    assert sim.reconciler.aims.targets["chat"].off == "Idle"
    sim.resume("code")
    sim.run(5)
    assert names(sim) == ["hal0-code"]


def test_a_suspended_slot_is_not_loaded_by_a_request() -> None:
    sim = simulated(chat=CHAT)
    sim.suspended["chat"] = Override("test", "now")
    sim._wish()
    sim.requests.ask("chat")
    sim.run(5)
    assert names(sim) == []


def test_crashes_keep_their_pace_over_an_idle_time() -> None:
    sim = simulated(chat=CHAT)
    sim.home.slot("chat", Want(port=8101, on_demand=True, idle=5, model="crash").text)
    sim.edit()
    sim.requests.ask("chat")
    sim.run(6)
    state = sim.reconciler.state("chat")
    assert sim.reconciler.aims.targets["chat"].off == "Idle", "nobody waits for it any more"
    assert state.exits >= 2
    assert sim.time < state.next_start
    starts = sim.kinds["Start"]
    sim.requests.ask("chat")
    sim.run(0.1)
    assert (sim.kinds["Start"], sim.requests.outcomes["turned away"]) == (starts, 2)


def test_the_port_of_an_idle_slot_stays_its_own() -> None:
    sim = simulated(chat=CHAT, code=Want(port=8102))
    aims = sim.reconciler.aims
    assert aims.targets["chat"].off == "Idle"
    assert Claims.of(aims.targets).ports == {8101: "chat", 8102: "code"}
    sim.home.slot("code", slot(8103, "crash"))
    sim.home.slot("chat", Want(port=8102, on_demand=True, idle=10).text)
    sim.edit()
    sim.run(20)
    assert not sim.reconciler.rolled_back("code"), "its last good inputs have the port that is chat's now"


def test_a_plan_starts_no_idle_slot() -> None:
    sim = simulated(chat=CHAT)
    found = plan(sim.reconciler, lambda look: known(sim.reconciler, look), sim.time)
    assert (found.actions, found.held) == ((), ())


class LosesRemovals(Faults):
    def fate(self, rng: random.Random, effect: a.Effect) -> Fate:
        return "lost" if isinstance(effect, a.Remove) else super().fate(rng, effect)


def test_what_was_in_the_way_before_an_idle_time_is_looked_at_anew() -> None:
    sim = Simulator(Home({"chat": CHAT.text}), faults=LosesRemovals())
    Invariants(sim)
    sim.podman.leftovers["hal0-chat"] = "left-hal0-chat"
    sim.run(5)
    sim.requests.ask("chat")
    sim.run(1)
    sim.requests.finish_all()
    sim.run(90)
    assert sim.reconciler.aims.targets["chat"].off == "Idle"
    assert sim.reconciler.state("chat").ask_name, "nobody said that the name is free, though it is"
    sim.requests.ask("chat")
    sim.run(3)
    assert sim.requests.outcomes["turned away"] == 0
    assert [request.slot for request in sim.requests.active] == ["chat"]
