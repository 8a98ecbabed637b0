"""From admitted slots to targets."""

from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import Slot, SlotKeys
from hal0_operator.runtimes.inputs import NO_SHADOWS, Memo, Shadows, shadows_of, target, targets

CATALOGUE = {
    p.name: p
    for p in (
        Profile(
            name="rocm",
            image="localhost/llama:1",
            flags="-fa on --lora '{store}/a b.gguf'",
            backend="rocm",
            mounts=("{store}/x:/x:ro",),
        ),
        Profile(name="mtp", image="localhost/llama:1", mtp=True),
        Profile(name="flm", image="localhost/flm:1", device_class="npu"),
        Profile(name="tts", image="localhost/kokoro:1", device_class="cpu", mtp=True),
        Profile(name="comfyui", image="localhost/comfyui:1", device_class="img"),
        Profile(name="broken", image="localhost/llama:1", flags="--alias 'x"),
    )
}
SETTINGS = Settings(model_store="/store")


def slot(name: str = "chat", **keys: Any) -> Slot:
    base = {"name": name, "file": f"slots/{name}.toml", "type": "llm", "device": "gpu-rocm", "profile": "rocm"}
    return Slot(**base | {"model": "m.gguf", "port": 8081} | keys)


def made(one: Slot, records: Shadows = NO_SHADOWS, port: int | None = 8081, idle: bool = False) -> Any:
    return target(one, CATALOGUE.get(one.profile), records, SETTINGS, port, "gen", idle)


NPU = slot("npu", device="npu", profile="flm", model="qwen3:4b")
ASR = slot("ears", device="npu", profile="flm", type="transcription", model="whisper", port=None)
EMBED = slot("vectors", device="npu", profile="flm", type="embedding", model=None, port=8081)


@pytest.mark.parametrize(
    ("one", "off"),
    [
        (slot(), ""),
        (slot(enabled=False), "disabled"),
        (slot(model=None), "NoModel"),
        (slot(model=""), "NoModel"),
        (msgspec.structs.replace(NPU, model=None), "NoModel"),
        (slot(type="tts", device="cpu", profile="tts", model=None), ""),
        (slot(type="image", profile="comfyui", model=None), ""),
        (ASR, "shadow"),
        (msgspec.structs.replace(ASR, enabled=False), "disabled"),
        (slot(profile="gone", enabled=False), "disabled"),
        (slot(profile="gone", model=None), "NoModel"),
        (slot(profile="gone", type="tts", device="cpu", model=None), "NoModel"),
        (slot(profile="gone", type="image", model=None), "NoModel"),
        (slot(profile="gone", device="npu", type="embedding"), "shadow"),
    ],
)
def test_a_slot_that_is_off_says_why(one: Slot, off: str) -> None:
    assert made(one).off == off


def test_an_on_demand_slot_without_demand_is_idle_and_others_never_are() -> None:
    assert made(slot(operator=SlotKeys(load="on-demand")), idle=True).off == "Idle"
    assert made(slot(operator=SlotKeys(load="on-demand"))).off == ""
    assert made(slot(), idle=True).off == ""


def test_without_a_port_the_target_is_complete_but_for_its_inputs() -> None:
    bare, chosen = made(slot(port=None), port=None), made(slot(port=None), port=8099)
    assert (bare.inputs, bare.digest, bare.off) == (None, "", "")
    assert chosen.inputs.port == 8099
    assert chosen.digest == chosen.inputs.digest
    assert msgspec.structs.replace(chosen, inputs=None, digest="") == bare


def test_shadows_are_known_by_device_and_type_whatever_their_names() -> None:
    assert shadows_of([NPU, ASR, EMBED, slot("stt"), slot("embed", type="embedding")]) == Shadows(True, True, "npu")
    assert shadows_of([ASR]) == Shadows(asr=True)
    assert shadows_of([msgspec.structs.replace(s, enabled=False) for s in (NPU, ASR, EMBED)]) == NO_SHADOWS


def test_a_shadow_has_no_inputs_and_names_the_slot_that_serves_it() -> None:
    all = targets({s.name: s for s in (NPU, ASR, EMBED)}, CATALOGUE, {}, SETTINGS, {"ears": 8111}, Memo())
    assert [(all[n].off, all[n].anchor, all[n].inputs) for n in ("ears", "vectors")] == [("shadow", "npu", None)] * 2
    assert (all["npu"].inputs.asr, all["npu"].inputs.embed) == (True, True)


def test_the_store_is_filled_in_after_splitting_and_broken_flags_crash_nothing() -> None:
    inputs = target(slot(), CATALOGUE["rocm"], NO_SHADOWS, Settings(model_store="/my store/"), 1, "g").inputs
    assert inputs is not None
    assert inputs.flags == ("-fa", "on", "--lora", "/my store/a b.gguf")
    assert inputs.mounts == ("/my store/x:/x:ro",)
    assert inputs.store == "/my store"
    assert made(slot(profile="broken")).inputs.flags == ("--alias", "'x")


@pytest.mark.parametrize(
    ("one", "device"),
    [
        (slot(profile="mtp"), "ROCm0"),
        (slot(profile="mtp", device="gpu-vulkan"), "Vulkan0"),
        (slot(profile="rocm", device="gpu-vulkan", mtp=True), "ROCm0"),
        (slot(profile="mtp", mtp=False), None),
        (slot(profile="mtp", type="embedding"), None),
        (slot(profile="tts", type="tts", device="cpu"), None),
    ],
)
def test_the_slot_overrides_the_profile_on_mtp_and_the_backend_names_the_device(one: Slot, device: str | None) -> None:
    inputs = made(one).inputs
    assert (inputs.mtp, inputs.mtp_device) == ((True, device) if device else (False, ""))


def test_the_slots_image_and_environment_go_before_the_profiles() -> None:
    profile = Profile(name="rocm", image="localhost/llama:1", env={"A": "1", "B": "1"})
    inputs = target(slot(image="localhost/other:2", env={"B": "2"}), profile, NO_SHADOWS, SETTINGS, 1, "g").inputs
    assert inputs is not None
    assert (inputs.image, inputs.family, inputs.env) == ("localhost/other:2", "llama-server", {"A": "1", "B": "2"})


@pytest.mark.parametrize(
    "changed",
    [
        {"profile": "tts", "type": "tts", "device": "cpu", "model": "other"},
        {"profile": "tts", "type": "tts", "device": "cpu", "context_size": 512},
        {"profile": "comfyui", "type": "image", "vision": False},
        {"n_gpu_layers": -1},
        {"idle_timeout_s": 3.0},
        {"file": "elsewhere.toml"},
        {"operator": SlotKeys(suspend=True, ready_timeout_s=3)},
    ],
)
def test_what_a_family_does_not_use_restarts_nothing(changed: dict[str, Any]) -> None:
    place = {k: v for k, v in changed.items() if k in ("profile", "type", "device")}
    assert made(slot(**changed)).digest == made(slot(**place)).digest


def test_unchanged_slots_keep_their_very_targets_and_a_changed_one_is_made_anew() -> None:
    memo = Memo()
    slots = {s.name: s for s in (slot("a"), slot("b", port=8082), slot("c", port=None), NPU)}

    def again(**parts: Any) -> dict[str, Any]:
        keys = {
            "slots": slots,
            "catalogue": CATALOGUE,
            "generations": {},
            "settings": SETTINGS,
            "ports": {},
            "memo": memo,
        }
        return targets(**keys | parts)

    def changed(before: dict[str, Any], after: dict[str, Any]) -> set[str]:
        assert after == targets(**{**last, "memo": Memo()})
        return {name for name in after if after[name] is not before.get(name)}

    first = again()
    for parts, expected in (
        ({}, set()),
        ({"slots": slots | {"a": slot("a", model="n.gguf")}}, {"a"}),
        ({}, {"a"}),
        ({"ports": {"c": 8100}}, {"c"}),
        ({"ports": {"c": 8100}, "generations": {"b": "new"}}, {"b"}),
        ({"ports": {"c": 8100}, "slots": slots | {"ears": ASR}}, {"b", "npu", "ears"}),
        (
            {"catalogue": CATALOGUE | {"flm": msgspec.structs.replace(CATALOGUE["flm"], image="localhost/flm:2")}},
            {"c", "npu"},
        ),
        ({"settings": Settings(model_store="/other")}, {"a", "b", "c", "npu"}),
    ):
        last = {"slots": slots, "catalogue": CATALOGUE, "generations": {}, "settings": SETTINGS, "ports": {}} | parts
        second = again(**parts)
        assert changed(first, second) == expected, parts
        first = second


def test_ten_thousand_unchanged_slots_cost_no_new_target() -> None:
    memo = Memo()
    slots = {f"s{i}": slot(f"s{i}", port=i + 1) for i in range(10_000)}
    first = targets(slots, CATALOGUE, {}, SETTINGS, {}, memo)
    second = targets(slots, CATALOGUE, {}, SETTINGS, {}, memo)
    assert all(second[name] is first[name] for name in slots)


_ENV = st.dictionaries(st.sampled_from(["A", "B", "C"]), st.text(max_size=3))


@given(_ENV, st.randoms())
def test_a_digest_does_not_depend_on_the_order_of_the_environment(env: dict[str, str], rng: Any) -> None:
    items = list(env.items())
    rng.shuffle(items)
    assert made(slot(env=dict(items))).digest == made(slot(env=env)).digest


@given(st.lists(st.sampled_from([" ", "  ", "\t", "\n"]), min_size=3, max_size=3))
def test_a_digest_does_not_depend_on_the_formatting_of_flags(gaps: list[str]) -> None:
    def digest(text: str) -> str:
        return target(slot(), Profile(name="p", image="localhost/x:1", flags=text), NO_SHADOWS, SETTINGS, 1, "g").digest

    assert digest("{}-fa{}on{}".format(*gaps)) == digest("-fa 'on'")


def test_a_key_at_its_default_is_left_out_so_that_a_new_key_moves_no_digest() -> None:
    plain = made(slot()).inputs
    fields = msgspec.to_builtins(plain)
    assert not {"mtp", "asr", "embed", "env", "vision", "n_gpu_layers"} & set(fields)
    wider = msgspec.defstruct(
        "Wider", [("added", int, 0)], bases=(LaunchInputs,), frozen=True, omit_defaults=True, kw_only=True
    )
    same = wider(**{f: getattr(plain, f) for f in plain.__struct_fields__})
    assert same.digest == plain.digest
