"""What a swap changes, for people."""

import msgspec

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import SecretRef
from hal0_operator.model.status import FieldDiff
from hal0_operator.runtimes.diff import field_diff

BASE = LaunchInputs(
    slot="chat",
    family="llama-server",
    type="llm",
    device="gpu-rocm",
    image="localhost/llama:1",
    port=8081,
    flags=("-b", "512", "--jinja", "--lora", "a", "--lora", "b", "--hf-token", "hunter2"),
    model="m.gguf",
    context_size=8192,
    env={"API_KEY": "hunter2", "MODE": "fast", "HF_TOKEN": SecretRef("hal0-hf")},
)


def changed(**keys: object) -> tuple[FieldDiff, ...]:
    return field_diff(BASE, msgspec.structs.replace(BASE, **keys))


def test_the_same_inputs_differ_in_nothing() -> None:
    assert changed() == ()


def test_fields_are_shown_as_people_write_them() -> None:
    assert changed(context_size=4096, mtp=True, model="n.gguf", vision=False) == (
        FieldDiff("mtp", "", "true"),
        FieldDiff("model", "m.gguf", "n.gguf"),
        FieldDiff("context_size", "8192", "4096"),
        FieldDiff("vision", "", "false"),
    )


def test_flags_are_compared_one_by_one() -> None:
    flags = ("--batch-size", "64", "--lora", "a", "--lora", "c", "-fa", "on", "--hf-token", "hunter2")
    assert changed(flags=flags) == (
        FieldDiff("flags --batch-size", "-b 512", "--batch-size 64"),
        FieldDiff("flags --lora", "--lora a --lora b", "--lora a --lora c"),
        FieldDiff("flags --flash-attn", "", "-fa on"),
        FieldDiff("flags --jinja", "--jinja", ""),
    )


def test_secrets_are_masked_on_both_sides_and_references_shown() -> None:
    diff = changed(
        env={"API_KEY": "hunter3", "MODE": "slow", "HF_TOKEN": "hunter4", "NEW_PASSWORD": "hunter5"},
        flags=("--hf-token", "hunter6"),
    )
    assert "hunter" not in repr(diff)
    assert {(d.field, d.before, d.after) for d in diff if d.field.startswith("env")} == {
        ("env API_KEY", "********", "********"),
        ("env MODE", "fast", "slow"),
        ("env HF_TOKEN", "{secret hal0-hf}", "********"),
        ("env NEW_PASSWORD", "", "********"),
    }


def test_a_secret_flag_that_changed_is_named_without_its_value() -> None:
    assert changed(flags=(*BASE.flags[:-1], "hunter3")) == (
        FieldDiff("flags --hf-token", "--hf-token ********", "--hf-token ********"),
    )


def test_without_a_former_state_everything_that_is_set_is_new() -> None:
    diff = field_diff(None, BASE)
    assert all(d.before == "" for d in diff)
    assert FieldDiff("image", "", "localhost/llama:1") in diff
    assert "hunter" not in repr(diff)


def test_what_falls_back_to_its_default_is_shown_as_gone() -> None:
    assert field_diff(msgspec.structs.replace(BASE, mounts=("/a:/b:ro",)), BASE) == (
        FieldDiff("mounts", "/a:/b:ro", ""),
    )
