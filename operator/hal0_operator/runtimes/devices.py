"""Hardware intent and settings to device nodes.

Nodes are probed unless the settings list them; a list is exact.  An empty list declares a
simulator: no node at all, and for the NPU no render node either.
"""

from collections.abc import Iterable

import msgspec

from hal0_operator.model.container import DeviceNode, Ulimit
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.settings import Settings

KFD = "/dev/kfd"
"""ROCm's compute node; its major number is dynamic."""


class Nodes(msgspec.Struct, frozen=True):
    """What to ask the host for.

    ``named`` must exist as they are.  To be probed: ``gpu`` is ROCm's compute node, ``render`` the render nodes,
    ``npu`` the accelerator, which also must not be held by another process.
    """

    named: tuple[str, ...] = ()
    gpu: bool = False
    render: bool = False
    npu: bool = False


def no_nodes(inputs: LaunchInputs) -> Nodes:
    """None but those that the profile names."""
    return Nodes(named=inputs.devices)


def gpu_nodes(inputs: LaunchInputs, settings: Settings) -> Nodes:
    """ROCm: the compute node and the render nodes.  Vulkan: render nodes.  CPU: none."""
    if inputs.device not in ("gpu-rocm", "gpu-vulkan"):
        return no_nodes(inputs)
    rocm = inputs.device == "gpu-rocm"
    listed = settings.devices.gpu
    if listed is None:
        return Nodes(named=inputs.devices, gpu=rocm, render=True)
    return Nodes(named=_union(listed if rocm else _without_compute(listed), inputs.devices))


def npu_nodes(inputs: LaunchInputs, settings: Settings) -> Nodes:
    """The accelerator and a render node, which FLM opens as well."""
    listed = settings.devices.npu
    if listed is not None:
        return Nodes(named=_union(listed, inputs.devices), npu=bool(listed))
    if settings.devices.gpu is None:
        return Nodes(named=inputs.devices, render=True, npu=True)
    return Nodes(named=_union(_without_compute(settings.devices.gpu), inputs.devices), npu=True)


def groups_of(nodes: Iterable[DeviceNode]) -> tuple[int, ...]:
    """The numeric groups that own the nodes: names differ between host and container, numbers do not."""
    return tuple(sorted({node.gid for node in nodes if node.gid}))


def npu_ulimits(settings: Settings) -> tuple[Ulimit, ...]:
    """FLM pins its buffers; a low memlock shows as an unrelated mmap error.  A simulator pins nothing."""
    if settings.devices.npu == ():
        return ()
    limit = settings.devices.npu_memlock
    return (Ulimit("memlock", limit, limit),)


def _without_compute(nodes: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(node for node in nodes if node.rpartition("/")[2] != KFD.rpartition("/")[2])


def _union(first: tuple[str, ...], second: tuple[str, ...]) -> tuple[str, ...]:
    return tuple(dict.fromkeys((*first, *second)))
