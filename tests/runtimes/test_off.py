"""Why a slot is off."""

import pytest

from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import Slot
from hal0_operator.runtimes.inputs import NO_SHADOWS, target

KOKORO = Profile(name="tts", image="localhost/kokoro:1", device_class="cpu")


@pytest.mark.parametrize(("type", "off"), [("tts", ""), ("embedding", "NoModel"), ("llm", "NoModel")])
def test_a_slot_without_a_model_runs_only_what_serves_its_type(type, off):
    slot = Slot(name="a", file="slots/a.toml", type=type, device="cpu", profile="tts")
    assert target(slot, KOKORO, NO_SHADOWS, Settings(), 9000, "g").off == off
