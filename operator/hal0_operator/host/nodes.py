"""Device nodes: which ones a container takes, what they are right now, and who has one open."""

import contextlib
import os
import stat as modes
from collections.abc import Iterator

import msgspec

from hal0_operator.host import proc
from hal0_operator.model.container import DeviceNode
from hal0_operator.model.facts import Needs
from hal0_operator.model.settings import DeviceSettings
from hal0_operator.model.world import Container

COMPUTE = "/dev/kfd"
RENDER_FOLDER = "/dev/dri"
RENDER_PREFIX = "renderD"
NPU = "/dev/accel/accel0"


class NodeProblem(msgspec.Struct, frozen=True):
    """``reason`` is ``DeviceMissing`` or ``DeviceDenied``: a driver's business, or permissions'."""

    reason: str
    message: str


def _render_nodes() -> tuple[str, ...]:
    try:
        names = os.listdir(RENDER_FOLDER)
    except OSError:
        return ()
    found = (name for name in names if name.startswith(RENDER_PREFIX) and name[len(RENDER_PREFIX) :].isdigit())
    return tuple(f"{RENDER_FOLDER}/{name}" for name in sorted(found, key=lambda name: (len(name), name)))


def npu_nodes(devices: DeviceSettings) -> tuple[str, ...]:
    """The NPU's nodes; empty when the settings declare a simulator."""
    return (NPU,) if devices.npu is None else devices.npu


def wanted(needs: Needs, devices: DeviceSettings) -> tuple[str, ...] | NodeProblem:
    """Paths of all nodes that the container takes: the named ones, then those to be probed for."""
    paths = needs.nodes
    if needs.npu:
        paths = (*paths, *npu_nodes(devices))
    if needs.gpu:
        paths = (*paths, COMPUTE)
    if needs.render:
        render = _render_nodes()
        if not render:
            return NodeProblem(
                "DeviceMissing",
                f"no render node ({RENDER_FOLDER}/{RENDER_PREFIX}*) exists: load the GPU's kernel driver (amdgpu), "
                "or name the nodes in the settings: [devices] gpu",
            )
        paths = (*paths, *render)
    return tuple(dict.fromkeys(paths))


def look(path: str, for_image_user: bool) -> DeviceNode | NodeProblem:
    """The node at the end of ``path``; links such as those of ``/dev/dri/by-path`` are followed.

    ``for_image_user``: the image does not run as root, so that owner rights do not help it.
    """
    real = os.path.realpath(path)
    try:
        found = os.stat(real)
    except PermissionError:
        return NodeProblem("DeviceDenied", f"{path} cannot be looked at: a folder above it forbids it")
    except OSError:
        return NodeProblem(
            "DeviceMissing",
            f"{path} does not exist: load its kernel driver, or name the right node in the settings ([devices])",
        )
    if not (modes.S_ISCHR(found.st_mode) or modes.S_ISBLK(found.st_mode)):
        return NodeProblem("DeviceMissing", f"{path} is not a device node: name one in the settings ([devices])")
    if not _readable(real, found, for_image_user):
        rights = f"{modes.filemode(found.st_mode)}, user {found.st_uid}, group {found.st_gid}"
        return NodeProblem(
            "DeviceDenied",
            f"{path} is there but the container could not read it ({rights}): "
            f"give its group access, as a udev rule or `chmod g+rw {real}` does",
        )
    number = f"{os.major(found.st_rdev)}:{os.minor(found.st_rdev)}"
    return DeviceNode(path=real, rdev=number, gid=found.st_gid)


def _readable(path: str, found: os.stat_result, for_image_user: bool) -> bool:
    """Whether the container's identity may read the node.

    Under root it is the image's user with the node's group added; root in the container passes
    over every mode, but a node that nobody may read was meant to be shut.  A rootless container
    has no more rights than this user.
    """
    if os.geteuid() != 0:
        return os.access(path, os.R_OK | os.W_OK, effective_ids=True)
    return bool(found.st_mode & (0o044 if for_image_user else 0o444))


def find(needs: Needs, devices: DeviceSettings) -> tuple[DeviceNode, ...] | NodeProblem:
    """All nodes that the container takes, or the first problem."""
    paths = wanted(needs, devices)
    if isinstance(paths, NodeProblem):
        return paths
    npu = npu_nodes(devices) if needs.npu else ()
    found: dict[str, DeviceNode] = {}
    for path in paths:
        node = look(path, for_image_user=path in npu)
        if isinstance(node, NodeProblem):
            return node
        found[node.path] = node
    return tuple(found.values())


def _opened(pid: int, numbers: frozenset[int], names: frozenset[str]) -> bool:
    folder = f"/proc/{pid}/fd"
    try:
        descriptors = os.listdir(folder)
    except OSError:
        return False
    for descriptor in descriptors:
        try:
            path = os.readlink(f"{folder}/{descriptor}")
            # Asking about a file of a dead network mount would hang, so only likely names are asked.
            if "/dev/" not in path and os.path.basename(path) not in names:
                continue
            found = os.stat(f"{folder}/{descriptor}")
        except OSError:
            continue
        if found.st_rdev in numbers and modes.S_ISCHR(found.st_mode):
            return True
    return False


def npu_holders(devices: DeviceSettings, own: tuple[Container, ...]) -> Iterator[tuple[int, str]]:
    """Processes that have an NPU node open, each with its container's id (``""``: in none).

    A node is known by its number: containers have nodes of their own.
    Those of containers in ``own`` are left out: such a container holds the NPU by existing.
    """
    numbers: dict[int, str] = {}
    for path in npu_nodes(devices):
        with contextlib.suppress(OSError):
            numbers[os.stat(path).st_rdev] = os.path.basename(os.path.realpath(path))
    if not numbers:
        return
    ids = {container.id for container in own}
    rdevs, names = frozenset(numbers), frozenset(numbers.values())
    for pid in proc.pids():
        if _opened(pid, rdevs, names) and (id := proc.container_of(pid)) not in ids:
            yield pid, id
