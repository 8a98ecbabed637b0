"""Facts to status."""

from datetime import UTC, datetime

from hal0_operator.model.device import BACKEND_OF
from hal0_operator.model.launch import Target
from hal0_operator.model.slot import Slot
from hal0_operator.model.status import ContainerStatus, FieldDiff, SlotStatus
from hal0_operator.reconcile.cause import start_limit
from hal0_operator.reconcile.turn import INSIDE
from hal0_operator.runtimes.diff import field_diff
from hal0_operator.status.conditions import carry_over, conditions
from hal0_operator.status.facts import SlotFacts
from hal0_operator.status.phase import phase
from hal0_operator.status.records import rejected


def derive(facts: SlotFacts, before: SlotStatus | None) -> SlotStatus:
    """One slot's status; ``before`` gives the transition times that have not moved."""
    view = facts.view
    slot = facts.slot
    found = phase(facts, before.phase if before is not None else None)
    target = view.target
    observed = target.generation if target is not None else ""
    return SlotStatus(
        name=view.slot,
        type=slot.type if slot else "",
        device=slot.device if slot else "",
        backend=BACKEND_OF[slot.device] if slot else "",
        profile=slot.profile if slot else "",
        model=slot.model if slot else None,
        port=_port(target, slot),
        enabled=slot.enabled if slot else False,
        phase=found,
        generation=facts.admission.asked or observed,
        observed_generation=observed,
        container=_container(facts),
        restarts=view.state.restarts,
        next_retry_at=_next_retry(facts),
        conditions=carry_over(conditions(facts, found), before, facts.stamp(facts.now)),
        wanted=target is not None and target.wanted,
        blocked_on=_blocked_on(facts),
        last_exit=_last_exit(facts),
        diff=pending_diff(facts),
    )


def _port(target: Target | None, slot: Slot | None) -> int | None:
    if target is not None and target.inputs is not None:
        return target.inputs.port
    return slot.port if slot else None


def _container(facts: SlotFacts) -> ContainerStatus | None:
    own = facts.view.own[0] if facts.view.own else None
    if own is None:
        return None
    run = facts.view.state.run
    started = None
    if run is not None and run.id == own.id and run.dead_at is None:
        # Podman's own time, once a list has it; else when it was seen to run.
        started = rfc3339(own.started_at) if own.started_at > 0 else facts.stamp(run.since)
    wanted = facts.view.effective
    # An image may have many names, of which Podman tells any one.
    image = wanted.inputs.image if wanted is not None and wanted.digest == own.digest else own.image
    return ContainerStatus(own.id, own.name, image, started)


def rfc3339(epoch_s: float) -> str:
    """In UTC and whole seconds."""
    return datetime.fromtimestamp(epoch_s, UTC).isoformat(timespec="seconds").replace("+00:00", "Z")


def _next_retry(facts: SlotFacts) -> str | None:
    state = facts.view.state
    if state.waiting is None:
        return None
    if facts.pull_again_at is not None:
        return facts.stamp(facts.pull_again_at)
    if state.waiting.until is not None and state.waiting.until > facts.now:
        return facts.stamp(state.waiting.until)
    if state.waiting.reason not in INSIDE and state.outside is not None:
        return facts.stamp(state.outside.until)
    return None


def _blocked_on(facts: SlotFacts) -> str:
    """The first unmet precondition, in words; a record's is that of the NPU slot, or its own flag."""
    view = facts.view
    if facts.anchor is not None and view.held is None and view.target is not None and view.target.slot.enabled:
        return _blocked_on(facts.anchor) or rejected(facts)
    if view.held is not None:
        return view.held.message
    if facts.podman_down:
        return facts.podman_down
    if facts.pull and view.state.waiting is not None and view.state.waiting.reason == "Pulling":
        return facts.pull
    if view.state.waiting is not None:
        return view.state.waiting.message
    run = view.state.run
    if run is not None and not run.ready and view.own and view.target is not None and view.target.wanted:
        if run.dead_at is not None:  # what the probe said was said of the process before
            return "its process has died"
        return f"its probe: {run.detail or run.verdict or 'not asked yet'}{_limit(facts, run.since)}"
    return ""


def _limit(facts: SlotFacts, since: float) -> str:
    """How long it may take, where that is limited and counts."""
    limit, run = start_limit(facts.view), facts.view.state.run
    if limit == float("inf") or (run is not None and run.path_broken):
        return ""
    return f"; it has until {facts.stamp(since + limit)}, {limit:g} s from its start"


def _last_exit(facts: SlotFacts) -> str:
    exit = facts.view.memory.last_exit
    return exit.told if exit is not None else ""


def pending_diff(facts: SlotFacts) -> tuple[FieldDiff, ...]:
    """What a swap will change, where the running inputs are known."""
    view = facts.view
    own = view.own[0] if view.own else None
    target = view.target
    if own is None or target is None or target.inputs is None or own.digest == target.digest:
        return ()
    good = view.memory.last_good
    if good is None or good.inputs.digest != own.digest:
        return ()
    return field_diff(good.inputs, target.inputs)
