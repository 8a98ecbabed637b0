"""The slots as requests name them, from the loop's targets."""

from typing import Any

from hal0_operator.model.launch import Target
from hal0_operator.model.slot import Slot
from hal0_operator.routing.directory import Directory


def target(name: str, type: str, device: str, model: str | None = None, anchor: str = "", **more: Any) -> Target:
    slot = Slot(name=name, file=f"slots/{name}.toml", type=type, device=device, profile="p", model=model, **more)
    family = "flm" if device == "npu" else "llama-server"
    return Target(slot=slot, generation="g", family=family, profile="p", profile_digest="d", anchor=anchor)


def test_records_and_npu_chat_slots_are_told_by_device_and_type_and_never_by_name() -> None:
    found = Directory.of(
        [
            target("stt-npu", "transcription", "cpu", "whisper"),
            target("anything", "transcription", "npu", anchor="brain"),
            target("brain", "llm", "npu", "gemma3-1b-FLM"),
            target("npu", "llm", "cpu", "qwen"),
        ]
    ).slots
    assert {name for name, listing in found.items() if listing.is_record} == {"anything"}
    assert {name for name, listing in found.items() if listing.is_npu_chat} == {"brain"}
    assert found["anything"].anchor == "brain"


def test_a_record_whose_npu_chat_slot_is_off_still_names_it() -> None:
    found = Directory.of(
        [target("ears", "transcription", "npu"), target("brain", "llm", "npu", "gemma3-1b-FLM", enabled=False)]
    )
    assert found.slots["ears"].anchor == "brain"
    assert Directory.of([target("ears", "transcription", "npu")]).slots["ears"].anchor == ""


def test_a_model_is_found_by_its_id_and_by_the_name_that_flm_has_for_it() -> None:
    found = Directory.of(
        [
            target("b", "llm", "cpu", "qwen"),
            target("a", "llm", "cpu", "qwen"),
            target("brain", "llm", "npu", "gemma3-1b-FLM"),
            target("second", "llm", "npu", "gemma3:1b"),
            target("none", "llm", "cpu"),
        ]
    )
    assert found.by_model == {
        "qwen": ("a", "b"),
        "gemma3-1b-FLM": ("brain",),
        "gemma3:1b": ("brain", "second"),
    }
    assert (found.slots["brain"].upstream_model, found.slots["a"].upstream_model) == ("gemma3:1b", "")


def test_slots_that_were_never_admitted_are_there_with_the_reason() -> None:
    targets = [
        target("brain", "llm", "npu", "gemma3:1b"),
        target("chat-npu", "llm", "npu", "x"),
        target("ears", "transcription", "npu"),
    ]
    found = Directory.of(targets, {"chat-npu": "npu.exclusive", "bad": "slot.toml"}).slots
    assert {name: listing.denied for name, listing in found.items() if listing.denied} == {
        "bad": "slot.toml",
        "chat-npu": "npu.exclusive",
    }
    assert (found["bad"].type, found["bad"].is_npu_chat, found["chat-npu"].type) == (None, False, "llm")
    assert found["ears"].anchor == "brain"
    denied = {"brain": "a reason", "chat-npu": "another"}
    assert Directory.of(targets, denied).slots["ears"].anchor == "brain", "it tells why there is no NPU chat slot"
