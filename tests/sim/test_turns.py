"""Requests that wait for the NPU's one process, and a swap that comes meanwhile."""

import pytest

from tests.sim.home import Home, Want, npu
from tests.sim.invariants import Invariants, converged
from tests.sim.simulator import SETTINGS, Simulator

RECORD = Want(device="npu", profile="flm", model="whisper", type="transcription")
OFF = Want(device="npu", profile="flm", model="whisper", type="transcription", enabled=False)


@pytest.mark.parametrize(
    ("length", "outcomes"),
    [(4, {"begun": 4, "turn": 3}), (SETTINGS.loop.drain_s + 1, {"begun": 4, "no turn": 3})],
)
def test_whoever_waits_is_answered_before_the_swap_until_the_drain_is_over(
    length: float, outcomes: dict[str, int]
) -> None:
    sim = Simulator(Home({"npu": npu(8110), "stt": RECORD.text}))
    Invariants(sim)
    sim.run(5)
    before = sim.reconciler.world.own("npu")[0].id
    for name in ("npu", "stt", "npu", "stt"):
        sim.requests.ask(name, length=length)
    sim.home.slot("stt", OFF.text)
    sim.edit()
    sim.run(SETTINGS.loop.drain_s + 10)
    assert sim.requests.outcomes == outcomes
    assert sim.requests.active == []
    assert converged(sim) == []
    assert sim.reconciler.world.own("npu")[0].id != before
