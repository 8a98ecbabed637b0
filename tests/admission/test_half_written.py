"""A slot file that is read while it is being written."""

import pytest

from tests.admission.texts import judge

PROFILES = '[profile.stub]\nimage = "localhost/stub:1"\ndevice_class = "cpu"\n'
FILE = 'device = "cpu"\nprofile = "stub"\nport = 8101\n\n[model]\ndefault = "m.gguf"\ncontext_size = 4096\n'


@pytest.mark.parametrize("cut", range(len(FILE)))
def test_no_beginning_of_a_slot_file_turns_the_slot_off(cut):
    before = judge({"profiles.toml": PROFILES, "slots/chat.toml": FILE})
    after = judge({"profiles.toml": PROFILES, "slots/chat.toml": FILE[:cut]}, before)
    chat = after.slots["chat"]
    assert chat.enabled
    assert chat.model == "m.gguf"
    assert "chat" not in after.frozen
