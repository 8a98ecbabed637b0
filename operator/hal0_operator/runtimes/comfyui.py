"""ComfyUI: image generation on a GPU."""

import shlex

import msgspec

from hal0_operator.model.container import ContainerSpec, Mount
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

types: tuple[SlotType, ...] = ("image",)

DEADLINE_S = 600
ROOT = "/opt/ComfyUI"
FOLDERS = ("models", "output", "input", "user", "custom_nodes")
"""Folders below ``{store}/comfyui`` and below ComfyUI's own root.

All are written to: its node manager fetches models and nodes.
"""

SHM_SIZE = 8 * 1024**3
"""PyTorch passes tensors through shared memory; with an IPC namespace of its own the size counts."""


def needs(inputs: LaunchInputs, settings: Settings) -> Needs:
    return rendering.needs(inputs, devices.gpu_nodes(inputs, settings), _mounts(inputs), settings)


def render(inputs: LaunchInputs, facts: HostFacts, settings: Settings) -> ContainerSpec:
    line = shlex.join(("python", "main.py", *command(_groups(inputs, ""))))
    spec = rendering.container(
        inputs, facts, command=("bash", "-lc", f"cd {ROOT} && exec {line}"), mounts=_mounts(inputs)
    )
    return msgspec.structs.replace(
        spec, security_opt=rendering.security_opt(inputs, settings), shm_size=SHM_SIZE, private_ipc=True
    )


def argv(inputs: LaunchInputs, model_path: str = "", projector: str = "", profile: str = "") -> Argv:
    del model_path, projector  # it takes no model file
    return shown(_groups(inputs, profile))


def probe(inputs: LaunchInputs, settings: Settings) -> ProbeSpec:
    del settings
    return ProbeSpec(inputs.port, Request("GET", "/system_stats"))


def start_deadline_s(
    inputs: LaunchInputs, model_size: int, settings: Settings, slot_ready_timeout: float | None
) -> float:
    del model_size  # models are loaded per request
    return deadline(inputs, settings, slot_ready_timeout, DEADLINE_S)


def _groups(inputs: LaunchInputs, profile: str) -> Groups:
    return merge(
        (("--listen", ANY_ADDRESS), OPERATOR),
        (("--port", str(inputs.port)), SLOT),
        (inputs.flags, profile_provenance(profile)),
        (inputs.extra_args, EXTRA_ARGS),
    )


def _mounts(inputs: LaunchInputs) -> tuple[Mount, ...]:
    base = f"{inputs.store.rstrip('/')}/comfyui"
    own = (Mount(f"{base}/{name}", f"{ROOT}/{name}", read_only=False, create=True) for name in FOLDERS)
    return rendering.mounts(inputs, *own)
