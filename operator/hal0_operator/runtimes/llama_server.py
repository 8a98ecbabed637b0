"""llama-server: chat, embeddings and reranking by llama.cpp, on a GPU or the CPU."""

from collections.abc import Iterator

import msgspec

from hal0_operator.model.container import ContainerSpec, Mount
from hal0_operator.model.facts import HostFacts, ModelFile, Needs
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.probe import ProbeSpec, Request
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import SlotType
from hal0_operator.runtimes import devices, rendering
from hal0_operator.runtimes.flags import MODE_OF_TYPE, merge, without_modes
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

types: tuple[SlotType, ...] = ("llm", "embedding", "reranking")

ROCM_SECURITY = ("seccomp=unconfined",)
"""As ROCm's documentation asks of containers."""

BASE_DEADLINE_S = 120
BYTES_PER_SECOND = 50_000_000
"""A slow disk's pace: one second more for each 50 MB of model."""

_MTP = (
    *("--spec-draft-ngl", "all", "--spec-draft-n-max", "4", "--spec-draft-n-min", "0"),
    *("--spec-draft-p-min", "0.0", "--spec-draft-p-split", "0.10"),
    *("--spec-draft-type-k", "q8_0", "--spec-draft-type-v", "q8_0"),
    *("--spec-draft-threads", "16", "--spec-draft-threads-batch", "32"),
    *("--spec-draft-poll", "1", "--spec-draft-poll-batch", "1"),
)
"""Speculative decoding by the model's own heads, as benched with the seeds."""


def needs(inputs: LaunchInputs, settings: Settings) -> Needs:
    found = rendering.needs(
        inputs,
        devices.gpu_nodes(inputs, settings),
        rendering.mounts(inputs, rendering.store_mount(inputs)),
        settings,
    )
    return msgspec.structs.replace(
        found,
        model=inputs.model,
        projector=_sees(inputs),
        registry=settings.registry,
        model_roots=(inputs.store, *settings.policy.mounts),
    )


def render(inputs: LaunchInputs, facts: HostFacts, settings: Settings) -> ContainerSpec:
    model = facts.model or ModelFile(inputs.model)
    spec = rendering.container(
        inputs,
        facts,
        command=command(_groups(inputs, model.path, model.projector, "")),
        mounts=rendering.mounts(inputs, rendering.store_mount(inputs), *_model_mounts(inputs, model, settings)),
    )
    rocm = inputs.device == "gpu-rocm"
    opts = rendering.security_opt(inputs, settings, ROCM_SECURITY if rocm else ())
    return msgspec.structs.replace(spec, security_opt=opts)


def argv(inputs: LaunchInputs, model_path: str = "", projector: str = "", profile: str = "") -> Argv:
    return shown(_groups(inputs, model_path or inputs.model, projector, profile))


def probe(inputs: LaunchInputs, settings: Settings) -> ProbeSpec:
    """``/health`` is 503 while the model loads; ``/v1/models`` answers too early."""
    del settings
    return ProbeSpec(inputs.port, Request("GET", "/health"))


def start_deadline_s(
    inputs: LaunchInputs, model_size: int, settings: Settings, slot_ready_timeout: float | None
) -> float:
    return deadline(inputs, settings, slot_ready_timeout, BASE_DEADLINE_S + model_size / BYTES_PER_SECOND)


def _groups(inputs: LaunchInputs, model_path: str, projector: str, profile: str) -> Groups:
    mode = MODE_OF_TYPE.get(inputs.type)
    layers = inputs.n_gpu_layers
    return merge(
        (("--host", ANY_ADDRESS), OPERATOR),
        (("--port", str(inputs.port)), SLOT),
        (("--model", model_path), SLOT),
        (("--alias", inputs.model), SLOT),
        (("--ctx-size", str(inputs.context_size)), SLOT),
        ((mode,) if mode else (), f"type {inputs.type}"),
        (without_modes(inputs.flags), profile_provenance(profile)),
        (_mtp(inputs), "mtp"),
        (("--mmproj", projector) if projector and _sees(inputs) else (), "projector beside the model"),
        (("-ngl", str(layers)) if layers is not None else (), SLOT),
        (without_modes(inputs.extra_args), EXTRA_ARGS),
    )


def _mtp(inputs: LaunchInputs) -> tuple[str, ...]:
    if not inputs.mtp:
        return ()
    device = ("--spec-draft-device", inputs.mtp_device) if inputs.mtp_device else ()
    return ("--spec-type", "draft-mtp", *device, *_MTP)


def _sees(inputs: LaunchInputs) -> bool:
    return inputs.vision and inputs.type == "llm"


def _model_mounts(inputs: LaunchInputs, model: ModelFile, settings: Settings) -> Iterator[Mount]:
    """A model outside the store, or a link out of it, needs its allowed folder in the container as well."""
    for path in filter(None, (model.path, model.links_to)):
        if not rendering.below(path, inputs.store):
            roots = [root for root in settings.policy.mounts if rendering.below(path, root)]
            yield from (Mount(root, root) for root in sorted(roots, key=len)[-1:])
