"""Without a running operator: the same parts, looked at once, and no action."""

from typing import Any

import anyio
import anyio.to_thread
import msgspec

from hal0_operator.cli.assembling import parts_of
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.known import known
from hal0_operator.model import action as a
from hal0_operator.model.status import HeldSlot, Plan
from hal0_operator.reconcile.core import IMAGES, LIST
from hal0_operator.reconcile.plan import plan
from hal0_operator.run import Parts, load_seeds
from hal0_operator.surfaces import CannotRun


def slots(paths: Paths) -> dict[str, Any]:
    """The body of ``/api/slots``, from Podman and the home.  Raises ``Failed``."""
    parts = parts_of(paths, exclusive=False)
    try:
        anyio.run(_statuses, parts)
        return {"items": msgspec.to_builtins(parts.statuses.all())}
    finally:
        parts.close()


def plan_of(paths: Paths) -> tuple[Plan, Admission]:
    """What ``apply`` would do now.  Raises ``Failed`` when Podman cannot be looked at."""
    parts = parts_of(paths, exclusive=False)
    try:
        return anyio.run(_plan, parts)
    finally:
        parts.close()


async def _statuses(parts: Parts) -> None:
    """Look at Podman and the home, and probe what runs, once each."""
    await _begin(parts)
    await _look(parts)
    await parts.home.once()
    core = parts.reconciler
    for key in [key for key in core.due(parts.clock.monotonic()) if key.lane == "probe"]:
        effect = core.begin(key, parts.clock.monotonic())
        if effect is not None:
            core.end(key, effect, await parts.hands.perform(effect, []), parts.clock.monotonic())
    parts.statuses.stale(None)


async def _begin(parts: Parts) -> None:
    try:
        await parts.begin()
    except CannotRun as failed:
        raise Failed(str(failed)) from failed


async def _plan(parts: Parts) -> tuple[Plan, Admission]:
    await _begin(parts)
    await _look(parts)
    core = parts.reconciler
    intake = Intake(load_seeds(), parts.settings, parts.state.admitted(), whole=parts.sync is not None)
    files = parts.reader.now()
    found = intake.decide(files, core.world.owners(), parts.operator.overrides.prune_approved)
    core.admit(found.desired, 0)
    result = plan(core, lambda effect: _really(parts, effect), parts.clock.monotonic())
    held = tuple(HeldSlot(name, "PruneHeld", found.pruning.why) for name in sorted(found.pruning.slots))
    return msgspec.structs.replace(result, held=(*held, *result.held)), found


def _really(parts: Parts, effect: a.Look) -> a.Outcome:
    """The host itself is asked; it is only looked at."""
    if isinstance(effect, a.Check):
        known_sharers = parts.hands.sharing(effect.needs.port)
        # A check makes the folders that a family may have made; a plan must not, and need not miss them.
        mounts = tuple(mount for mount in effect.needs.mounts if not mount.create)
        needs = msgspec.structs.replace(effect.needs, mounts=mounts)
        return a.Checked(parts.procs.check(needs, parts.settings.devices, known_sharers))
    return known(parts.reconciler, effect)


async def _look(parts: Parts) -> None:
    core = parts.reconciler
    for key in (LIST, IMAGES):
        effect = core.begin(key, parts.clock.monotonic())
        if effect is None:
            continue
        outcome = await parts.drive.look(effect)
        core.end(key, effect, outcome, parts.clock.monotonic())
        if isinstance(outcome, a.Fault):
            raise Failed(f"PodmanUnavailable: {outcome.message}; `hal0ctl doctor` says more")
