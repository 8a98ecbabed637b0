"""A slot file decodes to exactly what it says, in either layout."""

import pytest

from hal0_operator.model.problem import slot_key
from hal0_operator.model.profile import FileRef, SecretRef
from hal0_operator.model.slot import DeclaredSlot, SlotKeys
from tests.desired.texts import GOOD, chat, snapshot, the_problem


def test_every_key_of_a_slot_lands_in_its_field() -> None:
    assert chat(GOOD) == DeclaredSlot(
        name="chat",
        file="slots/chat.toml",
        type="llm",
        device="gpu-vulkan",
        backend="vulkan",
        profile="vulkan",
        enabled=True,
        port=8081,
        idle_timeout_s=900.0,
        model="größe-4b.gguf",
        context_size=65536,
        n_gpu_layers=99,
        extra_args="--jinja --temp 0.7",
        env={"A": "1", "B": SecretRef("hal0-b")},
        operator=SlotKeys(load="on-demand", ready_timeout_s=120.0),
        ignored=("workers",),
    )


def test_the_remaining_keys_land_too() -> None:
    slot = chat(
        'mtp = true\nvision = false\nimage = "localhost/x:1"\nn_gpu_layers = -1\n'
        "[npu]\nasr = true\nembed = false\nchat = true\n"
        '[server.env]\nC = { file = "/etc/hal0-operator/secrets/c" }\nD = ""\n'
        "[operator]\nsuspend = true\n"
    )
    assert (slot.mtp, slot.vision, slot.image, slot.n_gpu_layers) == (True, False, "localhost/x:1", -1)
    assert (slot.npu_asr, slot.npu_embed) == (True, False)
    assert slot.env == {"C": FileRef("/etc/hal0-operator/secrets/c"), "D": ""}
    assert slot.operator == SlotKeys(suspend=True)


def test_absent_keys_stay_absent() -> None:
    assert chat("port = 8081\n") == DeclaredSlot(name="chat", file="slots/chat.toml", port=8081)


def test_keys_below_slot_mean_the_same_as_at_the_top() -> None:
    flat = snapshot({"slots/chat.toml": 'device = "cpu"\nport = 1\n[model]\ndefault = "m"\n'})
    nested = snapshot({"slots/chat.toml": '[slot]\ndevice = "cpu"\nport = 1\n[model]\ndefault = "m"\n'})
    whole = snapshot({"slots/chat.toml": '[slot]\ndevice = "cpu"\nport = 1\n[slot.model]\ndefault = "m"\n'})
    assert flat.digest == nested.digest == whole.digest
    assert nested.slots["chat"].nested
    assert not flat.slots["chat"].nested


def test_the_same_value_in_both_layouts_is_no_error() -> None:
    assert chat("port = 8081\nn_gpu_layers = 4\n[slot]\nport = 8081\n[model]\nn_gpu_layers = 4\n").port == 8081


def test_image_as_text_below_slot_and_as_a_table_at_the_top_are_two_keys() -> None:
    assert chat('[slot]\nimage = "localhost/x:1"\n[image]\ndefault_steps = 1\n').image == "localhost/x:1"
    assert chat('image = "localhost/x:1"\n[slot.image]\ndefault_steps = 1\n').image == "localhost/x:1"


@pytest.mark.parametrize("key", ["type", "device", "backend", "profile", "image", "name", "provider"])
@pytest.mark.parametrize("blank", ['""', '"  "'])
def test_blank_text_counts_as_absent(key: str, blank: str) -> None:
    assert chat(f"port = 8081\n{key} = {blank}\n[model]\ndefault = {blank}\n") == chat("port = 8081\n")


def test_ctx_size_is_another_name_of_context_size() -> None:
    slot = chat("[model]\nctx_size = 4096\n")
    assert (slot.context_size, slot.ignored) == (4096, ())


def test_ctx_size_is_the_stronger_name() -> None:
    slot = chat("[model]\nctx_size = 4096\ncontext_size = 8192\n")
    assert (slot.context_size, slot.ignored) == (4096, ("model.context_size",))


def test_keys_without_effect_are_listed_once_each_and_in_order() -> None:
    text = 'workers = 1\nrole = "x"\nbinary = ""\n[defaults]\nload_asr = true\n[model]\nlabels = ["a"]\nextra = {}\n'
    assert chat(text).ignored == ("defaults.load_asr", "model.labels", "role", "workers")


@pytest.mark.parametrize(
    ("keys", "contradicts"),
    [
        ('provider = "llama-server"\ndevice = "npu"', False),
        ('provider = "flm"\ndevice = "npu"', False),
        ('provider = "flm"\nbackend = "flm"', False),
        ('provider = "flm"\ndevice = "cpu"', True),
        ('provider = "kokoro"\ntype = "tts"', False),
        ('provider = "comfyui"\ntype = "image"', False),
        ('provider = "comfyui"\ntype = "llm"', True),
        ('provider = "ollama"', True),
    ],
)
def test_provider_is_listed_only_where_it_contradicts(keys: str, contradicts: bool) -> None:
    assert ("provider" in chat(keys).ignored) is contradicts


def test_a_file_named_by_its_id_is_called_by_the_name_within() -> None:
    taken = snapshot({"slots/7.toml": 'id = "7"\nname = "talk"\nport = 8081\n'})
    assert list(taken.slots) == ["talk"]
    assert taken.slots["talk"].file == "slots/7.toml"
    assert taken.slots["talk"].ignored == ()


def test_a_fault_in_a_file_named_by_its_id_blames_the_name_within() -> None:
    taken = snapshot({"slots/7.toml": '[slot]\nid = 7\nname = "talk"\nport = 0\n'})
    assert taken.broken == {slot_key("talk")}
    assert taken.problems[0].parties == (slot_key("talk"),)


def test_a_digit_name_without_that_id_is_just_a_name() -> None:
    assert list(snapshot({"slots/7.toml": "port = 8081\n"}).slots) == ["7"]
    assert snapshot({"slots/7.toml": 'id = 8\nname = "talk"\n'}).problems[0].code == "slot.name"


def test_a_faulty_slot_is_broken_and_not_a_slot() -> None:
    taken = snapshot({"slots/chat.toml": "port = 0\n", "slots/code.toml": "port = 8082\n"})
    assert list(taken.slots) == ["code"]
    assert taken.broken == {slot_key("chat")}


def test_values_of_variables_never_stand_in_a_message() -> None:
    taken = snapshot(
        {"slots/chat.toml": '[server.env]\nTOKEN = 421337\nB = { secret = 421337 }\nC = "421337\\u0000"\n'}
    )
    assert len(taken.problems) == 3
    assert not any("421337" in problem.message + problem.hint for problem in taken.problems)


def test_a_long_or_odd_value_is_repeated_short_and_printable() -> None:
    problem = the_problem('device = "' + "x\\u001b[31m" * 50 + '"\n')
    assert problem.message.isprintable()
    assert len(problem.message) < 100


def test_a_file_of_endless_faults_lists_a_hundred() -> None:
    taken = snapshot({"slots/chat.toml": "".join(f"key{index} = 1\n" for index in range(5000))})
    assert len(taken.problems) == 101
    assert taken.problems[-1].message == "and more problems in this file"


def test_odd_keys_are_repeated_printable_and_short() -> None:
    taken = snapshot({"slots/chat.toml": '"a\\u001b[31m\\nb" = 1\n' + "k" * 5000 + " = 1\n"})
    assert len(taken.problems) == 2
    assert all(problem.message.isprintable() and len(problem.message) < 300 for problem in taken.problems)


@pytest.mark.parametrize("name", ["--port=1", "-c"])
def test_a_model_that_its_server_would_take_for_a_flag_is_refused(name: str) -> None:
    problem = the_problem(f'device = "npu"\n[model]\ndefault = "{name}"\n')
    assert (problem.code, problem.path) == ("slot.schema", ("model", "default"))


def test_an_endless_text_is_refused_and_not_repeated() -> None:
    problem = the_problem(f'profile = "{"a" * 5_000}"\n')
    assert (problem.code, problem.path) == ("slot.schema", ("profile",))
    assert "5000 characters" in problem.message
    assert len(problem.message) < 100
