"""A shadow record has no container of its own: it is what the NPU slot is, while it is on."""

from tests.sim.home import Home, Want, npu
from tests.sim.simulator import Simulator
from tests.sim.statuses import StatusRules


def stt(*, enabled: bool) -> str:
    return Want(device="npu", type="transcription", profile="flm", model="whisper", enabled=enabled).text


def test_a_shadow_that_is_switched_off_is_not_ready_although_the_npu_slot_is() -> None:
    sim = Simulator(Home({"npu": npu(8110), "stt": stt(enabled=True)}))
    rules = StatusRules(sim)
    sim.run(3)
    status = rules.statuses.one("stt")
    assert (status.phase, status.condition("Ready").status) == ("Ready", "True")
    sim.home.slot("stt", stt(enabled=False))
    sim.edit()
    sim.run(3)
    status = rules.statuses.one("stt")
    assert (status.phase, status.condition("Ready").status) == ("Off", "False")
    assert status.condition("Ready").reason == "Disabled"
    assert rules.statuses.one("npu").phase == "Ready"
