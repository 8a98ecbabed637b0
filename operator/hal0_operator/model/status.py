"""Phases, conditions and statuses: the shapes that every surface shows.

Statuses are derived by ``status.derive`` alone.  A named condition exists only while it is True.
"""

from typing import Literal, get_args

import msgspec

Phase = Literal[
    "Suspended",
    "Denied",
    "Ready",
    "Degraded",
    "Off",
    "Idle",
    "Pulling",
    "Blocked",
    "CrashLoop",
    "Starting",
    "Removing",
]
PHASES: tuple[Phase, ...] = get_args(Phase)

ALWAYS = ("Admitted", "Ready", "Reconciling", "Stalled")
"""Conditions that every slot has."""

NAMED: dict[str, str] = {
    "RolledBack": "the admitted inputs failed; the last ones that were Ready serve instead",
    "FlagsRejected": "the NPU's process did not start with the flag of this record, and runs without it",
    "Outdated": "the container was rendered by another release or for other device nodes",
    "ImageDrift": "the image's name points to another image than the one that runs",
    "NameConflict": "a container that is not ours has the slot's name",
    "PortHeld": "something else has the slot's port",
    "NPUHeld": "another container or process has the NPU",
    "PortPathBroken": "the container answers on its own address but not through its published port",
    "DeviceMissing": "a device node does not exist",
    "DeviceDenied": "a device node is there but cannot be read",
    "ModelMissing": "the model file is not there",
    "MountMissing": "the source of a mount is not there",
    "SecretMissing": "a secret or its file is not there",
    "ProfileHeld": "another slot was rejected with what this slot's profile says now",
    "PruneHeld": "too many slot files vanished at once",
    "PolicyViolation": "an admitted object breaks the policy in force now",
    "PodmanUnavailable": "Podman does not answer",
    "HomeBusy": "git is at work in the home, or a file is still being written",
    "HomeUnwritable": "what one file says cannot be written into the other; it is in force all the same",
    "StateUnwritable": "the state directory cannot be written",
    "SourceUnreachable": "the repository cannot be reached, or does not let us in",
    "SourceGone": "the repository, or the branch, tag, commit or folder that is followed, is not there any more",
    "SourceUnverified": "the newest commit bears no signature that counts",
    "SourceTooLarge": "the newest revision is larger than what is taken",
    "SourceRefused": "the newest revision holds what is never followed, such as a link that leaves it",
    "SourceFailed": "this machine could not fetch or keep a revision",
    "SourceSuspended": "the repository is not looked at until it is resumed",
    "SourceHeld": "an earlier revision is in force, and the repository is not followed until it is resumed",
    "NoProgress": "health is fine but requests are not answered",
    "Stray": "a container carries our labels under another name",
}
"""Every named condition with its meaning; each may also be the reason of Ready=False or Stalled."""


class Condition(msgspec.Struct, frozen=True, rename="camel"):
    """``status`` is ``True``, ``False`` or ``Unknown``; times are RFC 3339 in UTC."""

    type: str
    status: Literal["True", "False", "Unknown"]
    reason: str
    message: str
    last_transition_time: str = ""
    observed_generation: str = ""


class ContainerStatus(msgspec.Struct, frozen=True, rename="camel"):
    id: str
    name: str
    image: str
    started_at: str | None = None


class SlotStatus(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """One slot as ``get slots -o json`` and ``/api/slots`` show it.

    ``blocked_on`` is the first unmet precondition, ``diff`` what a pending swap changes,
    ``last_exit`` the previous container's end with its decisive line.
    """

    name: str
    type: str
    device: str
    backend: str
    profile: str
    model: str | None
    port: int | None
    enabled: bool
    phase: Phase
    generation: str
    observed_generation: str
    container: ContainerStatus | None = None
    restarts: int = 0
    next_retry_at: str | None = None
    conditions: tuple[Condition, ...] = ()
    wanted: bool = True
    blocked_on: str = ""
    last_exit: str = ""
    diff: tuple["FieldDiff", ...] = ()

    def condition(self, type: str) -> Condition | None:
        return next((c for c in self.conditions if c.type == type), None)


class FieldDiff(msgspec.Struct, frozen=True, rename={"before": "from", "after": "to"}):
    """One field that a swap changes; both sides as text, secrets masked."""

    field: str
    before: str
    after: str


class PlannedAction(msgspec.Struct, frozen=True):
    slot: str
    verb: str
    reason: str
    diff: tuple[FieldDiff, ...] = ()


class HeldSlot(msgspec.Struct, frozen=True):
    slot: str
    reason: str
    message: str


class Plan(msgspec.Struct, frozen=True):
    """What would happen now; ``generation`` is the admitted snapshot's digest."""

    generation: str
    actions: tuple[PlannedAction, ...] = ()
    held: tuple[HeldSlot, ...] = ()


class RevisionStatus(msgspec.Struct, frozen=True):
    """A commit by its full id; ``committed_at`` is RFC 3339 in UTC, ``signer`` who signed it where that is verified."""

    commit: str
    author: str
    subject: str
    committed_at: str
    signer: str = ""


class SourceStatus(msgspec.Struct, frozen=True):
    """Where the home comes from; digests of snapshots for a directory, full commit ids for git.

    ``age_seconds``: since the home was last admitted, or since the repository was last looked at with success.
    ``revision`` is the commit in force, ``kept`` those that one can go back to, newest use first.
    """

    kind: Literal["directory", "git"]
    url: str
    ref: str = ""
    path: str = ""
    attempted: str = ""
    fetched: str = ""
    admitted: str = ""
    applied: str = ""
    age_seconds: float = 0
    suspended: bool = False
    conditions: tuple[Condition, ...] = ()
    revision: RevisionStatus | None = None
    kept: tuple[str, ...] = ()


class Event(msgspec.Struct, frozen=True):
    """``count`` repeats of one event within ten minutes are one event."""

    time: str
    type: Literal["Normal", "Warning"]
    reason: str
    slot: str
    message: str
    count: int = 1
    generation: str = ""
