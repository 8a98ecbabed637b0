"""FastFlowLM on the NPU: one process for chat and, where records ask for them, speech and embeddings."""

import msgspec

from hal0_operator.model.container import LABEL_NPU, ContainerSpec, Mount
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.probe import ProbeSpec, Request
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import SlotType
from hal0_operator.runtimes import devices, rendering
from hal0_operator.runtimes.flags import merge
from hal0_operator.runtimes.protocol import (
    ANY_ADDRESS,
    EXTRA_ARGS,
    OPERATOR,
    SLOT,
    Argv,
    Groups,
    command,
    deadline,
    profile_provenance,
    shown,
)

types: tuple[SlotType, ...] = ("llm", "embedding", "transcription")

ROLES: dict[SlotType, str] = {"transcription": "asr", "embedding": "embed"}
"""The role of the one process that serves a record of this type."""

DEADLINE_S = 300
CACHE = "/var/lib/hal0/.config/flm/models"
"""Where the image keeps its models, and the default folder on the host."""

ENV = {
    "FLM_CONFIG_PATH": "/opt/fastflowlm/share/flm/model_list.json",
    "LD_LIBRARY_PATH": "/opt/fastflowlm/lib:/opt/xilinx/xrt/lib:/usr/lib/x86_64-linux-gnu",
}
CALL_TIMEOUT_S = 60.0
"""For one functional call: the first token after a start has to warm the NPU up."""


def tag(model: str) -> str:
    """FLM's name of a model: ``qwen3-4b-FLM`` is ``qwen3:4b``; one with a colon is a tag already."""
    if ":" in model or not model.endswith("-FLM"):
        return model
    name, dash, size = model.removesuffix("-FLM").rpartition("-")
    return f"{name}:{size}" if dash else size


def flag(role: str) -> str:
    """What starts the process with this role."""
    return f"--{role}"


def roles(inputs: LaunchInputs) -> tuple[str, ...]:
    """Those that it is started with beside the chat."""
    return tuple(role for role, on in (("embed", inputs.embed), ("asr", inputs.asr)) if on)


def needs(inputs: LaunchInputs, settings: Settings) -> Needs:
    found = rendering.needs(inputs, devices.npu_nodes(inputs, settings), _mounts(inputs, settings), settings)
    return msgspec.structs.replace(found, npu_exclusive=True)


def render(inputs: LaunchInputs, facts: HostFacts, settings: Settings) -> ContainerSpec:
    spec = rendering.container(
        inputs, facts, command=command(_groups(inputs, "")), mounts=_mounts(inputs, settings), env=ENV
    )
    return msgspec.structs.replace(
        spec,
        ulimits=devices.npu_ulimits(settings),
        security_opt=rendering.security_opt(inputs, settings),
        labels={LABEL_NPU: "1"},
    )


def argv(inputs: LaunchInputs, model_path: str = "", projector: str = "", profile: str = "") -> Argv:
    del model_path, projector  # it takes no model file
    return shown(_groups(inputs, profile))


def probe(inputs: LaunchInputs, settings: Settings) -> ProbeSpec:
    """A listed catalogue proves nothing: FLM listens although a model failed to load.

    So each enabled role is called once per start, one at a time, because overlapping or cancelled
    calls crash FLM; and always with the slot's own tag, because another one makes it switch models.
    """
    del settings
    own = tag(inputs.model)
    chat = {"model": own, "messages": [{"role": "user", "content": "Hi"}], "max_tokens": 1, "stream": False}
    calls = [Request("POST", "/v1/chat/completions", body=chat, role="chat", timeout_s=CALL_TIMEOUT_S)]
    if inputs.embed:
        body = {"model": own, "input": "Hi"}
        calls.append(Request("POST", "/v1/embeddings", body=body, role="embed", timeout_s=CALL_TIMEOUT_S))
    if inputs.asr:
        speech = Request(
            "POST",
            "/v1/audio/transcriptions",
            body={"model": own, "file": silence()},
            multipart=True,
            role="asr",
            timeout_s=CALL_TIMEOUT_S,
        )
        calls.append(speech)
    return ProbeSpec(inputs.port, Request("GET", "/v1/models", expect="models"), tuple(calls))


def start_deadline_s(
    inputs: LaunchInputs, model_size: int, settings: Settings, slot_ready_timeout: float | None
) -> float:
    del model_size  # FLM fetches and caches its own models
    return deadline(inputs, settings, slot_ready_timeout, DEADLINE_S)


def silence(samples: int = 1600, rate: int = 16_000) -> bytes:
    """A WAV file of silence, mono, 16 bit: a tenth of a second."""
    size = samples * 2

    def number(value: int, width: int = 4) -> bytes:
        return value.to_bytes(width, "little")

    form = number(1, 2) + number(1, 2) + number(rate) + number(rate * 2) + number(2, 2) + number(16, 2)
    head = b"RIFF" + number(36 + size) + b"WAVEfmt " + number(len(form)) + form
    return head + b"data" + number(size) + bytes(size)


def _groups(inputs: LaunchInputs, profile: str) -> Groups:
    return merge(
        (("serve",), OPERATOR),
        ((tag(inputs.model),), SLOT),
        (("--host", ANY_ADDRESS), OPERATOR),
        (("--port", str(inputs.port)), SLOT),
        (("--ctx-len", str(inputs.context_size)), SLOT),
        (inputs.flags, profile_provenance(profile)),
        (inputs.extra_args, EXTRA_ARGS),
        ((flag("embed"), "1") if inputs.embed else (), "embedding record"),
        ((flag("asr"), "1") if inputs.asr else (), "transcription record"),
    )


def _mounts(inputs: LaunchInputs, settings: Settings) -> tuple[Mount, ...]:
    cache = settings.family("flm").cache or CACHE
    return rendering.mounts(inputs, Mount(cache, CACHE, read_only=False, create=True))
