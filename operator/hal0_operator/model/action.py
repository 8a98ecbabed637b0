"""Effects that the loop may perform, one at a time, and what can come of them."""

from typing import Literal, NamedTuple

import msgspec

from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.facts import HostFacts, Needs
from hal0_operator.model.memory import Memory
from hal0_operator.model.probe import ProbeResult, ProbeSpec
from hal0_operator.model.world import Listing, NameHolder

Lane = Literal["slot", "probe", "pull", "list", "images", "store"]


class Key(NamedTuple):
    """What is serialised: one effect at a time per key.  ``name`` is a slot, an image, or ``""``."""

    lane: Lane
    name: str = ""


# ── actions: idempotent Podman calls that change something ─────────────────────────────────────


class Pull(msgspec.Struct, frozen=True, tag=True):
    image: str
    reason: str


class Create(msgspec.Struct, frozen=True, tag=True):
    slot: str
    spec: ContainerSpec
    reason: str


class Start(msgspec.Struct, frozen=True, tag=True):
    slot: str
    id: str
    reason: str


class Stop(msgspec.Struct, frozen=True, tag=True):
    slot: str
    id: str
    grace_s: float
    reason: str


class Remove(msgspec.Struct, frozen=True, tag=True):
    """``id`` is a name where a storage leftover has no usable id."""

    slot: str
    id: str
    grace_s: float
    reason: str


class KillOrphan(msgspec.Struct, frozen=True, tag=True):
    """End a conmon, or a process that outlived it, and all its children: their container is unknown to Podman."""

    slot: str
    pid: int
    id: str
    reason: str


Action = Pull | Create | Start | Stop | Remove | KillOrphan

# ── looks: effects that only find something out, or write the operator's own notes ─────────────


class List(msgspec.Struct, frozen=True, tag=True):
    """One list of all managed containers."""


class ListImages(msgspec.Struct, frozen=True, tag=True):
    """One list of all local images."""


class ListName(msgspec.Struct, frozen=True, tag=True):
    """Who has a name that create was refused: foreign containers and storage leftovers too."""

    slot: str
    name: str


class Check(msgspec.Struct, frozen=True, tag=True):
    """Preflight: the host facts that decide whether a container can be.

    ``freed`` says how many containers had gone when it was asked for.
    """

    slot: str
    needs: Needs
    freed: int = 0


class Probe(msgspec.Struct, frozen=True, tag=True):
    """``once``: also make the functional calls that are owed once per start.

    ``look_inside``: when the published port fails, ask the container's own address too.
    """

    slot: str
    id: str
    spec: ProbeSpec
    look_inside: bool = False
    once: bool = False


class SaveLogs(msgspec.Struct, frozen=True, tag=True):
    """Keep the last lines of a container before it goes.

    ``verdict`` is the reason for which its digest is rejected once they are kept, or ``""``.
    ``too_slow`` says how long it was waited for, where its process lives and was never Ready.
    """

    slot: str
    id: str
    exit_code: int
    verdict: str = ""
    too_slow: str = ""


class Store(msgspec.Struct, frozen=True, tag=True):
    """Write the memory of all slots, fsynced.  ``version`` says which state of it this is."""

    memory: Memory
    version: int


Look = List | ListImages | ListName | Check | Probe | SaveLogs | Store
Effect = Action | Look

# ── outcomes ───────────────────────────────────────────────────────────────────────────────────

FaultKind = Literal[
    "unreachable",
    "unknown_outcome",
    "no_such_container",
    "name_in_use",
    "image_unknown",
    "bad_reference",
    "port_in_use",
    "npu_in_use",
    "device_missing",
    "mount_missing",
    "secret_missing",
    "network_missing",
    "command_missing",
    "limits",
    "state_improper",
    "runtime_leftover",
    "conmon_gone",
    "pull_failed",
    "other",
    "local",
]


class Fault(msgspec.Struct, frozen=True):
    """A call that did not do what it should.

    ``unreachable``: nothing was sent.  ``unknown_outcome``: it may take effect later (time-out,
    connection cut).  ``local``: the operator's own machine failed it (disk full, permission).
    """

    kind: FaultKind
    message: str
    status: int | None = None


class Done(msgspec.Struct, frozen=True):
    """The call answered 2xx."""


class NotModified(msgspec.Struct, frozen=True):
    """304: "look again", never success."""


class Created(msgspec.Struct, frozen=True):
    id: str


class Listed(msgspec.Struct, frozen=True):
    listing: Listing


class ImagesListed(msgspec.Struct, frozen=True):
    """Every name of every local image (tags, digests and ids) to its id."""

    images: dict[str, str]


class NameListed(msgspec.Struct, frozen=True):
    holders: tuple[NameHolder, ...]


class Checked(msgspec.Struct, frozen=True):
    facts: HostFacts


class Probed(msgspec.Struct, frozen=True):
    result: ProbeResult


class Saved(msgspec.Struct, frozen=True):
    """The last lines of a container's log, oldest first."""

    lines: tuple[str, ...]


Outcome = Done | NotModified | Created | Listed | ImagesListed | NameListed | Checked | Probed | Saved | Fault


class Wait(msgspec.Struct, frozen=True):
    """Nothing to do for this key before ``until`` (monotonic seconds; ``None``: a hint must come)."""

    reason: str
    message: str
    until: float | None = None


class Held(msgspec.Struct, frozen=True):
    """Something wanted that is deliberately not done; ``message`` names the way out."""

    slot: str
    reason: str
    message: str


def describe(effect: Effect) -> str:
    """``start chat: exited 137, first restart at once``: one line for a person."""
    verb = type(effect).__name__.lower()
    match effect:
        case Pull(image, reason):
            return f"{verb} {image}: {reason}"
        case Create(slot=slot, reason=reason) | Start(slot=slot, reason=reason):
            return f"{verb} {slot}: {reason}"
        case Stop(slot=slot, reason=reason) | Remove(slot=slot, reason=reason):
            return f"{verb} {slot}: {reason}"
        case KillOrphan(slot=slot, pid=pid, reason=reason):
            return f"kill orphan {pid} of {slot}: {reason}"
        case Check(slot=slot) | Probe(slot=slot) | SaveLogs(slot=slot) | ListName(slot=slot):
            return f"{verb} {slot}"
        case List() | ListImages() | Store():
            return verb
