"""The ladder: why a slot needs something, first match wins.

A cause is a fact, never an order.  ``next_action`` answers each with at most one effect.
"""

import msgspec

from hal0_operator.model.launch import Target
from hal0_operator.model.world import Container
from hal0_operator.reconcile.view import View
from hal0_operator.runtimes import family


class Settled(msgspec.Struct, frozen=True):
    """Nothing to do."""


class HandsOff(msgspec.Struct, frozen=True):
    """Suspended, frozen or held: nothing is started, swapped or removed."""


class Extra(msgspec.Struct, frozen=True):
    """A second container of the slot."""

    container: Container


class Unwanted(msgspec.Struct, frozen=True):
    container: Container
    why: str


class NeedsPort(msgspec.Struct, frozen=True):
    """Wanted, and its file leaves the port to us."""


class Absent(msgspec.Struct, frozen=True):
    """Wanted, and there is no container."""


class Drifted(msgspec.Struct, frozen=True):
    """A container of other inputs."""

    container: Container


class RestartAsked(msgspec.Struct, frozen=True):
    container: Container


class Broken(msgspec.Struct, frozen=True):
    """A container that must be removed and created again."""

    container: Container
    why: str
    kind: str


class Stuck(msgspec.Struct, frozen=True):
    """Stopping or removing, by no call of ours."""

    container: Container


class Exited(msgspec.Struct, frozen=True):
    """Right inputs, not running: to be started, once it may be."""

    container: Container
    why: str


class Dead(msgspec.Struct, frozen=True):
    """Its process is known to be gone; Podman does not say so yet."""

    container: Container


class TooSlow(msgspec.Struct, frozen=True):
    """Not Ready within its start-up deadline."""

    container: Container
    limit_s: float


Cause = (
    Settled
    | HandsOff
    | Extra
    | Unwanted
    | NeedsPort
    | Absent
    | Drifted
    | RestartAsked
    | Broken
    | Stuck
    | Exited
    | Dead
    | TooSlow
)

SETTLED = Settled()
HANDS_OFF = HandsOff()
HEAL_WINDOW_S = 0.5
"""How long a dead process's container is started without a list: Podman settles in 3 to 180 ms."""


def cause(v: View) -> Cause:
    if v.held is not None:
        return HANDS_OFF
    if len(v.own) > 1:
        return Extra(v.own[1])
    own = v.own[0] if v.own else None
    if v.target is None or not v.target.wanted:
        return Unwanted(own, _why_unwanted(v.target)) if own else SETTLED
    if v.effective is None:
        return NeedsPort()
    if own is None:
        return Absent()
    if own.digest != v.effective.digest:
        return Drifted(own)
    if not own.named_for_slot:
        return Broken(own, f"renamed to {own.name}", "renamed")
    if v.state.restart_id == own.id:
        return RestartAsked(own)
    if v.state.doomed == own.id:
        return Broken(own, v.state.doomed_why, "broken")
    return _by_state(v, own)


def _why_unwanted(target: Target | None) -> str:
    if target is None:
        return "its slot file is gone"
    if target.off == "Idle":
        return f"idle: no request for {target.slot.idle_timeout_s:g} s"
    return f"the slot is off ({target.off})"


def _by_state(v: View, own: Container) -> Cause:
    match own.state:
        case "running":
            return _running(v, own)
        case "created" if v.state.start_lost == own.id:
            # Half started, it would refuse another start, and Podman 4.3 would keep the port open over the failure.
            return Broken(own, "its start was cut off half way", "half-started")
        case "created":
            return Exited(
                own, "was running when the machine went down" if own.never_crashed else "created, not started"
            )
        case "stopped" | "exited":
            return Exited(own, _why_exited(own))
        case "stopping" | "removing":
            return Stuck(own)
        case "paused":
            return Broken(own, "paused by hand", "paused")
        case "initialized" | "unknown" | "storage":
            return Broken(own, f"half started (state {own.state})", "half-started")


def _running(v: View, own: Container) -> Cause:
    run = v.state.run
    if own.alive is False:
        died = run.dead_at if run is not None and run.id == own.id else None
        listed_since = died is not None and v.world.begun_at >= died + HEAL_WINDOW_S
        if died is None or listed_since:
            return Broken(own, f"Podman calls it running but its process {own.pid} is gone", "lost")
        return Dead(own)
    if run is None or run.id != own.id or run.ready or run.path_broken or run.strange:
        return SETTLED
    limit = start_limit(v)
    if v.now > run.since + limit:
        return TooSlow(own, limit)
    return SETTLED


def start_limit(v: View) -> float:
    """The start-up deadline in seconds, by family and model size, or the slot's own."""
    if v.effective is None or v.target is None:
        return float("inf")
    inputs = v.effective.inputs
    size = v.state.facts.model.size if v.state.facts and v.state.facts.model else 0
    return family(inputs.family).start_deadline_s(inputs, size, v.settings, v.target.slot.operator.ready_timeout_s)


def _why_exited(own: Container) -> str:
    if own.never_crashed:
        return "was running when the machine went down"
    return f"exited {own.exit_code}"
