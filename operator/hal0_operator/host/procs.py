"""``seams.procs.Procs`` on the machine's own processes."""

import os
from collections.abc import Callable

import msgspec

from hal0_operator.desired.names import shown
from hal0_operator.host import nodes, pidfd, ports, proc
from hal0_operator.host.fs import read_regular
from hal0_operator.host.listening import listeners
from hal0_operator.host.models import Models
from hal0_operator.model.container import Mount
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.settings import DeviceSettings
from hal0_operator.model.world import Container
from hal0_operator.runtimes.models import ModelProblem
from hal0_operator.runtimes.rendering import below

SECRET_LIMIT = 65_536
"""Bytes of a secret file; Podman's own limit is 512,000, an environment value's is 128 KiB."""


class HostProcs:
    """One per operator: it owns the pidfds and what is remembered of the model store."""

    def __init__(self) -> None:
        self._watches = pidfd.Watches()
        self._models = Models()

    def watch(self, pid: int, container_id: str, fired: Callable[[], None]) -> bool:
        return self._watches.watch(pid, container_id, fired)

    def alive(self, container_id: str) -> bool:
        return self._watches.alive(container_id)

    def close(self) -> None:
        """Stop watching everything; on the event loop."""
        self._watches.close()

    def kill_orphan(self, pid: int, container_id: str) -> bool:
        return pidfd.kill_orphan(pid, container_id)

    def check(self, needs: Needs, devices: DeviceSettings, own: tuple[Container, ...]) -> HostFacts:
        listening = listeners()
        holder = ports.holder_of(needs.port, listening, own)
        orphan = ports.orphan_of(holder)
        found = self._things(needs, devices)
        users = tuple(nodes.npu_holders(devices, own)) if needs.npu else ()
        return msgspec.structs.replace(
            found,
            port_holder=holder.text if holder else "",
            port_conmon=orphan.pid if orphan else 0,
            port_conmon_id=orphan.id if orphan else "",
            port_conmon_name=orphan.name if orphan else "",
            npu_holders=tuple(proc.describe(pid) for pid, _ in users),
            npu_contained=tuple((pid, id) for pid, id in users if id),
            listeners=frozenset(listener.port for listener in listening),
        )

    def _things(self, needs: Needs, devices: DeviceSettings) -> HostFacts:
        """Model, nodes, secrets and mounts, up to the first that is in the way.

        Mounts come last: nothing is made on the host for a container that cannot be yet.
        """
        model = self._models.find(needs)
        if isinstance(model, ModelProblem):
            return HostFacts(problem=model.reason, message=model.message)
        found = nodes.find(needs, devices)
        if isinstance(found, nodes.NodeProblem):
            return HostFacts(model=model, problem=found.reason, message=found.message)
        secrets: dict[str, str] = {}
        for path in needs.secret_files:
            try:
                secrets[path] = read_secret(path, needs.secret_roots)
            except (OSError, ValueError) as error:
                why = error.strerror if isinstance(error, OSError) else str(error)
                message = f"the secret file {path} cannot be used: {why}"
                return HostFacts(model=model, nodes=found, problem="SecretMissing", message=message)
        wrong = next((wrong for mount in needs.mounts if (wrong := missing_mount(mount, needs.mount_roots))), "")
        reason = "MountMissing" if wrong else ""
        return HostFacts(model=model, nodes=found, secrets=secrets, problem=reason, message=wrong)


def missing_mount(mount: Mount, roots: tuple[str, ...] = ()) -> str:
    """What is wrong with a mount's source, or ``""``; makes a writable one that may be made.

    A link can be changed between this look and Podman's: who can do that can write below a root.
    """
    if os.path.exists(mount.source):
        real = os.path.realpath(mount.source)
        if mount.read_only and not _within(real, roots):
            return (
                f"{mount.source} is a link to {shown(real)}, which is not below {' or '.join(roots)}: "
                "allow its folder in the settings ([policy] mounts)"
            )
        return ""
    if mount.read_only or not mount.create:
        return f"{mount.source} does not exist: mount its disk or make it; the operator makes writable folders only"
    try:
        os.makedirs(mount.source, 0o755, exist_ok=True)
    except OSError as error:
        return f"{mount.source} does not exist and cannot be made: {error.strerror}"
    return ""


def _within(real: str, roots: tuple[str, ...]) -> bool:
    return not roots or any(below(real, os.path.realpath(root)) for root in roots)


def read_secret(path: str, roots: tuple[str, ...] = ()) -> str:
    """The text of a secret file without its final newline; links are followed below ``roots`` only.

    Raises OSError or ValueError; the messages name the file and never its content.
    """
    real = os.path.realpath(path) if roots else path
    if not _within(real, roots):
        raise ValueError(f"it is a link that leaves {' and '.join(roots)}")
    data = read_regular(real, SECRET_LIMIT)
    if len(data) > SECRET_LIMIT:
        raise ValueError(f"is larger than {SECRET_LIMIT} bytes")
    if b"\0" in data:
        raise ValueError("holds a NUL byte")
    try:
        text = data.decode()
    except UnicodeDecodeError:
        raise ValueError("is not UTF-8") from None
    return text.removesuffix("\n").removesuffix("\r")
