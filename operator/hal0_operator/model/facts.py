"""What a slot needs from the host, and what a look at the host found."""

import msgspec

from hal0_operator.model.container import DeviceNode, Mount


class Needs(msgspec.Struct, frozen=True, kw_only=True):
    """What must be true of the host before a container of these inputs may be created.

    ``model`` is the reference to a model file ("" when the family takes none), ``model_roots`` the
    store and the folders where one may lie besides.  ``nodes`` are device nodes that must exist and
    be readable; to be probed for: ``gpu`` is the compute node, ``render`` the render nodes, ``npu``
    the accelerator, which no other process may hold open.  ``npu_exclusive``: no other NPU
    container may exist.  What is mounted read-only must lie below one of ``mount_roots``, and a file of
    ``secret_files`` below one of ``secret_roots``, links followed; without roots anywhere.
    """

    slot: str
    port: int
    model: str = ""
    projector: bool = False
    store: str = ""
    registry: str = ""
    model_roots: tuple[str, ...] = ()
    mounts: tuple[Mount, ...] = ()
    mount_roots: tuple[str, ...] = ()
    nodes: tuple[str, ...] = ()
    gpu: bool = False
    render: bool = False
    npu: bool = False
    npu_exclusive: bool = False
    secret_files: tuple[str, ...] = ()
    secret_roots: tuple[str, ...] = ()


class ModelFile(msgspec.Struct, frozen=True):
    """``size`` in bytes, all parts of a split file together; ``projector`` is the mmproj beside it.

    ``links_to`` is the file that ``path`` leads to, where that is a link.
    """

    path: str
    size: int = 0
    projector: str = ""
    links_to: str = ""


class HostFacts(msgspec.Struct, frozen=True, kw_only=True):
    """The answer to ``Needs``, at one instant.

    ``problem`` is the first thing that is in the way, as a condition's reason with its message:
    ``ModelMissing``, ``DeviceMissing``, ``DeviceDenied``, ``SecretMissing``, ``MountMissing``.
    ``port_holder`` describes a listener on the wanted port ("" when free); ``port_conmon`` is its
    pid when it is the conmon of a container named for some slot, ``port_conmon_id`` and
    ``port_conmon_name`` that container's id and name by its arguments.  ``npu_holders`` are
    processes with an NPU node open, those of managed containers apart; ``npu_contained`` are pid
    and container id of those that run in one.  ``listeners`` are all listening TCP ports.
    ``secrets`` are the texts of the secret files by path.
    """

    model: ModelFile | None = None
    nodes: tuple[DeviceNode, ...] = ()
    problem: str = ""
    message: str = ""
    port_holder: str = ""
    port_conmon: int = 0
    port_conmon_id: str = ""
    port_conmon_name: str = ""
    npu_holders: tuple[str, ...] = ()
    npu_contained: tuple[tuple[int, str], ...] = ()
    listeners: frozenset[int] = frozenset()
    secrets: dict[str, str] = {}
