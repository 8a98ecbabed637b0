"""Outcomes of a slot's effects, folded into world, state and memory.

A 2xx answer is itself an observation.  Anything else is not believed: it asks for a fresh list,
which is also what repairs a call that took effect after it was given up.
"""

import msgspec

from hal0_operator.model.action import (
    Check,
    Checked,
    Create,
    Created,
    Done,
    Effect,
    Fault,
    KillOrphan,
    ListName,
    NameListed,
    NotModified,
    Outcome,
    Remove,
    Saved,
    SaveLogs,
    Start,
    Stop,
)
from hal0_operator.model.container import container_name
from hal0_operator.model.facts import HostFacts
from hal0_operator.model.memory import LastExit
from hal0_operator.model.world import Container
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.cause import HEAL_WINDOW_S
from hal0_operator.reconcile.desk import Desk, reject, wait_outside
from hal0_operator.reconcile.pace import outside_delay
from hal0_operator.reconcile.state import NEVER, SlotState
from hal0_operator.runtimes.exits import last_exit

HEAL_FIRST_S = 0.002
HEAL_LONGEST_S = 0.064

OUTSIDE_FAULTS = {
    "port_in_use": "PortHeld",
    "npu_in_use": "NPUHeld",
    "device_missing": "DeviceMissing",
    "mount_missing": "MountMissing",
    "secret_missing": "SecretMissing",
}
"""Faults whose cause is not the container: never rejected, looked at again."""
OWN_FAULTS = frozenset({"bad_reference", "network_missing", "command_missing", "limits", "other"})


def fold(desk: Desk, effect: Effect, outcome: Outcome) -> None:
    """Fold the outcome of an effect in the slot's own lane."""
    match effect:
        case Create():
            _created(desk, effect, outcome)
        case Start():
            _started(desk, effect, outcome)
        case Remove():
            _removed(desk, effect, outcome)
        case Stop():
            # A stop that changed nothing is not repeated at once, whatever it answered.
            desk.distrust()
            _remove_later(desk.state, desk.now)
        case KillOrphan():
            _orphan_killed(desk, effect, outcome)
        case Check():
            _checked(desk, effect, outcome)
        case ListName():
            _name_listed(desk, effect, outcome)
        case SaveLogs():
            _saved(desk, effect, outcome)
        case _:
            raise AssertionError(f"{effect} belongs to another lane")


def _created(desk: Desk, effect: Create, outcome: Outcome) -> None:
    state, now = desk.state, desk.now
    match outcome:
        case Created(id):
            state.ask_name = False
            state.begun_at = now if state.begun_at == NEVER else state.begun_at
            desk.notes.record(desk.slot, id)
            desk.world.record(id, desk.slot)
            desk.world.put(
                Container(
                    id=id,
                    name=effect.spec.name,
                    state="created",
                    image=effect.spec.image,
                    image_id=desk.world.images.get(effect.spec.image, ""),
                    labels=effect.spec.labels,
                    ports=(effect.spec.host_port,),
                )
            )
            desk.notes.event("Normal", "Created", desk.slot, effect.reason)
        case Fault(kind, message):
            _create_failed(desk, kind, message)
        case _:
            desk.distrust()


def _call_failed(desk: Desk, message: str) -> None:
    """For no reason of the container's own: nothing is rejected, and it is not repeated at once."""
    wait_outside(desk.state, "CallFailed", message, desk.now, binding=True)


def _orphan_killed(desk: Desk, effect: KillOrphan, outcome: Outcome) -> None:
    desk.state.facts_for = ""
    desk.distrust()
    if isinstance(outcome, Fault):
        _call_failed(desk, outcome.message)
        desk.notes.event("Warning", "OrphanLives", desk.slot, f"{outcome.message}; {effect.reason}")
    else:
        desk.notes.event("Warning", "OrphanKilled", desk.slot, effect.reason)


def _create_failed(desk: Desk, kind: str, message: str) -> None:
    state, now = desk.state, desk.now
    desk.distrust()
    if kind == "name_in_use":
        state.ask_name, state.holders = True, None
    elif kind == "image_unknown":
        desk.world.distrust_images(desk.tick)
    elif kind in OUTSIDE_FAULTS:
        state.facts_for = ""
        wait_outside(state, OUTSIDE_FAULTS[kind], message, now, binding=True)
    elif kind in OWN_FAULTS:
        runs.failed(state, desk.digest, now, desk.notes.jitter, unready=True)
        reject(desk, "CreateFailed", message)
    elif kind != "unreachable":
        _call_failed(desk, message)
    desk.notes.event("Warning", "CreateFailed", desk.slot, message)


def _started(desk: Desk, effect: Start, outcome: Outcome) -> None:
    state, now = desk.state, desk.now
    own = desk.world.containers.get(effect.id)
    match outcome:
        case Done():
            _runs(desk, effect.id, own, adopted=False)
            desk.notes.want_list(now)
            desk.notes.event("Normal", "Started", desk.slot, effect.reason)
        case NotModified():
            if _unsettled(state, own):
                state.heal_tries += 1
                state.heal_next = now + min(HEAL_FIRST_S * 2.0**state.heal_tries / 2, HEAL_LONGEST_S)
            else:
                # Somebody started it since it was seen stopped: when the next list shows it ended, it ended anew.
                _runs(desk, effect.id, own, adopted=True)
                desk.distrust()
        case Fault("state_improper") if _unsettled(state, own):
            # A person's stop or restart is under way.  Podman lets go of the container in the middle of it, and
            # a start of ours in there costs the container its network: hands off, then the list says what came.
            assert state.run is not None
            assert state.run.dead_at is not None
            state.heal_next = state.run.dead_at + HEAL_WINDOW_S
        case Fault(kind, message):
            _start_failed(desk, effect, kind, message)
        case _:
            desk.distrust()


def _runs(desk: Desk, id: str, own: Container | None, *, adopted: bool) -> None:
    if own is not None:
        fields = {"state": "running", "pid": 0, "alive": None, "started_at": 0}
        desk.world.put(msgspec.structs.replace(own, **fields))
    runs.begin(desk.state, id, desk.tick, desk.now, desk.notes.probe, adopted=adopted)


def _unsettled(state: SlotState, own: Container | None) -> bool:
    """Its process died, and Podman has not said so yet."""
    return own is not None and own.state == "running" and state.run is not None and state.run.dead_at is not None


def _start_failed(desk: Desk, effect: Start, kind: str, message: str) -> None:
    state, now = desk.state, desk.now
    if kind == "no_such_container":
        desk.world.drop(effect.id)
    desk.distrust()
    state.start_lost = effect.id if kind == "unknown_outcome" else ""
    if kind == "unknown_outcome":
        _call_failed(desk, message)
    if kind in ("unreachable", "unknown_outcome", "no_such_container"):
        return
    state.facts_for = ""
    if kind in OUTSIDE_FAULTS:
        wait_outside(state, OUTSIDE_FAULTS[kind], message, now, binding=True)
    else:
        # Any other failure leaves a half-start that refuses for ever: never a second start.
        state.doomed, state.doomed_why = effect.id, f"start failed: {message}"
        runs.failed(state, desk.digest, now, desk.notes.jitter, unready=kind in OWN_FAULTS)
        if kind in OWN_FAULTS and state.exits_unready >= 3:
            reject(desk, "StartFailed", message)
    desk.notes.event("Warning", "StartFailed", desk.slot, message)


def _removed(desk: Desk, effect: Remove, outcome: Outcome) -> None:
    state, now = desk.state, desk.now
    state.facts_for = ""
    if not isinstance(outcome, Done):
        desk.distrust()
        _remove_later(state, now)
        if isinstance(outcome, Fault):
            desk.notes.event("Warning", "RemoveFailed", desk.slot, outcome.message)
        return
    state.remove_delay = 0.0
    state.remove_next = NEVER
    state.ask_name = False
    if state.restart_id == effect.id:
        state.restart_id = ""
    if state.doomed == effect.id:
        state.doomed = state.doomed_why = ""
    container = desk.world.containers.get(effect.id)
    if container is not None:
        desk.world.drop(effect.id)
        if container.pid and container.alive:
            desk.world.haunt(container, now)
    if state.run is not None and state.run.id == effect.id:
        state.run = None
    desk.notes.event("Normal", "Removed", desk.slot, effect.reason)


def _remove_later(state: SlotState, now: float) -> None:
    state.remove_delay = outside_delay(state.remove_delay)
    state.remove_next = now + state.remove_delay


def _checked(desk: Desk, effect: Check, outcome: Outcome) -> None:
    state = desk.state
    if not isinstance(outcome, Checked):
        message = outcome.message if isinstance(outcome, Fault) else "the host could not be looked at"
        wait_outside(state, "HostUnreadable", message, desk.now, binding=True)
        return
    state.facts, state.facts_at, state.holders = outcome.facts, desk.now, None
    state.facts_freed = effect.freed
    state.facts_for = desk.digest if effect.needs.port else desk.notes.generation(desk.slot)
    if not effect.needs.port:
        desk.notes.choose_port(desk.slot, outcome.facts.listeners)


def _name_listed(desk: Desk, effect: ListName, outcome: Outcome) -> None:
    state = desk.state
    if not isinstance(outcome, NameListed):
        desk.distrust()
        _call_failed(desk, outcome.message if isinstance(outcome, Fault) else "no answer")
        return
    state.holders, state.holders_of = outcome.holders, effect.name
    if effect.name != container_name(desk.slot):
        return
    for holder in outcome.holders:
        if holder.state == "storage":  # it cannot run, and only its name addresses it
            desk.world.record(holder.name, desk.slot)
            desk.world.put(Container(id=holder.name, name=holder.name, state="storage"))
            message = f"{holder.name} was left by a create that was cut short; it is removed"
            desk.notes.event("Warning", "Leftover", desk.slot, message)
    if state.ask_name and not outcome.holders:
        state.ask_name = False
        if state.outside is not None and state.outside.reason == "NameConflict" and not state.outside.binding:
            return  # whoever had it has given it up
        message = f"Podman refuses the name {effect.name} but knows nobody who has it"
        wait_outside(state, "NameConflict", message, desk.now, binding=True)


def _saved(desk: Desk, effect: SaveLogs, outcome: Outcome) -> None:
    state = desk.state
    lines = outcome.lines if isinstance(outcome, Saved) else ()
    if effect.too_slow:
        # As an exit that it counts and paces, whatever it is rejected for.
        runs.failed(state, desk.digest, desk.now, desk.notes.jitter, unready=True)
        state.doomed, state.doomed_why = effect.id, effect.too_slow
    state.logs_for = f"{effect.id}/{state.exits}"
    exit = LastExit(effect.id, effect.exit_code, lines=lines, too_slow=effect.too_slow)
    if desk.inputs is not None:
        exit = last_exit(exit, desk.inputs, state.facts or HostFacts(), desk.profile)
    desk.notes.remember(desk.slot, msgspec.structs.replace(desk.memory, last_exit=exit))
    if effect.verdict:
        reject(desk, effect.verdict, exit.told)
