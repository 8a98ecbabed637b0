"""The phase: the first that fits, and why."""

from hal0_operator.model.status import Phase
from hal0_operator.reconcile.pace import FIRST_LOOK_S
from hal0_operator.reconcile.turn import INSIDE
from hal0_operator.status.facts import SlotFacts
from hal0_operator.status.records import answers_as_its_role, rejected


def phase(facts: SlotFacts, before: Phase | None) -> Phase:
    """Podman out of reach keeps the last phase."""
    view = facts.view
    if view.held is not None:
        return "Suspended" if view.held.reason == "Suspended" else "Denied"
    if view.target is None:
        return "Removing" if view.own else "Denied" if facts.admission.denied else "Off"
    if facts.anchor is not None:
        return _of_record(facts, phase(facts.anchor, before)) if view.target.slot.enabled else "Off"
    if facts.serving:
        run = view.state.run
        return "Degraded" if run is not None and (run.failed_roles or run.stuck) else "Ready"
    if facts.podman_down and before is not None:
        return before
    if not view.target.wanted:
        return "Idle" if view.target.off == "Idle" else "Off"
    return _on_its_way(facts)


def _of_record(facts: SlotFacts, found: Phase) -> Phase:
    """The NPU slot's, but that a part of the process which does not answer is a matter of its own record."""
    if found == "Ready" and rejected(facts):
        return "Degraded"
    return "Ready" if found == "Degraded" and answers_as_its_role(facts) else found


def _on_its_way(facts: SlotFacts) -> Phase:
    state = facts.view.state
    waiting = state.waiting
    if waiting is not None and waiting.reason == "Pulling":
        return "Pulling"
    if blocked_reason(facts):
        return "Blocked"
    return "CrashLoop" if state.exits >= 2 else "Starting"


def blocked_reason(facts: SlotFacts) -> str:
    """The reason that something outside, or another slot, keeps it from going on, or ``""``."""
    run, own = facts.view.state.run, facts.view.own
    if run is not None and run.path_broken and own and own[0].id == run.id:
        return "PortPathBroken"
    waiting, outside = facts.view.state.waiting, facts.view.state.outside
    if waiting is None or (waiting.reason in INSIDE and waiting.reason != "ProfileHeld"):
        return ""
    if outside is not None and outside.binding and outside.delay < FIRST_LOOK_S:
        return ""  # a call has just failed of it: a port that was just given up is free within moments
    return waiting.reason
