"""What the families do beyond the reviewed files."""

import shlex
from typing import Any

import msgspec
import pytest
from hypothesis import given
from hypothesis import strategies as st

from hal0_operator.model.container import Mount
from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import FAMILIES as FAMILY_NAMES
from hal0_operator.model.settings import DeviceSettings, FamilySettings, Policy, Settings
from hal0_operator.runtimes import FAMILIES, devices, family, flags
from hal0_operator.runtimes.flm import silence, tag

SETTINGS = Settings()
TYPES = {"llama-server": "llm", "flm": "llm", "kokoro": "tts", "comfyui": "image"}


def inputs(name: str = "llama-server", **keys: Any) -> LaunchInputs:
    base = {"slot": "s", "family": name, "type": TYPES[name], "device": "cpu", "image": "localhost/x:1", "port": 8081}
    return LaunchInputs(**base | {"model": "m", "context_size": 8192, "store": "/store"} | keys)


def command(one: LaunchInputs, model: ModelFile | None = None, settings: Settings = SETTINGS) -> tuple[str, ...]:
    return family(one.family).render(one, HostFacts(model=model), settings).command


def test_every_family_of_the_model_has_a_module() -> None:
    assert tuple(FAMILIES) == FAMILY_NAMES


@pytest.mark.parametrize(
    ("model", "name"),
    [
        ("gemma4-it-e2b-FLM", "gemma4-it:e2b"),
        ("qwen3-4b-FLM", "qwen3:4b"),
        ("qwen3:4b", "qwen3:4b"),
        ("a:b-FLM", "a:b-FLM"),
        ("qwen3-4b", "qwen3-4b"),
        ("solo-FLM", "solo"),
    ],
)
def test_an_flm_model_id_becomes_its_tag(model: str, name: str) -> None:
    assert tag(model) == name


@pytest.mark.parametrize("type", ["llm", "embedding", "reranking"])
@pytest.mark.parametrize("written", [(), ("--embedding",), ("--rerank",), ("--embeddings", "--reranking")])
def test_the_type_alone_decides_the_mode_and_there_is_never_more_than_one(type: str, written: tuple[str, ...]) -> None:
    argv = command(inputs(type=type, flags=written, extra_args=written))
    modes = [flags.canonical(t) for t in argv if flags.canonical(t) in flags.MODES]
    assert modes == [mode for t, mode in flags.MODE_OF_TYPE.items() if t == type]


@pytest.mark.parametrize(
    ("records", "roles"),
    [
        ({}, ["chat"]),
        ({"asr": True}, ["chat", "asr"]),
        ({"embed": True}, ["chat", "embed"]),
        ({"asr": True, "embed": True}, ["chat", "embed", "asr"]),
    ],
)
def test_a_role_has_its_flag_and_its_functional_call_or_neither(records: dict[str, bool], roles: list[str]) -> None:
    one = inputs("flm", device="npu", model="qwen3-4b-FLM", **records)
    argv, probe = command(one), family("flm").probe(one, SETTINGS)
    assert [("--asr" in argv), ("--embed" in argv)] == ["asr" in roles, "embed" in roles]
    assert [call.role for call in probe.once] == roles
    assert {call.body["model"] for call in probe.once} == {"qwen3:4b"}


def test_the_spoken_probe_is_a_wav_file_of_a_tenth_of_a_second() -> None:
    import io
    import wave

    with wave.open(io.BytesIO(silence())) as sound:
        assert (sound.getnchannels(), sound.getsampwidth(), sound.getframerate(), sound.getnframes()) == (
            1,
            2,
            16000,
            1600,
        )


@pytest.mark.parametrize(
    ("name", "size", "settings", "slot", "seconds"),
    [
        ("llama-server", 0, None, None, 120),
        ("llama-server", 20_000_000_000, None, None, 520),
        ("flm", 10**12, None, None, 300),
        ("kokoro", 10**12, None, None, 600),
        ("comfyui", 10**12, None, None, 600),
        ("comfyui", 0, 30.0, None, 30),
        ("llama-server", 10**12, 30.0, 5.0, 5),
        ("llama-server", 0, 30.0, 0.0, 0),
    ],
)
def test_the_deadline_goes_by_slot_then_settings_then_family(
    name: str, size: int, settings: float | None, slot: float | None, seconds: float
) -> None:
    given = Settings(families={name: FamilySettings(start_deadline_s=settings)})
    assert family(name).start_deadline_s(inputs(name), size, given, slot) == seconds


@pytest.mark.parametrize(
    ("device", "gpu", "wanted"),
    [
        ("gpu-rocm", None, devices.Nodes(gpu=True, render=True)),
        ("gpu-vulkan", None, devices.Nodes(render=True)),
        ("cpu", None, devices.Nodes()),
        ("gpu-rocm", (), devices.Nodes()),
        ("gpu-rocm", ("/dev/kfd", "/dev/dri/x"), devices.Nodes(named=("/dev/kfd", "/dev/dri/x"))),
        ("gpu-vulkan", ("/dev/kfd", "/dev/dri/x"), devices.Nodes(named=("/dev/dri/x",))),
    ],
)
def test_a_gpu_slot_gets_the_nodes_of_its_device(device: str, gpu: Any, wanted: devices.Nodes) -> None:
    assert devices.gpu_nodes(inputs(device=device), Settings(devices=DeviceSettings(gpu=gpu))) == wanted


@pytest.mark.parametrize(
    ("npu", "gpu", "wanted"),
    [
        (None, None, devices.Nodes(npu=True, render=True)),
        (None, (), devices.Nodes(npu=True)),
        (None, ("/dev/kfd", "/dev/dri/x"), devices.Nodes(named=("/dev/dri/x",), npu=True)),
        (("/dev/fake",), None, devices.Nodes(named=("/dev/fake",), npu=True)),
        ((), None, devices.Nodes()),
    ],
)
def test_the_npu_slot_gets_what_is_set_or_the_accelerator_and_a_render_node(
    npu: Any, gpu: Any, wanted: devices.Nodes
) -> None:
    settings = Settings(devices=DeviceSettings(npu=npu, gpu=gpu))
    one = inputs("flm", device="npu")
    assert devices.npu_nodes(one, settings) == wanted
    assert family("flm").needs(one, settings).npu_exclusive, "containers exclude each other on a simulator too"


def test_a_link_out_of_the_store_brings_its_allowed_folder_along_and_nothing_else_does() -> None:
    settings = Settings(policy=Policy(mounts=("/data", "/data/deep", "/unused")))
    facts = HostFacts(model=ModelFile("/store/m.gguf", links_to="/data/deep/m.gguf"))
    spec = family("llama-server").render(inputs(), facts, settings)
    assert spec.mounts == (Mount("/store", "/store"), Mount("/data/deep", "/data/deep"))


def test_a_profiles_mount_replaces_the_familys_for_the_same_target() -> None:
    spec = family("flm").render(
        inputs("flm", mounts=("/x:/var/lib/hal0/.config/flm/models:ro",)), HostFacts(), SETTINGS
    )
    assert spec.mounts == (Mount("/x", "/var/lib/hal0/.config/flm/models"),)


@given(st.lists(st.text("ab '\"$;&|`\\\n-", min_size=1, max_size=5), max_size=4))
def test_no_flag_of_comfyui_ever_reaches_the_shell_as_code(words: list[str]) -> None:
    one = inputs("comfyui", extra_args=("--x", *words))
    bash, login, line = command(one)
    assert (bash, login) == ("bash", "-lc")
    cd, script = line.split(" && exec ", 1)
    assert cd == "cd /opt/ComfyUI"
    merged = [
        token
        for group, _ in flags.merge((("--listen", "0.0.0.0", "--port", "8081"), ""), (one.extra_args, ""))
        for token in group
    ]
    assert shlex.split(script) == ["python", "main.py", *merged]


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_argv_is_the_command_flag_by_flag(name: str) -> None:
    one = inputs(name, flags=("--a", "1"), extra_args=("--b",))
    argv = family(name).argv(one, "/store/m.gguf", "", "p")
    assert {"--a 1": "profile p", "--b": "slot extra_args"}.items() <= dict(argv).items()
    line = " ".join(command(one, ModelFile("/store/m.gguf")))
    assert line.endswith(" ".join(text for text, _ in argv))


@pytest.mark.parametrize("name", FAMILY_NAMES)
def test_rendering_follows_the_host_and_digests_do_not(name: str) -> None:
    one = inputs(name)
    module = family(name)
    a = module.render(one, HostFacts(), SETTINGS)
    changed = msgspec.structs.replace(one, env={"X": "1"})
    assert module.render(changed, HostFacts(), SETTINGS).rendered != a.rendered
    assert msgspec.structs.replace(a, labels={"any": "label"}).rendered == a.rendered
