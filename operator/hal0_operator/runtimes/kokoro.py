"""Kokoro: text to speech on the CPU."""

import msgspec

from hal0_operator.model.container import ContainerSpec
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

types: tuple[SlotType, ...] = ("tts",)

DEADLINE_S = 600
"""Loading took some 255 s on a CPU in others' reports."""


def needs(inputs: LaunchInputs, settings: Settings) -> Needs:
    mounts = rendering.mounts(inputs, rendering.store_mount(inputs))
    return rendering.needs(inputs, devices.no_nodes(inputs), mounts, settings)


def render(inputs: LaunchInputs, facts: HostFacts, settings: Settings) -> ContainerSpec:
    mounts = rendering.mounts(inputs, rendering.store_mount(inputs))
    spec = rendering.container(inputs, facts, command=command(_groups(inputs, "")), mounts=mounts)
    return msgspec.structs.replace(spec, security_opt=rendering.security_opt(inputs, settings))


def argv(inputs: LaunchInputs, model_path: str = "", projector: str = "", profile: str = "") -> Argv:
    del model_path, projector  # it takes no model file
    return shown(_groups(inputs, profile))


def probe(inputs: LaunchInputs, settings: Settings) -> ProbeSpec:
    """``/health`` is 200 from the first moment; only ``model_loaded`` tells."""
    del settings
    return ProbeSpec(inputs.port, Request("GET", "/health", expect="true", key="model_loaded"))


def start_deadline_s(
    inputs: LaunchInputs, model_size: int, settings: Settings, slot_ready_timeout: float | None
) -> float:
    del model_size  # its model comes through a flag, of unknown size
    return deadline(inputs, settings, slot_ready_timeout, DEADLINE_S)


def _groups(inputs: LaunchInputs, profile: str) -> Groups:
    return merge(
        (inputs.flags, profile_provenance(profile)),
        (("--host", ANY_ADDRESS), OPERATOR),
        (("--port", str(inputs.port)), SLOT),
        (inputs.extra_args, EXTRA_ARGS),
    )
