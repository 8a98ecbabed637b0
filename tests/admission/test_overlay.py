"""The overlay in a whole home: bound, merged in memory, held back with its slot."""

from tests.admission.texts import codes, judge, selection, slot, the

HEAD = "schema_version = 2\n"


def overlay(child: str, **keys: object) -> str:
    return HEAD + selection(child, **keys)


def test_a_drifted_overlay_counts_and_the_profile_follows_the_device():
    verdict = judge(
        {
            "slots/embed.toml": slot(device="gpu-vulkan", profile="vulkan", model="old"),
            "capabilities.toml": overlay("embed.embed", enabled=True, device="gpu-rocm", model="new"),
        }
    )
    embed = verdict.slots["embed"]
    assert (embed.device, embed.profile, embed.model) == ("gpu-rocm", "rocm", "new")
    problem = the(verdict, "capability.drift")
    assert (problem.file, problem.at.line) == ("capabilities.toml", 4)
    assert "device" in problem.message
    assert "model" in problem.message
    assert verdict.admitted.slots["embed"].device == "gpu-vulkan"


def test_a_profile_that_fits_the_merged_device_stays():
    mine = '[profile.mine]\nimage = "localhost/llama:1"\n'
    verdict = judge(
        {
            "profiles.toml": mine,
            "slots/embed.toml": slot(device="gpu-vulkan", profile="mine", model="m"),
            "capabilities.toml": overlay("embed.embed", enabled=True, device="gpu-rocm", model="m"),
        }
    )
    assert verdict.slots["embed"].profile == "mine"


def test_a_blank_selection_is_no_opinion():
    verdict = judge(
        {
            "slots/stt.toml": slot(device="npu"),
            "slots/npu.toml": slot(device="npu", model="m"),
            "capabilities.toml": overlay("voice.stt", enabled=False, device="", model="", provider=""),
        }
    )
    assert verdict.slots["stt"].enabled
    assert not verdict.problems


def test_a_change_of_one_side_is_taken_and_stays_taken():
    agreed = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="a"),
    }
    first = judge(agreed)
    by_overlay = {**agreed, "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="b")}
    second = judge(by_overlay, first)
    assert second.slots["tts"].model == "b"
    third = judge(by_overlay, second)
    assert third.slots["tts"].model == "b"
    assert third.admitted == second.admitted
    by_slot = judge({**agreed, "slots/tts.toml": slot(device="cpu", model="c")}, first)
    assert by_slot.slots["tts"].model == "c"
    assert not by_slot.problems


def test_switching_off_by_the_slot_file_counts_after_agreement():
    agreed = {
        "slots/tts.toml": slot(device="cpu"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu"),
    }
    first = judge(agreed)
    second = judge({**agreed, "slots/tts.toml": slot(device="cpu", enabled=False)}, first)
    assert not second.slots["tts"].enabled
    assert not second.problems


def test_two_different_changes_are_a_conflict_and_the_old_stays():
    agreed = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="a"),
    }
    first = judge(agreed)
    second = judge(
        {
            "slots/tts.toml": slot(device="cpu", model="c"),
            "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="b"),
        },
        first,
    )
    assert codes(second) == ["capability.conflict"]
    assert second.slots == first.slots
    assert second.denied.keys() == {"slot/tts", "capability/voice.tts"}


def test_a_git_synced_home_is_never_merged():
    texts = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="b"),
    }
    verdict = judge(texts, strict_overlay=True)
    assert codes(verdict) == ["capability.conflict"]
    assert "capability sync" in the(verdict, "capability.conflict").hint
    assert verdict.frozen == {"tts"}
    agreed = {**texts, "slots/tts.toml": slot(device="cpu", model="b")}
    assert not judge(agreed, strict_overlay=True).problems


def test_a_child_that_is_on_without_a_slot_file_runs_from_the_overlay():
    verdict = judge({"capabilities.toml": overlay("embed.rerank", enabled=True, device="gpu-vulkan", model="m")})
    made = verdict.slots["embed-rerank"]
    assert (made.type, made.device, made.profile, made.model, made.port) == (
        "reranking",
        "gpu-vulkan",
        "vulkan",
        "m",
        None,
    )
    assert verdict.admitted.slots == {}
    assert "slots/embed-rerank.toml" in the(verdict, "capability.drift").message


def test_such_a_slot_is_refused_at_its_selection():
    verdict = judge({"capabilities.toml": overlay("embed.rerank", enabled=True, device="cpu", model="m")})
    problem = the(verdict, "profile.family_mismatch")
    assert (problem.file, problem.at.line) == ("capabilities.toml", 4)
    assert verdict.denied.keys() == {"capability/embed.rerank"}
    assert verdict.frozen == {"embed-rerank"}


def test_a_deleted_slot_file_is_off():
    agreed = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "slots/chat.toml": slot(model="m"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="a"),
    }
    first = judge(agreed)
    gone = {name: text for name, text in agreed.items() if name != "slots/tts.toml"}
    second = judge(gone, first)
    assert second.slots.keys() == {"chat"}
    assert judge(gone, second).slots.keys() == {"chat"}


def test_a_child_is_bound_to_the_only_record_of_its_type_on_the_npu():
    verdict = judge(
        {
            "slots/npu.toml": slot(device="npu", model="m"),
            "slots/flm-stt.toml": slot(type="transcription", device="npu", enabled=False),
            "capabilities.toml": overlay("voice.stt", enabled=True, device="npu", model="whisper"),
        }
    )
    assert verdict.slots.keys() == {"npu", "flm-stt"}
    assert verdict.slots["flm-stt"].enabled
    assert verdict.slots["flm-stt"].model == "whisper"


def test_with_two_such_records_none_is_bound():
    verdict = judge(
        {
            "slots/npu.toml": slot(device="npu", model="m"),
            "slots/a.toml": slot(type="transcription", device="npu", enabled=False),
            "slots/b.toml": slot(type="transcription", device="npu", enabled=False),
            "capabilities.toml": overlay("voice.stt", enabled=True, device="npu", model="whisper"),
        }
    )
    assert not verdict.slots["a"].enabled
    assert not verdict.slots["b"].enabled


def test_a_selection_is_held_back_with_its_slot_file():
    agreed = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="a"),
    }
    first = judge(agreed)
    texts = {
        "slots/tts.toml": "port = \n",
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="b"),
    }
    second = judge(texts, first)
    assert second.slots == first.slots
    assert second.denied.keys() == {"slot/tts", "capability/voice.tts"}
    assert judge(texts, second).admitted == second.admitted


def test_an_overlay_edit_that_breaks_a_rule_goes_back_alone():
    agreed = {
        "slots/tts.toml": slot(device="cpu", profile="tts", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=True, device="cpu", model="a"),
    }
    first = judge(agreed)
    second = judge({**agreed, "capabilities.toml": overlay("voice.tts", enabled=True, device="npu", model="a")}, first)
    assert second.denied.keys() == {"capability/voice.tts"}
    assert second.slots == first.slots
    assert not second.violations


def test_an_unreadable_overlay_changes_nothing():
    agreed = {
        "slots/tts.toml": slot(device="cpu", model="a"),
        "capabilities.toml": overlay("voice.tts", enabled=False, device="cpu", model="a"),
    }
    first = judge(agreed)
    second = judge({**agreed, "capabilities.toml": "["}, first)
    assert second.slots == first.slots
    assert second.admitted == first.admitted


def test_a_refused_selection_leaves_nothing_of_itself_in_its_slot():
    first = judge({"slots/stt.toml": slot(enabled=True)})
    second = judge(
        {"slots/stt.toml": slot(enabled=True), "capabilities.toml": overlay("voice.stt", enabled=True, model="m")},
        first,
    )
    assert second.denied.keys() == {"capability/voice.stt"}
    assert second.slots == first.slots


def test_two_children_are_never_bound_to_one_slot():
    """A record called like another child's slot is that child's, whatever its type."""
    verdict = judge(
        {
            "slots/npu.toml": slot(device="npu", model="m"),
            "slots/tts.toml": slot(type="embedding", device="npu"),
            "capabilities.toml": overlay("embed.embed", enabled=True, device="npu", model="e")
            + selection("voice.tts", enabled=True, device="npu", model="t"),
        }
    )
    assert verdict.slots["tts"].model == "t"
    assert verdict.slots["embed"].model == "e"


def test_a_kept_slot_agrees_to_nothing():
    """Its file is gone, so when the rename is put right the child is as it would have been at once."""
    first = judge({"slots/stt.toml": slot(device="npu"), "slots/npu.toml": slot(device="npu", model="m")})
    on = overlay("voice.stt", enabled=True, device="npu", model="w")
    npu = {"slots/npu.toml": slot(device="npu", model="m"), "capabilities.toml": on}
    kept = judge({**npu, "slots/bad.toml": "port = \n"}, first)
    assert kept.kept.keys() == {"stt"}
    assert kept.admitted.bases == {}
    assert judge(npu, kept).slots == judge(npu, first).slots
