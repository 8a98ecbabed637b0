"""Homes of hal0, brought up to date."""

import pytest

from hal0_operator.migrate.hal0 import migrate
from tests.admission.texts import codes, judge, seeds, selection, slot

STORE = "/mnt/ai-models"
ROCM = """\
[profile.rocm]
image = "ghcr.io/hal0ai/amd-strix-halo-toolboxes:rocm-7.2.4-rocmfp4-server"
flags = "-fa on -ctk q8_0 -ctv q8_0 -b 512 -ub 512 --parallel 1 --threads 8 --no-mmap"
mtp = false
device_class = "gpu"
backend = "rocm"
intent = "MoE agents"
quant = "FP4"
"""
TTS = """\
[profile.tts]
image = "ghcr.io/hal0ai/hal0-toolbox-kokoro:v1"
flags = "--model_path /mnt/ai-models/local/kokoro-v1/kokoro-onnx"
device_class = "cpu"
"""


def up_to_date(texts):
    """The home after migrating, which a second run must leave alone."""
    found = migrate(texts, seeds(), STORE)
    assert found.refused == ()
    after = {**texts, **found.texts}
    assert migrate(after, seeds(), STORE).texts == {}
    return after


def test_plain_copies_of_shipped_profiles_go():
    after = up_to_date({"profiles.toml": ROCM + "\n" + TTS + '\n# mine\n[profile.mine]\nimage = "localhost/x:1"\n'})
    assert after["profiles.toml"] == '# mine\n[profile.mine]\nimage = "localhost/x:1"\n'
    assert judge(after).problems == ()


def test_a_file_of_nothing_but_copies_is_left_without_entries():
    after = up_to_date({"profiles.toml": ROCM, "slots/a.toml": slot(model="m")})
    assert judge(after).problems == ()


def test_an_edited_copy_gets_a_name_of_its_own_in_its_slots_too():
    edited = ROCM.replace("--threads 8", "--threads 16")
    after = up_to_date({"profiles.toml": edited, "slots/a.toml": slot(profile="rocm", model="m")})
    assert "[profile.rocm-custom]" in after["profiles.toml"]
    assert 'cloned_from = "rocm"' in after["profiles.toml"]
    assert after["slots/a.toml"] == slot(profile="rocm-custom", model="m")
    verdict = judge(after)
    assert verdict.problems == ()
    assert "--threads 16" in verdict.catalogue[verdict.slots["a"].profile].flags


def test_a_taken_name_is_not_taken_again():
    edited = ROCM.replace("512", "256") + '\n[profile.rocm-custom]\nimage = "localhost/x:1"\n'
    assert "[profile.rocm-custom2]" in up_to_date({"profiles.toml": edited})["profiles.toml"]


def test_retired_names_are_replaced_unless_the_home_defines_them():
    texts = {"slots/a.toml": "# mine\n" + slot(device="gpu-vulkan", profile="vulkan-std", model="m")}
    assert up_to_date(texts)["slots/a.toml"] == "# mine\n" + slot(device="gpu-vulkan", profile="vulkan", model="m")
    own = {**texts, "profiles.toml": '[profile.vulkan-std]\nimage = "localhost/x:1"\n'}
    assert up_to_date(own) == own


def test_a_backend_becomes_a_device_where_it_stands():
    nested = '[slot]\nbackend = "vulkan"  # the igpu\nenabled = false\n'
    assert up_to_date({"slots/a.toml": nested})["slots/a.toml"] == (
        '[slot]\ndevice = "gpu-vulkan"  # the igpu\nenabled = false\n'
    )


def test_a_backend_beside_another_device_goes():
    texts = {"slots/a.toml": slot(device="gpu-vulkan", backend="rocm", model="m")}
    assert up_to_date(texts)["slots/a.toml"] == slot(device="gpu-vulkan", model="m")


def test_a_backend_that_agrees_is_left_for_hal0():
    texts = {"slots/a.toml": slot(device="gpu-vulkan", backend="vulkan", model="m")}
    assert up_to_date(texts) == texts


def test_a_profile_that_contradicts_its_device_follows_it():
    after = up_to_date({"slots/a.toml": slot(device="gpu-vulkan", profile="rocm-dnse", model="m")})
    assert after["slots/a.toml"] == slot(device="gpu-vulkan", profile="vulkan", model="m")
    assert codes(judge(after)) == []


def test_a_contradiction_that_no_shipped_profile_solves_is_left_for_a_person():
    texts = {"slots/embed.toml": slot(device="cpu", profile="rocm", model="m")}
    assert up_to_date(texts) == texts


def test_records_that_only_the_legacy_table_asks_for_are_written():
    texts = {"slots/npu.toml": slot(device="npu", model="m") + "[npu]\nasr = true\nembed = true\n"}
    after = up_to_date(texts)
    assert after.keys() - texts.keys() == {"slots/stt.toml", "slots/embed.toml"}
    verdict = judge(after)
    assert verdict.problems == ()
    assert verdict.slots["stt"].is_shadow
    assert verdict.slots["embed"].is_shadow


def test_a_record_gets_another_name_where_the_usual_one_is_taken():
    texts = {
        "slots/npu.toml": slot(device="npu", model="m") + "[npu]\nembed = true\n",
        "slots/embed.toml": slot(device="gpu-vulkan", model="m"),
    }
    assert up_to_date(texts).keys() - texts.keys() == {"slots/npu-embed.toml"}


def test_an_overlay_of_version_1_becomes_version_2():
    texts = {
        "slots/tts.toml": slot(device="cpu"),
        "capabilities.toml": selection("voice.tts", backend="kokoro", model="kokoro-v1", enabled=True)
        + selection("img.img", backend="", model="", enabled=False),
    }
    after = up_to_date(texts)
    assert after["capabilities.toml"] == (
        "schema_version = 2\n\n"
        + selection("voice.tts", device="cpu", model="kokoro-v1", enabled=True)
        + selection("img.img", device="", model="", enabled=False)
    )
    assert judge(after).slots == judge(texts).slots


@pytest.mark.parametrize("text", ["port = \n", "\x00", "[[[", "devcie = 1\n", ""])
def test_a_file_that_cannot_be_decoded_is_left_alone(text):
    texts = {"slots/a.toml": text, "profiles.toml": text, "capabilities.toml": text}
    assert "slots/a.toml" not in migrate(texts, seeds(), STORE).texts
    assert "profiles.toml" not in migrate(texts, seeds(), STORE).texts


def test_a_layout_that_cannot_be_edited_is_named_and_the_rest_goes_on():
    texts = {
        "profiles.toml": 'profile."\\x72ocm".image = "localhost/x:1"\n',
        "slots/a.toml": slot(device="gpu-vulkan", profile="vulkan-std", model="m"),
    }
    found = migrate(texts, seeds(), STORE)
    assert found.texts.keys() == {"slots/a.toml"}
    assert found.refused[0].startswith("profiles.toml: rename profile.rocm to rocm-custom by hand")
