"""Outcomes of every lane, folded in; each may give other keys a turn."""

import msgspec

from hal0_operator.model.action import (
    Create,
    Effect,
    Fault,
    ImagesListed,
    Key,
    KillOrphan,
    Listed,
    Outcome,
    Probe,
    Probed,
    Remove,
    Start,
    Stop,
    Store,
)
from hal0_operator.model.container import container_name
from hal0_operator.model.memory import LastGood
from hal0_operator.reconcile import draining, runs
from hal0_operator.reconcile.core import IMAGES, STORE, Core, probe_key, slot_key
from hal0_operator.reconcile.desk import Desk
from hal0_operator.reconcile.fold import fold
from hal0_operator.reconcile.observe import observe
from hal0_operator.reconcile.preflight import image_id
from hal0_operator.reconcile.state import UNANSWERED_TO_TELL, SlotState

STORE_RETRY_S = 5.0
IMAGES_RETRY_S = 1.0
UNSEEN = frozenset({"unreachable", "unknown_outcome"})


def podman_answered(core: Core, key: Key, outcome: Outcome, now: float) -> None:
    if isinstance(outcome, Fault):
        hung = key.lane == "list" and outcome.kind in UNSEEN
        if key.lane in ("slot", "list", "images") and (outcome.kind == "unreachable" or hung):
            _podman_failed(core, outcome.message, now)
        return
    if key.lane == "list" and (outage := core.podman.answered(now)):
        core.queue.add(IMAGES)
        for state in core.states.values():
            if state.run is not None and not state.run.ready:
                state.run.since += outage


def _podman_failed(core: Core, message: str, now: float) -> None:
    core.podman.failed(message, now)
    draining.podman_gone(core)
    core.want_list()


def listed(core: Core, outcome: Outcome, tick: int, begun_at: float, now: float) -> None:
    if not isinstance(outcome, Listed):
        if not core.podman.down:
            _podman_failed(core, outcome.message if isinstance(outcome, Fault) else "no list", now)
        core.want_list()
        return
    first = core.world.tick == 0
    observe(core, outcome.listing, tick, begun_at, now)
    waiting, core.waiting_for_list = core.waiting_for_list, set()
    for slot in sorted(waiting):
        core.touch(slot)
    if first:
        core.queue.add(IMAGES)


def images_listed(core: Core, outcome: Outcome, tick: int, now: float) -> None:
    """``tick`` is of the list's beginning: one that began before the last image came misses it."""
    if isinstance(outcome, ImagesListed) and tick <= core.world.images_since:
        core.queue.add(IMAGES)
    elif isinstance(outcome, ImagesListed):
        core.world.images, core.world.images_fresh = outcome.images, True
        waiting, core.waiting_for_images = core.waiting_for_images, set()
        waiting |= {state.name for state in core.states.values() if state.wants_image}
        for slot in sorted(waiting):
            core.touch(slot)
    elif not core.podman.down:
        core.queue.add_at(IMAGES, now + IMAGES_RETRY_S)


def stored(core: Core, effect: Effect, outcome: Outcome, now: float) -> None:
    """A memory that cannot be written delays nobody: it is tried again, and said."""
    assert isinstance(effect, Store)
    core.store_error = outcome.message if isinstance(outcome, Fault) else ""
    core.notes.stored = effect.version
    if core.store_error:
        core.queue.add_at(STORE, now + STORE_RETRY_S)
    for state in core.states.values():
        if 0 < state.gate <= core.notes.stored:
            state.gate = 0
            core.touch(state.name)


def pulled(core: Core, image: str, outcome: Outcome, now: float) -> None:
    fault = outcome.message if isinstance(outcome, Fault) else ""
    again = core.pulls.ended(image, fault, now)
    wanting = [state for state in core.states.values() if state.wants_image == image]
    here = image_id(core.world.images, image) is not None
    for state in wanting:
        if not fault:
            state.pull_again = False
            core.notes.event("Normal", "Pulled", state.name, f"image {image} is here")
        elif here:
            # Only a fresh one was asked for: what serves, or could, is not held up for it.
            state.pull_again, state.restart_id = False, ""
            core.notes.event("Warning", "PullFailed", state.name, f"{fault}; the image that is here stays in use")
            core.touch(state.name)
        else:
            core.notes.event("Warning", "PullFailed", state.name, fault)
            if state.name not in core.aims.effective:
                state.wants_image = ""  # idle by now: the next request tries again
    if again is None:
        core.world.distrust_images(core.tick)
        core.waiting_for_images.update(state.name for state in wanting)
        core.queue.add(IMAGES)
    elif wanting and not here:
        core.queue.add_at(Key("pull", image), again)
    else:
        core.pulls.forget(image)
    for other in sorted(core.wanted_images() - core.pulls.running - {image}):
        core.queue.add_at(Key("pull", other), core.pulls.again_at(other))


def probed(core: Core, slot: str, effect: Effect, outcome: Outcome, tick: int, now: float) -> None:
    """``tick`` is of the probe's beginning: one that began before the run tells of an earlier start."""
    state = core.states.get(slot)
    if state is None or state.run is None or not isinstance(effect, Probe) or state.run.id != effect.id:
        return
    if not isinstance(outcome, Probed) or tick < state.run.tick:
        state.run.next_probe = now + state.run.interval
    else:
        was_ready = state.run.ready
        busy = bool(core.flights.get(effect.id))
        why = runs.probed(state, outcome.result, now, core.settings.probe, busy=busy)
        if why:
            _doom(core, state, why, now)
        if state.run.ready and not was_ready:
            core.notes.event("Normal", "Ready", slot, f"{container_name(slot)} answers its probe")
        if core.is_ready(slot):
            _keep_good(core, slot)
        if why or state.run.ready is not was_ready:
            core.touch(slot)
            core.touch_blocked()
    core.queue.add_at(probe_key(slot), state.run.next_probe)


def _doom(core: Core, state: SlotState, why: str, now: float) -> None:
    """It must be replaced, although it runs."""
    assert state.run is not None
    state.doomed, state.doomed_why = state.run.id, why
    core.notes.event("Warning", "Unresponsive", state.name, why)
    runs.failed(state, core.digest_of(state.name), now, core.notes.jitter, unready=False)
    state.run.ready = False


def unanswered(core: Core, slot: str, container: str, now: float) -> None:
    """A request ended without an answer.  Several in a row, and its health is not believed any more."""
    state = core.states.get(slot)
    if state is None or not runs.unheard(state, container):
        return
    why = f"healthy, but {UNANSWERED_TO_TELL} requests in a row had no answer"
    core.notes.event("Warning", "NoProgress", slot, why)
    if core.settings.loop.restart_on_no_progress:
        _doom(core, state, why, now)
    core.touch(slot)


def _keep_good(core: Core, slot: str) -> None:
    """What is Ready now is what a rollback goes back to; nothing is written when that is known."""
    container, wanted, known = core.world.own(slot)[0], core.aims.effective[slot], core.notes.of(slot)
    core.aims.swapping.discard(slot)
    fields = {"last_good": LastGood(wanted.inputs, container.image_id), "container": container.id}
    if known.rejected is not None and known.rejected.digest == wanted.digest:
        fields["rejected"] = None
    core.notes.remember(slot, msgspec.structs.replace(known, **fields))
    core.world.record(container.id, slot)


def slot_ended(core: Core, slot: str, effect: Effect, outcome: Outcome, now: float) -> None:
    if isinstance(effect, Create | Start):
        core.starting -= 1
    state = core.state(slot)
    if isinstance(effect, Create | Start | Stop | Remove | KillOrphan):
        state.last_write = core.tick
    freed = core.world.freed
    wanted, target = core.aims.effective.get(slot), core.aims.targets.get(slot)
    desk = Desk(
        slot,
        state,
        core.world,
        core.notes,
        core.digest_of(slot),
        now,
        core.tick,
        wanted.inputs if wanted is not None else None,
        target.profile if target is not None else "",
    )
    fold(desk, effect, outcome)
    if state.run is not None and state.run.dead_at is None:
        core.queue.add_at(probe_key(slot), state.run.next_probe)
    if core.world.freed != freed:
        core.touch_blocked()
    # Its own next turn comes first: what was created is started while the next ones are created.
    core.queue.add(slot_key(slot))
    core.pass_turn()
