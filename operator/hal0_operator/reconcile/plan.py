"""The plan: the same loop, folded over a model of Podman until it is quiet.

The model answers at once and well.  What the host would say comes from ``look``; nothing here
knows whether that is a real look or what the loop already knows.
"""

import copy
from collections.abc import Callable

import msgspec

from hal0_operator.model import action as a
from hal0_operator.model.status import FieldDiff, HeldSlot, Plan, PlannedAction
from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile.cause import Settled, cause
from hal0_operator.reconcile.core import probe_key
from hal0_operator.reconcile.desired import Desired
from hal0_operator.reconcile.image_drift import image_drift
from hal0_operator.reconcile.next_action import next_action
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.reconcile.view import View
from hal0_operator.runtimes.diff import field_diff

Look = Callable[[a.Look], a.Outcome]
PASSING = frozenset({"list", "images", "store", "settling"})
"""Waits that are over before anybody could read of them."""
STEPS_PER_SLOT = 24


def plan(live: Reconciler, look: Look, now: float, desired: Desired | None = None) -> Plan:
    """What would be done now, in order, and what is held; ``live`` is not touched.

    ``desired`` is a state that is not in force yet, in place of the one that is.
    """
    if desired is not None:
        live = _fork(live)
        live.admit(desired, 0)
    acting = [slot for slot in live.all_slots() if _acts(live, slot, now)]
    if not acting:
        return Plan(live.aims.desired.digest)
    fork = _fork(live)
    for slot in acting:
        fork.touch(slot)
    actions = tuple(_folded(fork, look, now))
    held = tuple(h for slot in sorted(fork.all_slots()) if (h := _held(fork, slot, now)) is not None)
    return Plan(live.aims.desired.digest, actions, held)


def _acts(live: Reconciler, slot: str, now: float) -> bool:
    view = live.view(slot, now)
    if view.held is not None:
        return True
    if (view.effective is not None and view.effective.rolled_back) or image_drift(view):
        return True
    found, step = next_action(view)
    return step is not None and not (isinstance(found, Settled) and isinstance(step, a.Check))


def _fork(live: Reconciler) -> Reconciler:
    fork = Reconciler(live.world.home, live.settings, live.notes.memory(), lambda _share: 1.0)
    fork.world = live.world.copy()
    fork.aims = live.aims.copy(fork.notes)
    fork.aims.is_ready = fork.is_ready
    for name, state in live.states.items():
        twin = copy.copy(state)
        twin.run = copy.copy(state.run)
        twin.need_list = twin.hinted = twin.gate = 0
        fork.states[name] = twin
    fork.world.tick = max(fork.world.tick, 1)
    fork.list_wanted = False
    fork.admitted = live.admitted
    return fork


def _folded(fork: Reconciler, look: Look, now: float) -> list[PlannedAction]:
    actions: list[PlannedAction] = []
    pulled: dict[str, str] = {}
    for _ in range(STEPS_PER_SLOT * len(fork.all_slots()) + STEPS_PER_SLOT):
        keys = fork.due(now) or _probes(fork, now)
        if not keys:
            break
        for key in keys:
            effect = fork.begin(key, now)
            if effect is None:
                continue
            if isinstance(effect, a.Pull | a.Create | a.Start | a.Stop | a.Remove | a.KillOrphan):
                actions.append(_planned(fork, key, effect))
            outcome = _answer(fork, effect, look, pulled)
            fork.end(key, effect, outcome, now)
            _settle(fork, effect)
    return actions


def _probes(fork: Reconciler, now: float) -> list[a.Key]:
    """When all else is quiet and somebody waits, what was started becomes Ready: a profile's next swap may follow."""
    found: list[a.Key] = []
    if not fork.blocked:
        return found
    for name, state in fork.states.items():
        run = state.run
        if run is not None and not run.ready and run.dead_at is None and run.next_probe > now:
            run.next_probe = now
            found.append(probe_key(name))
    return found


def _answer(fork: Reconciler, effect: a.Effect, look: Look, pulled: dict[str, str]) -> a.Outcome:
    """``pulled`` are the images that the plan has fetched so far."""
    match effect:
        case a.List():
            return a.Listed(Listing(tuple(_alive(c) for c in fork.world.containers.values())))
        case a.Create(slot=slot):
            return a.Created(f"planned-{slot}")
        case a.Pull(image=image):
            pulled[image] = f"planned-{image}"
            return a.Done()
        case a.ListImages():
            found = look(effect)
            return a.ImagesListed({**found.images, **pulled}) if isinstance(found, a.ImagesListed) else found
        case a.Check() | a.ListName() | a.Probe() | a.SaveLogs() | a.Store():
            return look(effect)
        case _:
            return a.Done()


def _alive(container: Container) -> Container:
    if container.state != "running" or container.alive is False:
        return container
    return msgspec.structs.replace(container, pid=container.pid or 1, alive=True)


def _settle(fork: Reconciler, effect: a.Effect) -> None:
    """In the model a stopped container has exited, and a removed one's process is dead."""
    if isinstance(effect, a.Stop) and (container := fork.world.containers.get(effect.id)) is not None:
        fork.world.put(msgspec.structs.replace(container, state="exited", alive=None, pid=0))
    if isinstance(effect, a.Remove):
        fork.died(effect.id, 0)


def _planned(fork: Reconciler, key: a.Key, effect: a.Action) -> PlannedAction:
    slot = key.name
    if isinstance(effect, a.Pull):
        wanting = sorted(name for name, state in fork.states.items() if state.wants_image == effect.image)
        return PlannedAction(wanting[0] if wanting else "", "pull", f"image {effect.image} is not here")
    diff: tuple[FieldDiff, ...] = ()
    if isinstance(effect, a.Remove):
        good, wanted = fork.notes.of(slot).last_good, fork.aims.effective.get(slot)
        own = fork.world.containers.get(effect.id)
        if good and wanted and own and good.inputs.digest == own.digest:
            diff = field_diff(good.inputs, wanted.inputs)
    verb = "kill-orphan" if isinstance(effect, a.KillOrphan) else type(effect).__name__.lower()
    return PlannedAction(slot, verb, effect.reason, diff)


def _held(fork: Reconciler, slot: str, now: float) -> HeldSlot | None:
    view = fork.view(slot, now)
    if view.held is not None:
        free = cause(msgspec.structs.replace(view, held=None))
        if isinstance(free, Settled) and view.held.reason == "Suspended":
            return None
        return HeldSlot(slot, view.held.reason, f"{view.held.message}{_withheld(view)}")
    if view.effective is not None and view.effective.rolled_back and view.memory.rejected is not None:
        message = f"{view.memory.rejected.message}; edit the slot, or `hal0ctl restart {slot}`"
        return HeldSlot(slot, "RolledBack", message)
    waiting = view.state.waiting
    if waiting is not None and waiting.reason not in PASSING:
        return HeldSlot(slot, waiting.reason, waiting.message)
    drift = image_drift(view)
    return HeldSlot(slot, "ImageDrift", drift) if drift else None


def _withheld(view: View) -> str:
    """What would change if hands were not off, as far as the running inputs are known."""
    good, wanted = view.memory.last_good, view.effective
    if good is None or wanted is None or not view.own or view.own[0].digest != good.inputs.digest:
        return ""
    changes = (f"{d.field}: {d.before} → {d.after}" for d in field_diff(good.inputs, wanted.inputs))
    return f"; then {', '.join(changes)}" if wanted.digest != good.inputs.digest else ""
