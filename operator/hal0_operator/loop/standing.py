"""How a slot stands for a request: read from the loop's own books, a status is derived only when it cannot be asked."""

from typing import Protocol

import msgspec

from hal0_operator.model.status import Phase, SlotStatus
from hal0_operator.model.world import Container
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.reconcile.rollback import rejected_roles
from hal0_operator.reconcile.state import NEVER
from hal0_operator.routing.standing import Standing
from hal0_operator.runtimes import flm

PULLING_S = 10.0
START_S = 1.0
"""Until a slot is asked again that never was Ready before: nothing tells how long it takes."""
OVERDUE = 2.0
"""Times the last start's length after which that tells nothing of this one."""
HOPELESS = frozenset({"Suspended", "Denied", "Off", "Removing"})
"""Phases in which waiting for a start is not worth a client's while."""
BY_ITSELF = frozenset({"CallFailed", "HostUnreadable"})
"""What blocks a slot for a while without anybody being needed."""


class OneStatus(Protocol):
    def one(self, slot: str) -> SlotStatus | None: ...


def standing(core: Reconciler, statuses: OneStatus, slot: str, now: float) -> Standing:
    """``now`` in monotonic seconds.  A container may be asked until its removal begins, or its last requests are
    waited for, also while other inputs are wanted.
    """
    first = next(iter(core.world.own(slot)), None)
    if first is not None and first.id in core.aims.ending and core.draining(slot):
        return _leaving(core, slot, first, now)  # also when its process has ended by that
    own = core.serving(slot)
    if own is None or own.state != "running":
        return _without(core, statuses, slot, now)
    if own.id in core.aims.ending or core.draining(slot):
        return _leaving(core, slot, own, now)
    run, inputs = core.state(slot).run, core.inputs_of(slot, own.digest)
    failed = run.failed_roles if run is not None else ()
    # A list knows the port too, when the inputs are not remembered any more.
    port = inputs.port if inputs is not None else next(iter(own.ports), 0)
    phase: Phase = "Degraded" if failed else "Ready"
    rejected: tuple[str, ...] = ()
    if inputs is not None and inputs.family == "flm":
        absent = tuple(role for role in flm.ROLES.values() if role not in flm.roles(inputs))
        failed += tuple(role for role in absent if role not in failed)
        never = rejected_roles(core.aims.targets.get(slot), core.aims.effective.get(slot))
        rejected = tuple(role for role in absent if role in never)
    retry_s = _start_s(core, slot) if failed and _swaps(core, slot, own) else None
    return Standing(
        phase=phase, container=own.id, port=port, failed_roles=failed, rejected_roles=rejected, retry_s=retry_s
    )


def _swaps(core: Reconciler, slot: str, own: Container) -> bool:
    """Other inputs are to come, which may have a role that this container was started without."""
    wanted = core.aims.effective.get(slot)
    return wanted is not None and wanted.digest != own.digest and not wanted.rolled_back


def _leaving(core: Reconciler, slot: str, own: Container, now: float) -> Standing:
    """It answers what it has, until a call that ends it was made, and is sent nothing new."""
    target, drain = core.aims.targets.get(slot), core.aims.drains.get(slot)
    wanted = target is not None and target.wanted
    is_idle = target is not None and target.off == "Idle"
    why, wait_s, drains = f"{own.name} is being {'replaced' if wanted else 'removed'}", 0.0, ""
    if drain is not None and not drain.sent and own.id not in core.aims.ending:
        drains, wait_s = own.id, max(drain.since + core.settings.loop.drain_s - now, 0.0)
        if count := core.flights.get(own.id, 0):
            why += f", and waits for {count} request{'s that are' if count > 1 else ' that is'} under way"
    return Standing(
        phase="Starting" if wanted else "Idle" if is_idle else "Removing",
        drains=drains,
        why=why,
        retry_s=wait_s + _start_s(core, slot) if wanted or is_idle else None,
        back_s=_back_s(core, slot, now) if wanted else None,
        wakes=is_idle or (wanted and slot in core.aims.on_demand),
    )


def _without(core: Reconciler, statuses: OneStatus, slot: str, now: float) -> Standing:
    status = statuses.one(slot)
    if status is None:
        return Standing(phase="Off", why="there is no such slot")
    found = Standing(phase=status.phase, why=status.blocked_on or _failing(status), retry_s=_retry_s(core, status, now))
    on_demand = slot in core.aims.on_demand and core.aims.held(slot) is None
    wakes = on_demand and not is_hopeless(core, slot, found, now)
    back_s = _back_s(core, slot, now) if found.phase == "Starting" else None
    return msgspec.structs.replace(found, wakes=wakes, back_s=back_s)


def is_hopeless(core: Reconciler, slot: str, found: Standing, now: float) -> bool:
    """Nothing that is under way, or was only just asked for, makes it serve; a crash loop, or a pull that failed,
    while it pauses.

    Whoever comes while there is hope waits like the one who woke the slot, and counts as demand like that one.
    """
    if found.phase == "Pulling":
        return _pull_pauses_s(core, slot, now) > 0
    if found.phase == "CrashLoop":
        waiting = core.state(slot).waiting
        return waiting is not None and waiting.reason == "CrashLoop"
    return found.phase in HOPELESS or (found.phase == "Blocked" and found.retry_s is None)


def _failing(status: SlotStatus) -> str:
    """What the first condition says that is not as it should be."""
    for type in ("Admitted", "Ready"):
        found = status.condition(type)
        if found is not None and found.status != "True" and found.message:
            return found.message
    return ""


def _retry_s(core: Reconciler, status: SlotStatus, now: float) -> float | None:
    """Seconds after which asking again may help, ``None`` where it takes a person."""
    slot, state = status.name, core.states.get(status.name)
    waiting = state.waiting if state is not None else None
    if status.phase in ("Suspended", "Denied", "Off", "Removing"):
        return None
    if core.podman.down:
        return max(core.podman.ask_at - now, 0.0) + _start_s(core, slot)
    until = max(waiting.until - now, 0.0) if waiting is not None and waiting.until is not None else 0.0
    match status.phase:
        case "Pulling":
            pause = _pull_pauses_s(core, slot, now)
            return pause + _start_s(core, slot) if pause > 0 else PULLING_S
        case "CrashLoop":
            return until + _start_s(core, slot)
        case "Blocked":
            reason = waiting.reason if waiting is not None else ""
            return until + _start_s(core, slot) if reason in BY_ITSELF or _gives_way(core, slot, reason) else None
        case _:
            return _start_s(core, slot)


def _pull_pauses_s(core: Reconciler, slot: str, now: float) -> float:
    """Seconds until a pull that failed is tried again; none while it is under way, or waits for its turn."""
    state = core.states.get(slot)
    pull = core.pulls.states.get(state.wants_image) if state is not None else None
    return max(pull.again_at - now, 0.0) if pull is not None and pull.image not in core.pulls.running else 0.0


def _gives_way(core: Reconciler, slot: str, reason: str) -> bool:
    """Whoever holds the port or the NPU is on its way out."""
    wanted, peers, world = core.aims.effective.get(slot), core.aims.peers, core.world
    if wanted is None:
        return False
    own = {container.id for container in world.own(slot)}
    match reason:
        case "PortHeld":
            port = wanted.inputs.port
            holders = [holder for holder in world.port_holders(port) if holder.id not in own]
            return bool(holders) and not any(not holder.ghost and peers.keeps_port(holder, port) for holder in holders)
        case "NPUHeld":
            holders = [holder for holder in world.npu_holders() if holder.id not in own]
            return bool(holders) and not any(not holder.ghost and peers.keeps_npu(holder) for holder in holders)
        case _:
            return False


def _start_s(core: Reconciler, slot: str) -> float:
    """How long it took to be Ready the last time."""
    state = core.states.get(slot)
    return state.time_to_ready or START_S if state is not None else START_S


def _back_s(core: Reconciler, slot: str, now: float) -> float | None:
    """What a start took the last time, ``None`` where nothing is known, or this one takes much longer.

    Requests that are waited for before are not counted: mostly they end long before their time is over.
    """
    state = core.states.get(slot)
    if state is None or state.time_to_ready is None:
        return None
    begun, run = state.begun_at, state.run
    if begun == NEVER:
        begun = run.since if run is not None and not run.ready else now
    return state.time_to_ready if now <= begun + OVERDUE * state.time_to_ready else None
