"""Wishes become edits of the right files, with what follows from them."""

import pytest

from hal0_operator.changes.judged import Judged
from hal0_operator.changes.refusal import Invalid, Refusal, Unknown
from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    ReplaceFiles,
    SetCapability,
    Wish,
)
from tests.changes.homes import changed, files_of, home, judge, wished

TTS = '# speech\ntype = "tts"\ndevice = "cpu"   # no GPU here\nport = 8085\n\n[model]\ndefault = "kokoro-v1"\n'
CHAT = 'device = "gpu-rocm"\nprofile = "rocm"\nport = 8081\n\n[model]\ndefault = "a.gguf"\n'
OVERLAY = """\
# mine
schema_version = 2

[selections.voice.tts]
enabled = true
device = "cpu"
model = "kokoro-v1" # the small one
"""
BOTH = {"slots/tts.toml": TTS, "capabilities.toml": OVERLAY}


# ── capabilities ───────────────────────────────────────────────────────────────────────────────


def test_a_model_set_in_the_overlay_reaches_the_slot_file_and_nothing_else_moves() -> None:
    found = changed(wished(SetCapability("voice.tts", {"model": "kokoro-v2"}), home(BOTH)))
    assert found == {
        "capabilities.toml": OVERLAY.replace('"kokoro-v1"', '"kokoro-v2"'),
        "slots/tts.toml": TTS.replace('"kokoro-v1"', '"kokoro-v2"'),
    }


def test_off_switches_both_off() -> None:
    found = changed(wished(SetCapability("voice.tts", {"enabled": False}), home(BOTH)))
    assert found["capabilities.toml"] == OVERLAY.replace("true", "false")
    assert found["slots/tts.toml"] == TTS.replace("\nport = 8085\n", "\nport = 8085\nenabled = false\n")


def test_switched_on_without_a_slot_file_one_is_written_with_type_profile_and_a_free_port() -> None:
    now = home({"slots/chat.toml": CHAT})
    found = changed(wished(SetCapability("voice.tts", {"enabled": True, "model": "kokoro-v1"}), now, frozenset({8082})))
    assert found["slots/tts.toml"] == (
        'type = "tts"\ndevice = "cpu"\nprofile = "tts"\nenabled = true\nport = 8083\n\n[model]\ndefault = "kokoro-v1"\n'
    )
    assert "[selections.voice.tts]\nenabled = true\n" in found["capabilities.toml"]
    assert found["capabilities.toml"].startswith("# Capabilities")


def test_a_record_on_the_npu_gets_no_port() -> None:
    now = home({"slots/npu.toml": 'device = "npu"\nport = 8090\n[model]\ndefault = "gemma3:1b"\n'})
    found = changed(wished(SetCapability("voice.stt", {"enabled": True, "model": "whisper-v3:turbo"}), now))
    assert 'device = "npu"' in found["slots/stt.toml"]
    assert "port" not in found["slots/stt.toml"]


def test_another_device_takes_the_profile_along() -> None:
    slot = 'device = "gpu-rocm"\nprofile = "rocm" # fast\nport = 8083\n[model]\ndefault = "bge.gguf"\n'
    now = home({"slots/embed.toml": slot})
    found = changed(wished(SetCapability("embed.embed", {"device": "gpu-vulkan"}), now))
    assert found["slots/embed.toml"] == slot.replace("gpu-rocm", "gpu-vulkan").replace('"rocm"', '"vulkan"')


def test_what_is_set_already_changes_no_file() -> None:
    assert changed(wished(SetCapability("voice.tts", {"enabled": True, "device": "cpu"}), home(BOTH))) == {}


def test_off_without_an_overlay_is_written_out_so_that_it_is_an_opinion() -> None:
    found = changed(wished(SetCapability("voice.tts", {"enabled": False}), home({"slots/tts.toml": TTS})))
    assert "enabled = false" in found["slots/tts.toml"]
    assert 'model = "kokoro-v1"' in found["capabilities.toml"]


@pytest.mark.parametrize(
    ("wish", "code"),
    [
        (SetCapability("voice.tss", {"enabled": True}), "capability.unknown_child"),
        (SetCapability("chat", {"enabled": True}), "capability.unknown_child"),
        (SetCapability("voice.tts", {"devcie": "cpu"}), "capability.schema"),
        (SetCapability("voice.tts", {"device": "tpu"}), "device.unknown"),
        (SetCapability("embed.embed", {"enabled": True}), "capability.no_model"),
        (EditSlot("tsts", {"port": 1}), "slot.unknown"),
        (EditSlot("tts", {"prot": 1}), "slot.schema"),
        (EditSlot("tts", {"nonsense": None}), "slot.schema"),
        (EditSlot("tts", {"device": "gpu-rocm", "profile": "tts"}), "device.profile_incoherent"),
        (CreateSlot("tts", {}), "slot.exists"),
        (CreateSlot("Tts 2", {}), "slot.name"),
        (CreateSlot("chat2", {"port": 8085, "model": "a.gguf"}), "port.conflict"),
        (CreateSlot("chat2", {"profile": "rocn", "model": "a.gguf"}), "profile.unknown"),
        (DeleteSlot("chat2"), "slot.unknown"),
        (CreateProfile("rocm", {}, "rocm"), "profiles.exists"),
        (CreateProfile("mine", {}, "rocn"), "profiles.not_found"),
        (CreateProfile("mine", {}), "profile.schema"),
        (CreateProfile("a b", {"image": "localhost/x"}), "profiles.invalid_name"),
        (CreateProfile("mine", {"image": "evil.example/x:1"}), "image.policy"),
        (EditProfile("rocm", {"flags": ""}), "profiles.seed_immutable"),
        (EditProfile("mine", {"flags": ""}), "profiles.not_found"),
        (DeleteProfile("rocm"), "profiles.seed_immutable"),
        (DeleteProfile("mine"), "profiles.not_found"),
    ],
)
def test_what_cannot_be_is_refused_with_its_code(wish: object, code: str) -> None:
    with pytest.raises(Refusal) as refused:
        wished(wish, home(BOTH))  # type: ignore[arg-type]
    assert refused.value.code == code
    assert str(refused.value)


def test_unknown_and_malformed_wishes_are_told_from_refused_ones() -> None:
    with pytest.raises(Unknown, match="did you mean voice.tts"):
        wished(SetCapability("voice.tss", {}), home(BOTH))
    with pytest.raises(Invalid) as bad:
        wished(EditSlot("tts", {"model": {"context_size": "big"}, "prot": 1}), home(BOTH))
    assert [problem.path for problem in bad.value.problems] == [("model", "context_size"), ("prot",)]


# ── slots ──────────────────────────────────────────────────────────────────────────────────────


def test_a_new_slot_names_its_device_and_profile_and_a_free_port() -> None:
    found = changed(
        wished(CreateSlot("chat2", {"device": "gpu-vulkan", "model": "b.gguf"}), home({"slots/chat.toml": CHAT}))
    )
    assert found["slots/chat2.toml"] == (
        'type = "llm"\ndevice = "gpu-vulkan"\nprofile = "vulkan"\nport = 8082\n\n[model]\ndefault = "b.gguf"\n'
    )


def test_a_profile_that_is_named_brings_its_device() -> None:
    found = changed(wished(EditSlot("chat", {"profile": "vulkan"}), home({"slots/chat.toml": CHAT})))
    assert found["slots/chat.toml"] == CHAT.replace("gpu-rocm", "gpu-vulkan").replace('"rocm"', '"vulkan"')


def test_an_edit_of_a_slot_file_wins_over_the_overlay_that_it_is_bound_to() -> None:
    found = changed(wished(EditSlot("tts", {"model": "kokoro-v2"}), home(BOTH)))
    assert found["capabilities.toml"] == OVERLAY.replace('"kokoro-v1"', '"kokoro-v2"')


def test_a_deleted_slot_is_off_in_the_overlay() -> None:
    found = changed(wished(DeleteSlot("tts"), home(BOTH)))
    assert found == {"slots/tts.toml": "(deleted)", "capabilities.toml": OVERLAY.replace("true", "false")}


def test_a_key_is_edited_where_it_stands() -> None:
    nested = '[slot]\ndevice = "gpu-rocm"\nprofile = "rocm"\n\n[model]\ndefault = "a"\nctx_size = 4096\n'
    found = changed(
        wished(EditSlot("chat", {"model": {"context_size": 8192}, "enabled": False}), home({"slots/chat.toml": nested}))
    )
    assert found["slots/chat.toml"] == nested.replace("4096", "8192").replace(
        'profile = "rocm"\n', 'profile = "rocm"\nenabled = false\n'
    )


def test_a_legacy_backend_becomes_the_device_that_is_set() -> None:
    old = 'backend = "rocm"\n[model]\ndefault = "a"\n'
    found = changed(wished(EditSlot("chat", {"device": "gpu-vulkan"}), home({"slots/chat.toml": old})))
    assert found["slots/chat.toml"] == 'device = "gpu-vulkan"\n[model]\ndefault = "a"\n'


def test_a_key_is_removed_by_null() -> None:
    found = changed(wished(EditSlot("chat", {"port": None}), home({"slots/chat.toml": CHAT})))
    assert found["slots/chat.toml"] == CHAT.replace("port = 8081\n", "")


def test_a_file_that_is_held_back_is_not_changed_behind_its_owners_back() -> None:
    broken = {"slots/chat.toml": CHAT + "nonsense = 1\n"}
    with pytest.raises(Refusal) as refused:
        wished(EditSlot("chat", {"port": 8090}), home(broken))
    assert refused.value.code == "changeset.base_denied"
    assert changed(wished(DeleteSlot("chat"), home(broken))) == {"slots/chat.toml": "(deleted)"}
    assert changed(wished(ReplaceFiles({"slots/chat.toml": CHAT.encode()}), home(broken))) == {"slots/chat.toml": CHAT}


def test_a_problem_elsewhere_blocks_nothing() -> None:
    now = home({"slots/chat.toml": CHAT, "slots/bad.toml": "nonsense = 1\n"})
    assert changed(wished(EditSlot("chat", {"port": 8090}), now)) == {"slots/chat.toml": CHAT.replace("8081", "8090")}


# ── profiles ───────────────────────────────────────────────────────────────────────────────────


def test_a_clone_has_all_keys_of_its_source_and_says_whose_copy_it_is() -> None:
    found = changed(wished(CreateProfile("mine", {"flags": "-fa on"}, "rocm"), home({"slots/chat.toml": CHAT})))
    text = found["profiles.toml"]
    assert text.startswith("[profile.mine]\nimage = ")
    assert 'flags = "-fa on"' in text
    assert 'cloned_from = "rocm"' in text
    assert "bench" not in text


def test_an_edit_of_a_profile_keeps_the_rest_and_whole_replaces_it() -> None:
    text = '[profile.mine]\nimage = "localhost/a" # mine\nflags = "-fa on"\n\n[profile.mine.env]\nA = "1"\nB = "2"\n'
    now = home({"profiles.toml": text})
    found = changed(wished(EditProfile("mine", {"env": {"A": "3", "B": None}}), now))
    assert found["profiles.toml"] == text.replace('A = "1"\nB = "2"\n', 'A = "3"\n')
    whole = changed(wished(EditProfile("mine", {"image": "localhost/b"}, whole=True), now))
    assert whole["profiles.toml"].strip() == '[profile.mine]\nimage = "localhost/b" # mine'


def test_a_profile_in_use_stays() -> None:
    now = home({"profiles.toml": '[profile.mine]\nimage = "localhost/a"\n', "slots/chat.toml": 'profile = "mine"\n'})
    with pytest.raises(Refusal, match="used by chat") as refused:
        wished(DeleteProfile("mine"), now)
    assert refused.value.code == "profiles.in_use"


def test_a_profile_that_nobody_uses_goes_with_its_comments() -> None:
    now = home(
        {"profiles.toml": '# one\n[profile.a]\nimage = "localhost/a"\n\n# two\n[profile.b]\nimage = "localhost/b"\n'}
    )
    assert changed(wished(DeleteProfile("a"), now))["profiles.toml"] == '# two\n[profile.b]\nimage = "localhost/b"\n'


# ── what a wish leaves alone ───────────────────────────────────────────────────────────────────


def hand_edited(texts: dict[str, str]) -> Judged:
    """After both files had agreed, one of them was saved, and nobody has looked since."""
    return judge(files_of(BOTH | texts), home(BOTH).last)


def test_a_hand_edit_that_nobody_looked_at_yet_is_carried_over_and_not_undone() -> None:
    now = hand_edited({"slots/tts.toml": TTS.replace("kokoro-v1", "by-hand")})
    found = changed(wished(SetCapability("voice.tts", {"enabled": False}), now))
    assert 'default = "by-hand"' in found["slots/tts.toml"]
    assert 'model = "by-hand"' in found["capabilities.toml"]
    now = hand_edited({"capabilities.toml": OVERLAY.replace("kokoro-v1", "by-hand")})
    found = changed(wished(EditSlot("tts", {"port": 8090}), now))
    assert found["slots/tts.toml"] == TTS.replace("8085", "8090").replace("kokoro-v1", "by-hand")
    assert "capabilities.toml" not in found


def test_a_new_slot_is_what_was_asked_for_although_the_overlay_says_otherwise() -> None:
    off = OVERLAY.replace("true", "false").replace("kokoro-v1", "old")
    found = changed(wished(CreateSlot("tts", {"device": "cpu", "model": "new"}), home({"capabilities.toml": off})))
    assert 'default = "new"' in found["slots/tts.toml"]
    assert "enabled = true" in found["slots/tts.toml"]
    assert found["capabilities.toml"] == off.replace("false", "true").replace('"old"', '"new"')


def test_a_capability_whose_slot_file_cannot_be_read_is_not_set_by_half() -> None:
    with pytest.raises(Refusal) as refused:
        wished(SetCapability("voice.tts", {"enabled": False}), home(BOTH | {"slots/tts.toml": TTS + "x = =\n"}))
    assert refused.value.code == "changeset.base_denied"


def test_nothing_that_is_named_changes_nothing() -> None:
    assert (
        changed(wished(SetCapability("voice.tts", {}), home(BOTH | {"capabilities.toml": "schema_version = 2\n"})))
        == {}
    )


@pytest.mark.parametrize(
    "wish", [CreateProfile("mine", {}, "rocm"), EditProfile("mine", {"flags": ""}), DeleteProfile("mine")]
)
def test_a_profiles_file_that_cannot_be_read_is_named(wish: Wish) -> None:
    with pytest.raises(Refusal, match=r"profiles\.toml cannot be read as it is \(profiles\.toml:1:5") as refused:
        wished(wish, home({"profiles.toml": "x = = 1\n"}))
    assert refused.value.code == "changeset.base_denied"


def test_what_the_overlay_says_cannot_be_left_out_of_the_slot() -> None:
    with pytest.raises(Refusal, match="set a value"):
        wished(EditSlot("tts", {"model": {"default": None}}), home(BOTH))
