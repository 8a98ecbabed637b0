"""What happens to a home and its machine, each as a script over a fresh simulator.

A script runs for a while, changes something, and ends; the caller then lets time pass and asks
whether all converged.  ``prepare`` makes the home.
"""

from collections.abc import Callable

import msgspec

from tests.sim.faults import Faults
from tests.sim.home import Home, Want, npu, slot
from tests.sim.machine import DEAF_MODEL
from tests.sim.simulator import Crash, Simulator

SETTLE_S = 6.0


class Scenario(msgspec.Struct):
    name: str
    home: Callable[[], Home]
    script: Callable[[Simulator], None]


def two_slots() -> Home:
    return Home({"chat": slot(8101), "code": slot(8102)})


def _create(sim: Simulator) -> None:
    sim.run(SETTLE_S)


def _swap(sim: Simulator) -> None:
    sim.run(SETTLE_S)
    sim.home.slot("chat", slot(8101, context=8192))
    sim.edit()
    sim.run(SETTLE_S)


def _rejected(sim: Simulator) -> None:
    """The new inputs exit at once, three times: rolled back to the old ones."""
    sim.run(SETTLE_S)
    sim.home.slot("chat", slot(8101, model="crash"))
    sim.edit()
    sim.run(SETTLE_S)


def _port_swap(sim: Simulator) -> None:
    sim.run(SETTLE_S)
    sim.home.slot("chat", slot(8102))
    sim.home.slot("code", slot(8101))
    sim.edit()
    sim.run(SETTLE_S)


def _hand_over(sim: Simulator) -> None:
    """One edit disables one NPU chat slot and enables the other."""
    sim.run(SETTLE_S)
    sim.home.slot("npu", npu(8110, enabled=False))
    sim.home.slot("npu2", npu(8111, enabled=True))
    sim.edit()
    sim.run(SETTLE_S)


def _delete(sim: Simulator) -> None:
    sim.run(SETTLE_S)
    sim.home.slot("code", None)
    sim.edit()
    sim.run(SETTLE_S)


def _prune_guard(sim: Simulator) -> None:
    """The slots folder is renamed and comes back."""
    sim.run(SETTLE_S)
    before = {box.id for box in sim.podman.boxes.values()}
    sim.home.slots_folder = False
    sim.edit()
    sim.run(40)
    if {box.id for box in sim.podman.boxes.values()} != before and sim.crash_plan is None:
        raise AssertionError("S9: something was removed although the slots folder was missing")
    sim.home.slots_folder = True
    sim.edit()
    sim.run(SETTLE_S)


def _reboot(sim: Simulator) -> None:
    sim.run(SETTLE_S)
    sim.machine.reboot(modern=sim.rng.random() < 0.5)
    sim.boot()
    sim.run(SETTLE_S)


def _state_lost(sim: Simulator) -> None:
    """The state directory goes with the operator; nothing healthy is touched."""
    sim.run(SETTLE_S)
    sim.memory = type(sim.memory)()
    sim.admitted = None
    sim.boot()
    sim.run(SETTLE_S)


def _profile_edit(sim: Simulator) -> None:
    sim.run(SETTLE_S)
    sim.home.flags("--threads 4")
    sim.edit()
    sim.run(SETTLE_S)


def _swap_under_load(sim: Simulator) -> None:
    """A request is answered while the swap waits for it."""
    sim.run(SETTLE_S)
    sim.requests.ask("chat", length=4)
    sim.home.slot("chat", slot(8101, context=8192))
    sim.edit()
    sim.run(SETTLE_S)


def _loaded_and_idle(sim: Simulator) -> None:
    """A request loads a slot, which goes when its time is over."""
    sim.run(SETTLE_S)
    sim.requests.ask("chat", length=2)
    sim.run(15)


def _record(sim: Simulator) -> None:
    """A record of the NPU is switched on: its chat slot is started with another flag."""
    sim.run(SETTLE_S)
    sim.home.slot("stt", Want(device="npu", type="transcription", profile="flm", model="whisper").text)
    sim.edit()
    sim.run(SETTLE_S)


def _record_rejected(sim: Simulator) -> None:
    """The chat model does not start with the record's flag: rolled back to what serves the other record."""
    sim.run(SETTLE_S)
    sim.home.slot("stt", Want(device="npu", type="transcription", profile="flm", model="whisper").text)
    sim.edit()
    sim.run(SETTLE_S)
    sim.requests.ask("stt")
    sim.requests.ask("embed", length=1)
    sim.run(SETTLE_S)


def _on_demand() -> Home:
    return Home({"chat": Want(port=8101, on_demand=True, idle=5).text, "code": slot(8102)})


def _deaf() -> Home:
    embed = Want(device="npu", type="embedding", profile="flm", model="embed-gemma:300m")
    return Home({"npu": npu(8110, model=DEAF_MODEL), "embed": embed.text})


SCENARIOS = {
    scenario.name: scenario
    for scenario in (
        Scenario("create", two_slots, _create),
        Scenario("swap", two_slots, _swap),
        Scenario("rejection and rollback", two_slots, _rejected),
        Scenario("port swap", two_slots, _port_swap),
        Scenario("NPU hand-over", lambda: Home({"npu": npu(8110), "npu2": npu(8111, enabled=False)}), _hand_over),
        Scenario("delete", lambda: Home({"chat": slot(8101), "code": slot(8102), "util": slot(8103)}), _delete),
        Scenario("prune guard", two_slots, _prune_guard),
        Scenario("reboot", two_slots, _reboot),
        Scenario("state lost", two_slots, _state_lost),
        Scenario("profile edit", lambda: Home({"a": slot(8101), "b": slot(8102), "c": slot(8103)}), _profile_edit),
        Scenario("swap under load", two_slots, _swap_under_load),
        Scenario("loaded and idle", _on_demand, _loaded_and_idle),
        Scenario("record", lambda: Home({"npu": npu(8110)}), _record),
        Scenario("record rejected", _deaf, _record_rejected),
        Scenario("chosen ports", lambda: Home({"chat": slot(), "code": slot()}), _create),
    )
}


def simulator(scenario: Scenario, seed: int = 0, faults: Faults | None = None, crash: Crash | None = None) -> Simulator:
    return Simulator(scenario.home(), seed, faults, crash)
