"""One slot's turn: its next effect, or what ends its wait."""

from hal0_operator.model.action import Check, Create, Effect, Key, ListName, Probe, Remove, Start, Wait
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.cause import SETTLED, Cause, Drifted, Settled, start_limit
from hal0_operator.reconcile.core import IMAGES, START_LIMIT, Core, probe_key, slot_key
from hal0_operator.reconcile.desk import wait_outside
from hal0_operator.reconcile.draining import DRAINING, follow, stop
from hal0_operator.reconcile.next_action import next_action
from hal0_operator.reconcile.state import SlotState
from hal0_operator.reconcile.view import View
from hal0_operator.runtimes import family

BLOCKED = frozenset({"PortHeld", "NPUHeld", "ProfileHeld", "ProfileTurn"})
INSIDE = frozenset(
    {
        *("list", "images", "store", "settling", "Stopping", "Removing"),
        *("Pulling", "CrashLoop", "ProfileHeld", "ProfileTurn", DRAINING),
    }
)
"""Reasons to wait that the loop itself resolves; all others are outside, and looked at again."""


def turn(core: Core, slot: str, now: float) -> Effect | None:
    found, step = _decided(core, slot, now)
    if isinstance(step, Create | Start) and core.starting >= START_LIMIT:
        core.waiting_for_turn[slot] = None
        return None
    if slot in core.waiting_for_turn:
        del core.waiting_for_turn[slot]
        core.pass_turn()
    if step is None:
        return None
    if isinstance(found, Drifted) and isinstance(step, Remove):
        core.aims.swapping.add(slot)
    core.tally.acted(found, step)
    return step


def _decided(core: Core, slot: str, now: float) -> tuple[Cause, Effect | None]:
    """What the slot needs; None once it is seen to that it is looked at again."""
    state = core.state(slot)
    waited, state.waiting = state.waiting, None
    core.blocked.discard(slot)
    if state.gate > core.notes.stored:
        _wait(core, state, Wait("store", "the rejection is written first"), now)
        return SETTLED, None
    if core.podman.down:
        core.wait_for_list(slot)
        return SETTLED, None
    view = core.view(slot, now)
    found, step = next_action(view)
    follow(core, view, found, step)
    if isinstance(step, Check | ListName) and not isinstance(found, Settled):
        state.waiting = waited  # it stands until the look tells otherwise: a status must not flicker
    if not isinstance(step, Wait) and not core.fetches_on(state):
        state.wants_image = ""
    if isinstance(step, Wait):
        core.tally.turns["waited"] += 1
        _wait(core, state, step, now)
        return found, None
    if step is None:
        core.tally.turns["settled"] += 1
        _rest(core, view, found)
    return found, step


def fresh(core: Core, slot: str) -> bool:
    """Whether the world is new enough for this slot to be decided."""
    state = core.states.get(slot)
    need = state.need_list if state is not None else 0
    return core.world.tick > need


def _rest(core: Core, view: View, found: Cause) -> None:
    """Nothing to do: wake for the start-up deadline, forget what a gone slot left."""
    state, run = view.state, view.state.run
    if isinstance(found, Settled):
        state.outside = None
        state.stopping_since = None
        state.holders = None  # whoever had the name may have given it up until it is needed again
    if run is not None and run.strange:
        core.queue.add(probe_key(view.slot))
    elif run is not None and not run.ready and run.dead_at is None and view.own:
        deadline = run.since + start_limit(view) + 0.001
        # Passed, and still at rest: its slot is hands off, or its port is not to be reached.
        if view.now < deadline < float("inf"):
            core.queue.add_at(slot_key(view.slot), deadline)
    if view.target is None and view.held is None and not view.own:
        core.states.pop(view.slot, None)
        core.aims.swapping.discard(view.slot)
        stop(core, view.slot)
        core.notes.forget(view.slot)


def _wait(core: Core, state: SlotState, wait: Wait, now: float) -> None:
    """Remember what is waited for, and make sure that something ends the wait."""
    state.waiting = wait
    match wait.reason:
        case "list":
            state.need_list = core.tick
            core.wait_for_list(state.name)
        case "images":
            core.waiting_for_images.add(state.name)
            core.queue.add(IMAGES)
        case "Pulling":
            _wait_for_pull(core, state)
        case "Stopping" if state.stopping_since is None:
            state.stopping_since = now
        case reason if reason not in INSIDE:
            _wait_outside(core, state, wait, now)
    if wait.reason in BLOCKED:
        core.blocked.add(state.name)
    if wait.until is not None:
        core.queue.add_at(slot_key(state.name), wait.until)


def _wait_for_pull(core: Core, state: SlotState) -> None:
    wanted = core.aims.effective.get(state.name)
    if wanted is None:
        return
    image = wanted.inputs.image
    state.wants_image = image
    if image not in core.pulls.running:  # what is queued meanwhile would be fetched once more when that one has ended
        core.queue.add_at(Key("pull", image), core.pulls.again_at(image))


def _wait_outside(core: Core, state: SlotState, wait: Wait, now: float) -> None:
    """Facts are dropped, so that the next look is a real one."""
    before = state.outside
    if before is None or before.reason != wait.reason or now >= before.until:
        wait_outside(state, wait.reason, wait.message, now)
    assert state.outside is not None
    state.outside.message = wait.message
    state.facts_for = ""
    state.holders = None
    core.queue.add_at(slot_key(state.name), state.outside.until)


def probe(core: Core, slot: str, now: float) -> Probe | None:
    """The probe that is due for the slot's running container, whatever inputs it has."""
    state = core.states.get(slot)
    own = core.world.own(slot)
    if state is None or state.run is None or state.run.dead_at is not None or len(own) != 1:
        return None
    run, container = state.run, own[0]
    if container.id != run.id or container.state != "running" or container.alive is False:
        return None
    if now < run.next_probe:
        core.queue.add_at(probe_key(slot), run.next_probe)
        return None
    inputs = core.inputs_of(slot, container.digest)
    if inputs is None:
        run.strange = True
        return None
    if run.strange:
        run.strange, run.since = False, now
    spec = family(inputs.family).probe(inputs, core.settings)
    inside = run.unmet >= (1 if run.ready else runs.LOOK_INSIDE_AFTER)
    return Probe(slot, container.id, spec, look_inside=inside, once=not run.called_once)
