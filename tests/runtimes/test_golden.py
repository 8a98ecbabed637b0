"""Every family on every device: the whole container, its needs, its probe and its argv, word for word.

``HAL0_WRITE_GOLDEN=1`` writes the files anew; read their diff before committing it.
"""

import difflib
import json
import os
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hal0_operator.model.container import DeviceNode
from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.profile import FileRef, Profile, SecretRef
from hal0_operator.model.settings import DeviceSettings, FamilySettings, Policy, Settings
from hal0_operator.model.slot import Slot
from hal0_operator.runtimes import family
from hal0_operator.runtimes.inputs import NO_SHADOWS, Shadows, target

GOLDEN = Path(__file__).parent / "golden"
WRITE = "HAL0_WRITE_GOLDEN"

TOOLBOX = "ghcr.io/hal0ai/amd-strix-halo-toolboxes"
SERVER_FLAGS = "-fa on -ctk q8_0 -ctv q8_0 -b 512 -ub 512 --parallel 1 --threads 8 --no-mmap"
PROFILES = {
    p.name: p
    for p in (
        Profile(name="rocm", image=f"{TOOLBOX}:rocm", flags=SERVER_FLAGS, device_class="gpu", backend="rocm"),
        Profile(
            name="rocm-moe",
            image=f"{TOOLBOX}:rocm",
            flags="-fa on --jinja",
            device_class="gpu",
            backend="rocm",
            mtp=True,
        ),
        Profile(name="vulkan", image=f"{TOOLBOX}:vulkan", flags="-fa on -b 512", device_class="gpu", backend="vulkan"),
        Profile(name="cpu", image="localhost/llama:1", flags="--threads 2 --embedding", device_class="cpu"),
        Profile(name="flm", image="ghcr.io/hal0ai/hal0-toolbox-flm:0.9.43", device_class="npu"),
        Profile(
            name="tts",
            image="ghcr.io/hal0ai/hal0-toolbox-kokoro:v1",
            flags="--model_path {store}/local/kokoro-v1/kokoro-onnx",
            device_class="cpu",
        ),
        Profile(
            name="comfyui",
            image="docker.io/kyuz0/amd-strix-halo-comfyui@sha256:" + "0" * 64,
            flags="--disable-mmap --bf16-vae --cache-none",
            device_class="img",
        ),
        Profile(
            name="custom",
            image="localhost/llama:1",
            flags="--lora {store}/lora/a.gguf --lora /data/lora/b.gguf --hf-token abcdef",
            device_class="gpu",
            env={
                "HF_TOKEN": SecretRef("hal0-hf"),
                "VENDOR_KEY": FileRef("/etc/hal0-operator/secrets/vendor"),
                "MY_PASSWORD": "literal",
                "HSA_OVERRIDE_GFX_VERSION": "11.5.1",
            },
            mounts=("/data/lora:/data/lora:ro",),
            devices=("/dev/fuse",),
        ),
    )
}
KFD = DeviceNode("/dev/kfd", "235:0", 993)
RENDER = DeviceNode("/dev/dri/renderD128", "226:128", 993)
ACCEL = DeviceNode("/dev/accel/accel0", "261:0", 992)
FUSE = DeviceNode("/dev/fuse", "10:229")
MODEL = ModelFile("/mnt/ai-models/chat/qwen3-4b.gguf", 2_500_000_000)
SEEING = msgspec.structs.replace(MODEL, projector="/mnt/ai-models/chat/mmproj-f16.gguf")


class Case(msgspec.Struct, frozen=True):
    slot: Slot
    facts: HostFacts
    settings: Settings = Settings()
    records: Shadows = NO_SHADOWS

    @property
    def inputs(self) -> LaunchInputs:
        made = target(self.slot, PROFILES[self.slot.profile], self.records, self.settings, self.slot.port, "g")
        assert made.inputs is not None and not made.off
        return made.inputs


def slot(name: str, **keys: Any) -> Slot:
    return Slot(**{"name": name, "file": f"slots/{name}.toml", "type": "llm", "port": 8081, "model": "qwen3-4b"} | keys)


CASES = {
    "llama-server-rocm-chat": Case(
        slot("chat", device="gpu-rocm", profile="rocm", n_gpu_layers=99, extra_args=("--batch-size=64", "--jinja")),
        HostFacts(model=SEEING, nodes=(RENDER, KFD)),
    ),
    "llama-server-rocm-mtp-blind": Case(
        slot("agent", device="gpu-rocm", profile="rocm-moe", vision=False, extra_args=("--draft-max", "8")),
        HostFacts(model=SEEING, nodes=(KFD, RENDER)),
    ),
    "llama-server-vulkan-embedding": Case(
        slot("embed", type="embedding", device="gpu-vulkan", profile="vulkan", extra_args=("--embeddings",)),
        HostFacts(model=SEEING, nodes=(RENDER,)),
    ),
    "llama-server-vulkan-mtp-by-device": Case(
        slot("code", device="gpu-vulkan", profile="custom", mtp=True, model="/data/own.gguf"),
        HostFacts(
            model=ModelFile("/data/own.gguf", 5),
            nodes=(RENDER, FUSE),
            secrets={"/etc/hal0-operator/secrets/vendor": "from-the-file"},
        ),
        Settings(
            policy=Policy(mounts=("/dat", "/data")), devices=DeviceSettings(gpu=("/dev/kfd", "/dev/dri/renderD128"))
        ),
    ),
    "llama-server-rocm-reranking": Case(
        slot("rerank", type="reranking", device="gpu-rocm", profile="rocm", extra_args=("--reranking",)),
        HostFacts(model=MODEL, nodes=(KFD, RENDER)),
        Settings(families={"llama-server": FamilySettings(security_opt=("label=disable",), start_deadline_s=7)}),
    ),
    "llama-server-cpu-chat": Case(slot("small", device="cpu", profile="cpu"), HostFacts(model=MODEL)),
    "llama-server-cpu-embedding": Case(
        slot("embed", type="embedding", device="cpu", profile="cpu"), HostFacts(model=MODEL)
    ),
    "flm-npu-chat": Case(
        slot("npu", device="npu", profile="flm", model="gemma4-it-e2b-FLM"), HostFacts(nodes=(RENDER, ACCEL))
    ),
    "flm-npu-trio": Case(
        slot("npu", device="npu", profile="flm", model="qwen3:4b", context_size=16384),
        HostFacts(nodes=(ACCEL,)),
        Settings(
            devices=DeviceSettings(npu=("/dev/accel/accel0",), npu_memlock=8388608),
            families={"flm": FamilySettings(cache="/srv/flm")},
        ),
        Shadows(asr=True, embed=True, anchor="npu"),
    ),
    "flm-simulator": Case(
        slot("npu", device="npu", profile="flm", model="qwen3:4b"),
        HostFacts(),
        Settings(devices=DeviceSettings(npu=())),
    ),
    "kokoro-cpu": Case(
        slot("tts", type="tts", device="cpu", profile="tts", model="kokoro-v1", extra_args=("--voices", "a b")),
        HostFacts(),
    ),
    "comfyui-rocm": Case(
        slot(
            "img",
            type="image",
            device="gpu-rocm",
            profile="comfyui",
            model=None,
            extra_args=("--preview-method", "a;b"),
        ),
        HostFacts(nodes=(KFD, RENDER)),
    ),
    "comfyui-vulkan-simulator": Case(
        slot("img", type="image", device="gpu-vulkan", profile="comfyui", model=None),
        HostFacts(),
        Settings(model_store="/srv/models/", devices=DeviceSettings(gpu=())),
    ),
}


def shown(case: Case) -> dict[str, Any]:
    inputs, module = case.inputs, family(case.inputs.family)
    model = case.facts.model or ModelFile("")
    return {
        "inputs": _plain(inputs),
        "needs": _plain(module.needs(inputs, case.settings)),
        "container": _plain(module.render(inputs, case.facts, case.settings)),
        "argv": _plain(module.argv(inputs, model.path, model.projector, case.slot.profile)),
        "probe": _plain(module.probe(inputs, case.settings)),
        "start_deadline_s": module.start_deadline_s(inputs, model.size, case.settings, None),
    }


def _plain(value: Any) -> Any:
    return msgspec.to_builtins(value, builtin_types=(bytes,))


def _text(document: Any) -> str:
    return json.dumps(document, indent=2, default=lambda data: f"<{len(data)} bytes>") + "\n"


@pytest.mark.parametrize("name", CASES)
def test_the_whole_container_is_what_was_reviewed(name: str) -> None:
    path, now = GOLDEN / f"{name}.json", _text(shown(CASES[name]))
    if os.environ.get(WRITE):
        path.parent.mkdir(exist_ok=True)
        path.write_text(now)
    golden = path.read_text() if path.exists() else ""
    diff = difflib.unified_diff(golden.splitlines(), now.splitlines(), f"golden/{name}.json", "now", lineterm="")
    if text := "\n".join(diff):
        pytest.fail(f"{text}\n\nWanted? {WRITE}=1 pytest {__file__} writes it.", pytrace=False)


def test_no_golden_file_is_left_without_its_case() -> None:
    assert {p.stem for p in GOLDEN.glob("*.json")} - {"digests"} == set(CASES)


def test_no_digest_ever_moves() -> None:
    """A digest that moves restarts healthy models when the operator is upgraded.

    So an existing line is never written anew, only missing ones are added.
    """
    path = GOLDEN / "digests.json"
    now = {name: case.inputs.digest for name, case in CASES.items()}
    golden = json.loads(path.read_text()) if path.exists() else {}
    if os.environ.get(WRITE):
        path.write_text(json.dumps(now | golden, indent=2, sort_keys=True) + "\n")
        golden = now | golden
    assert now == golden
