"""Cause to action: at most one effect, or what is waited for, or nothing."""

from typing import assert_never

from hal0_operator.model.action import Check, Create, Effect, Remove, SaveLogs, Start, Stop, Wait
from hal0_operator.model.container import container_name
from hal0_operator.model.facts import Needs
from hal0_operator.model.world import Container
from hal0_operator.reconcile import cause as causes
from hal0_operator.reconcile.cause import HEAL_WINDOW_S, cause
from hal0_operator.reconcile.draining import drained
from hal0_operator.reconcile.holders import blocked_create
from hal0_operator.reconcile.pace import failures
from hal0_operator.reconcile.preflight import (
    NEED_LIST,
    end_undead,
    host_ready,
    outside_pause,
    preflight,
    rendered_of,
    spec_of,
    takes_nodes,
)
from hal0_operator.reconcile.rollback import Effective, is_rejected
from hal0_operator.reconcile.view import View
from hal0_operator.runtimes import family
from hal0_operator.runtimes.diff import field_diff

EXITS_TO_REJECT = 3
EXITS_TO_KEEP = 2
"""Exits in a row from which on the log of each is kept before the next start."""
FIRST_LIST_S = 0.2
"""After a death: mostly Podman knows the exit code by then, and even the shortest pause leaves time for the log."""

Step = Effect | Wait | None


def next_action(v: View) -> tuple[causes.Cause, Step]:
    """The ladder's answer for one slot, with the cause that it answers."""
    found = cause(v)
    return found, answer(v, found)


def answer(v: View, found: causes.Cause) -> Step:
    match found:
        case causes.HandsOff():
            return None
        case causes.Settled():
            return _settled(v)
        case causes.Extra(container):
            return _take_away(v, container, "a second container of the slot")
        case causes.Unwanted(container, why):
            return drained(v, container) or _take_away(v, container, why)
        case causes.NeedsPort():
            return _choose_port(v)
        case causes.Absent():
            return _absent(v)
        case causes.Drifted(container):
            return _drifted(v, container)
        case causes.RestartAsked(container):
            return _replace(v, container, "restart asked for")
        case causes.Broken(container, why, _):
            return _keep_logs(v, container, "") or _take_away(v, container, why)
        case causes.Stuck(container):
            return _take_away(v, container, f"{container.state} by no call of ours")
        case causes.Exited(container, why):
            return _exited(v, container, why)
        case causes.Dead(container):
            return _dead(v, container)
        case causes.TooSlow(container, limit):
            return _too_slow(v, container, limit)
        case _:
            assert_never(found)


def _settled(v: View) -> Step:
    """One look at the host per adopted container tells whether it is Outdated; no Podman call."""
    if v.effective is not None and v.own and v.state.facts_for != v.effective.digest and outside_pause(v) is None:
        return Check(v.slot, family(v.effective.inputs.family).needs(v.effective.inputs, v.settings))
    return None


def _choose_port(v: View) -> Step:
    """The listeners are needed before the lowest free port can be chosen."""
    if v.target is None or v.state.facts_for == v.target.generation:
        return Wait("port", "a free port between 8081 and 8200")
    return outside_pause(v) or Check(v.slot, Needs(slot=v.slot, port=0))


def _absent(v: View) -> Step:
    wanted = v.effective
    assert wanted is not None
    if (pause := _paced(v)) is not None:
        return pause
    if (step := preflight(v, wanted, None)) is not None:
        return step
    facts = v.state.facts
    assert facts is not None
    return Create(v.slot, spec_of(v, wanted, facts), _why_create(wanted))


def _why_create(wanted: Effective) -> str:
    if wanted.rolled_back:
        return "rolled back to the last inputs that were Ready"
    return "wanted, and there is no container"


def _drifted(v: View, own: Container) -> Step:
    assert v.effective is not None
    if v.effective.rolled_back:
        return _replace(v, own, "rolled back to the last inputs that were Ready")
    last = v.memory.last_good
    before = last.inputs if last is not None and last.inputs.digest == own.digest else None
    diff = field_diff(before, v.effective.inputs) if before is not None else ()
    changed = ", ".join(f"{d.field}: {d.before} → {d.after}" for d in diff) or "its launch inputs changed"
    return _replace(v, own, changed)


def _replace(v: View, own: Container, reason: str) -> Step:
    """Remove so that a successor can be created; a serving one only after its preflight, and drained."""
    assert v.effective is not None
    serving = own.state == "running" and own.alive is not False
    if serving and (step := preflight(v, v.effective, own) or drained(v, own)) is not None:
        return step
    return _take_away(v, own, reason)


def _take_away(v: View, own: Container, reason: str) -> Step:
    """Remove, by id; a ``stopping`` one whose process lives is stopped first, or 4.3 orphans that.

    Any ``stopping`` one is left alone for a turn of the timer: what a person or a call of ours began ends sooner.
    Without its monitor, 4.3 calls a dead one ``stopping`` however often it is stopped.
    """
    state, left_alone = v.state, v.settings.loop.resync_s
    since = state.stopping_since if state.stopping_since is not None else v.now
    if own.state == "stopping" and v.now < since + left_alone:
        return Wait("Stopping", f"{own.name} is stopping", since + left_alone)
    if v.now < state.remove_next:
        return Wait("Removing", f"{own.name} could not be removed yet", state.remove_next)
    if own.state == "stopping" and own.alive is not False:
        return Stop(v.slot, own.id, v.settings.loop.grace_s, f"stopping for {left_alone:.0f} s")
    running = own.state in ("running", "paused") and own.alive is not False
    return Remove(v.slot, own.id, v.settings.loop.grace_s if running else 0, reason)


def _exited(v: View, own: Container, why: str) -> Step:
    wanted = v.effective
    assert wanted is not None
    state = v.state
    rejects = state.exits_unready >= EXITS_TO_REJECT and v.target is not None and not wanted.rolled_back
    verdict = "CrashLoop" if rejects and v.target and not is_rejected(v.target, v.memory) else ""
    # One that was only created has nothing to say, and what its predecessor said is kept.
    speaks = own.state != "created" and (state.exits >= EXITS_TO_KEEP or verdict)
    if speaks and (logs := _keep_logs(v, own, verdict)) is not None:
        return logs
    if (pause := _paced(v)) is not None:
        return pause
    blocked = blocked_create(wanted.inputs, v.world, own)
    if blocked is not None:
        return end_undead(v, wanted) or blocked
    if (step := host_ready(v, wanted)) is not None:
        return step
    return _start_or_again(v, wanted, own, why)


def _start_or_again(v: View, wanted: Effective, own: Container, why: str) -> Step:
    """Start; but devices are frozen at create, so when the rendering moved, remove and create."""
    facts = v.state.facts
    assert facts is not None
    if own.rendered != rendered_of(v, wanted, facts):
        return _take_away(v, own, "the host's devices or the rendering moved since it was created")
    return Start(v.slot, own.id, f"{why}, {_nth(v)}")


def _nth(v: View) -> str:
    return "first start" if v.state.exits == 0 else f"restart {v.state.exits}"


def _dead(v: View, own: Container) -> Step:
    """The heal path: start by id without a list, again while Podman has not settled."""
    wanted, run = v.effective, v.state.run
    assert wanted is not None
    assert run is not None
    assert run.dead_at is not None
    if (pause := outside_pause(v)) is not None:
        return pause
    if v.state.exits >= EXITS_TO_KEEP:
        return _find_out(v, run.dead_at)
    if (pause := _paced(v)) is not None:
        return pause
    if v.now >= run.dead_at + HEAL_WINDOW_S:
        return NEED_LIST
    if v.now < v.state.heal_next:
        return Wait("settling", "Podman has not seen the exit yet", v.state.heal_next)
    blocked = blocked_create(wanted.inputs, v.world, own)
    if blocked is not None:
        return end_undead(v, wanted) or blocked
    if takes_nodes(v, wanted):
        if (step := host_ready(v, wanted)) is not None:
            return step
        return _start_or_again(v, wanted, own, "its process died")
    return Start(v.slot, own.id, f"its process died, {_nth(v)}")


def _find_out(v: View, dead_at: float) -> Wait:
    """No hurry any more: the exit code and the last lines are wanted before the pause, and a list has the code."""
    look_at, settled_at = dead_at + FIRST_LIST_S, dead_at + HEAL_WINDOW_S
    if v.now >= settled_at or v.now >= look_at > v.world.begun_at:
        return NEED_LIST
    told = f"{container_name(v.slot)} {failures(v.state.exits, None)}; why is found out first"
    return Wait("settling", told, look_at if v.now < look_at else settled_at)


def _too_slow(v: View, own: Container, limit: float) -> Step:
    assert v.target is not None
    assert v.effective is not None
    fresh = not v.effective.rolled_back and not is_rejected(v.target, v.memory)
    verdict = "StartTimeout" if fresh else ""
    return SaveLogs(v.slot, own.id, own.exit_code, verdict, too_slow=f"not ready within {limit:g} s")


def _keep_logs(v: View, own: Container, verdict: str) -> Step:
    """Exit code and last lines are kept before a failed container goes, once per exit."""
    if v.state.logs_for == f"{own.id}/{v.state.exits}" and not verdict:
        return None
    return SaveLogs(v.slot, own.id, own.exit_code, verdict)


def _paced(v: View) -> Wait | None:
    state = v.state
    if (pause := outside_pause(v)) is not None:
        return pause
    if v.now >= state.next_start:
        return None
    return Wait("CrashLoop", f"{container_name(v.slot)} {failures(state.exits, v.memory.last_exit)}", state.next_start)
