"""A container to create: names, labels and the rendered specification."""

from typing import Literal

import msgspec

from hal0_operator.model.digest import digest

LABEL_MANAGED = "app.kubernetes.io/managed-by"
MANAGED_BY = "hal0-operator"
LABEL_HOME = "dev.hal0.home"
LABEL_SLOT = "dev.hal0.slot"
LABEL_SPEC = "dev.hal0.spec"
LABEL_RENDERED = "dev.hal0.rendered"
LABEL_GENERATION = "dev.hal0.generation"
LABEL_NPU = "dev.hal0.npu"
"""Present (``1``) on a container that takes the NPU, so that other homes see its claim."""


def container_name(slot: str) -> str:
    return f"hal0-{slot}"


class Mount(msgspec.Struct, frozen=True):
    """A bind mount.  ``create``: the host folder is made (0755) when missing; never for read-only."""

    source: str
    target: str
    read_only: bool = True
    create: bool = False


class Ulimit(msgspec.Struct, frozen=True):
    """A limit; ``-1`` is unlimited and becomes 2**64-1 on the wire."""

    name: Literal["memlock", "nofile", "nproc"]
    soft: int
    hard: int


class DeviceNode(msgspec.Struct, frozen=True):
    """A device node as the host has it now.  ``rdev`` is ``"226:128"``: nodes are frozen at create."""

    path: str
    rdev: str
    gid: int = 0


class ContainerSpec(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What is sent to Podman.  ``env`` holds plain values, ``secret_env`` names of Podman secrets.

    ``masked`` are the names in ``env`` whose values never leave the container's environment.
    """

    name: str
    image: str
    command: tuple[str, ...] = ()
    env: dict[str, str] = {}
    masked: tuple[str, ...] = ()
    secret_env: dict[str, str] = {}
    mounts: tuple[Mount, ...] = ()
    devices: tuple[DeviceNode, ...] = ()
    groups: tuple[int, ...] = ()
    ulimits: tuple[Ulimit, ...] = ()
    host_port: int
    container_port: int
    labels: dict[str, str] = {}
    security_opt: tuple[str, ...] = ()
    shm_size: int = 0
    private_ipc: bool = False
    stop_timeout: int = 10

    @property
    def rendered(self) -> str:
        """Digest of everything but the labels; the value of ``dev.hal0.rendered``."""
        plain = msgspec.structs.replace(self, labels={})
        return digest("rendered:1", plain)
