"""A finished list, folded into the world.

Rows of a slot whose own call is in flight, or ended after the list began, are not believed: the
call's outcome already says more, or asks for another list.
"""

from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.core import Core, probe_key, slot_key
from hal0_operator.reconcile.state import SlotState


def observe(core: Core, listing: Listing, tick: int, begun_at: float, now: float) -> None:
    """``tick`` and ``begun_at`` are of the list's beginning."""
    world = core.world
    changed: set[str] = set()
    seen: set[str] = set()
    freed = False
    for row in listing.containers:
        seen.add(row.id)
        slot = world.owner(row)
        if slot and _ours_knows_better(core, slot, tick):
            continue
        before = world.containers.get(row.id)
        kept = _keep_death(row, before)
        if kept != before:
            world.put(kept)
            changed.add(slot or "")
    for id in [id for id in world.containers if id not in seen]:
        container = world.containers[id]
        slot = world.owner(container)
        if slot and _ours_knows_better(core, slot, tick):
            continue
        world.drop(id)
        freed = True
        if container.pid and container.alive:
            world.haunt(container, now)
        changed.add(slot or "")
    world.tick, world.begun_at = tick, begun_at
    for slot in sorted(changed):
        if slot:
            _follow_run(core, slot, now)
            core.touch(slot)
    if freed or "" in changed:
        core.touch_blocked()


def _ours_knows_better(core: Core, slot: str, tick: int) -> bool:
    state = core.states.get(slot)
    in_flight = core.queue.is_busy(slot_key(slot))
    return in_flight or (state is not None and state.last_write > tick)


def _keep_death(row: Container, before: Container | None) -> Container:
    """A pidfd that fired is newer than a list that still says running."""
    if before is None or before.alive is not False or row.state != "running":
        return row
    return row.dead() if row.pid in (before.pid, 0) or before.pid == 0 else row


def _follow_run(core: Core, slot: str, now: float) -> None:
    """Keep the slot's run in step with what the list shows of its container."""
    own = core.world.own(slot)
    state = core.state(slot)
    run = state.run
    if not own:
        state.run = None
        return
    container = own[0]
    running = container.state == "running" and container.alive is not False
    if running and (run is None or run.id != container.id or run.dead_at is not None):
        runs.begin(state, container.id, core.tick, now, core.settings.probe, adopted=True)
        core.queue.add(probe_key(slot))
    elif container.state == "running" and (run is None or run.id != container.id):
        # Dead when first seen: it may be lost, or Podman has not settled yet; no crash of ours.
        runs.begin(state, container.id, core.tick, now, core.settings.probe, adopted=True).dead_at = now
    elif _ended(state, container) and runs.died(state, container.digest, now, core.notes.jitter):
        ended = f"process {container.pid} of {container.name} ended"
        left = f"{container.name} is {container.state}, exit code {container.exit_code}"
        core.notes.event("Warning", "Died", slot, ended if container.state == "running" else left)


def _ended(state: SlotState, container: Container) -> bool:
    """Ran when last seen, and does not now; what ended with the machine is no crash."""
    run = state.run
    running = container.state == "running" and container.alive is not False
    return run is not None and run.id == container.id and not running and not container.never_crashed
