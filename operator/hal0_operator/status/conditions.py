"""Conditions of a slot: four always, a named one only while it is True."""

import msgspec

from hal0_operator.model.problem import Problem
from hal0_operator.model.status import NAMED, Condition, Phase, SlotStatus, SourceStatus
from hal0_operator.reconcile.draining import DRAINING
from hal0_operator.reconcile.image_drift import image_drift
from hal0_operator.reconcile.pace import failures
from hal0_operator.reconcile.state import Run
from hal0_operator.status.facts import SlotFacts
from hal0_operator.status.phase import blocked_reason
from hal0_operator.status.records import causes, rejected

STALLED: frozenset[Phase] = frozenset({"Denied", "Blocked", "CrashLoop"})
RESTING: frozenset[Phase] = frozenset({"Off", "Idle", "Suspended"})


def conditions(facts: SlotFacts, phase: Phase) -> tuple[Condition, ...]:
    """Without transition times."""
    if facts.anchor is not None and facts.view.held is None and facts.slot is not None and facts.slot.enabled:
        return _of_record(facts, phase, conditions(facts.anchor, phase))
    named = tuple(_named(facts))
    return (_admitted(facts), _ready(facts, phase, named), *_progress(facts, phase, named), *named)


def _of_record(facts: SlotFacts, phase: Phase, anchors: tuple[Condition, ...]) -> tuple[Condition, ...]:
    """The NPU slot's, but for its own file, its own role, and a flag of its own that the process did not start with."""
    own = {"Admitted": _admitted(facts)}
    why = rejected(facts)
    if why:
        reason = "FlagsRejected"
        if not facts.podman_down:
            own["Ready"] = _condition(facts, "Ready", "False", reason, why)
        own["Reconciling"] = _condition(facts, "Reconciling", "False", "Stalled", "")
        own["Stalled"] = _condition(facts, "Stalled", "True", reason, why)
    elif phase == "Ready" and any(c.reason == "RoleFailed" for c in anchors):
        own["Ready"] = _condition(facts, "Ready", "True", "ProbePassed", "")  # of another role
    found = tuple(own.get(c.type, c) for c in anchors)
    return (*found, _condition(facts, reason, "True", reason, why)) if why else found


def carry_over(new: tuple[Condition, ...], before: SlotStatus | SourceStatus | None, now: str) -> tuple[Condition, ...]:
    """The only place that touches transition times: they move with status or reason."""
    old = {c.type: c for c in before.conditions} if before is not None else {}
    return tuple(_timed(c, old.get(c.type), now) for c in new)


def _timed(new: Condition, old: Condition | None, now: str) -> Condition:
    same = old is not None and (old.status, old.reason) == (new.status, new.reason)
    since = old.last_transition_time if same and old is not None else now
    return msgspec.structs.replace(new, last_transition_time=since)


def camel(code: str) -> str:
    """``npu.exclusive`` is the reason ``NpuExclusive``."""
    return "".join(part.capitalize() for part in code.replace("_", ".").split("."))


def told(problem: Problem) -> str:
    """A message that begins with the code and the address."""
    hint = f" ({problem.hint})" if problem.hint else ""
    return f"{problem.code} {problem.address}: {problem.message}{hint}"


def _condition(facts: SlotFacts, type: str, status: str, reason: str, message: str) -> Condition:
    observed = facts.view.target.generation if facts.view.target is not None else facts.admission.asked
    return msgspec.convert(
        {
            "type": type,
            "status": status,
            "reason": reason,
            "message": message,
            "observedGeneration": observed,
        },
        Condition,
    )


def _admitted(facts: SlotFacts) -> Condition:
    if facts.admission.denied:
        first = facts.admission.denied[0]
        asked = facts.admission.asked
        found = _condition(facts, "Admitted", "False", camel(first.code), told(first))
        return msgspec.structs.replace(found, observed_generation=asked)
    if facts.admission.kept:
        return _condition(facts, "Admitted", "False", "DeletionHeld", facts.admission.kept)
    return _condition(facts, "Admitted", "True", "Admitted", "")


def _ready(facts: SlotFacts, phase: Phase, named: tuple[Condition, ...]) -> Condition:
    if facts.podman_down:
        return _condition(facts, "Ready", "Unknown", "PodmanUnavailable", facts.podman_down)
    if facts.ready and facts.serving:
        run = facts.view.state.run
        failed = run.failed_roles if run is not None else ()
        if failed:
            return _condition(facts, "Ready", "False", "RoleFailed", f"no answer as {', '.join(failed)}")
        if run is not None and run.stuck:
            return _condition(facts, "Ready", "False", "NoProgress", _stuck(run))
        return _condition(facts, "Ready", "True", "ProbePassed", "")
    reason, message = _why_not_ready(facts, phase, named)
    return _condition(facts, "Ready", "False", reason, message)


def _why_not_ready(facts: SlotFacts, phase: Phase, named: tuple[Condition, ...]) -> tuple[str, str]:
    view = facts.view
    if view.held is not None:
        return view.held.reason, view.held.message
    target = view.target
    if target is not None and not target.wanted:
        return target.off[:1].upper() + target.off[1:], _OFF.get(target.off, "")
    blocking = blocked_reason(facts)
    for condition in named:
        if condition.type == blocking:
            return condition.reason, condition.message
    if facts.serving:
        return "OldServes", "the container of the previous inputs still serves"
    waiting = view.state.waiting
    if phase == "CrashLoop":
        last = view.memory.last_exit
        return "StartTimeout" if last is not None and last.too_slow else "CrashLoop", failures(view.state.exits, last)
    if waiting is not None:
        return waiting.reason[:1].upper() + waiting.reason[1:], waiting.message
    return phase, view.state.run.detail if view.state.run is not None else ""


_OFF = {
    "disabled": "enabled = false in its file",
    "NoModel": "it has no model: set [model] default",
    "shadow": "no NPU chat slot is enabled to serve it: load an NPU chat slot first",
    "Idle": "loaded on demand",
}


def _progress(facts: SlotFacts, phase: Phase, named: tuple[Condition, ...]) -> tuple[Condition, Condition]:
    """Reconciling and Stalled exclude each other; a slot that is off rests once its container is gone."""
    blocking = blocked_reason(facts)
    stalled = phase in STALLED or bool(blocking) or (facts.view.held is not None and phase == "Denied")
    waiting = facts.view.state.waiting
    settled = facts.serving and facts.ready and (waiting is None or waiting.reason != DRAINING)
    leaving = facts.view.held is None and phase in RESTING and bool(facts.view.own)
    busy = not stalled and (leaving or (phase not in RESTING and not settled))
    if stalled:
        reason, message = _why_not_ready(facts, phase, named) if not settled else (blocking, "")
        stalling = _condition(facts, "Stalled", "True", reason or phase, message)
    else:
        stalling = _condition(facts, "Stalled", "False", "Progressing" if busy else "Settled", "")
    word = "Progressing" if busy else "Stalled" if stalled else "Settled"
    return _condition(facts, "Reconciling", str(busy), word, ""), stalling


def _stuck(run: Run) -> str:
    return f"its health is fine, but the last {run.unanswered} requests had no answer"


def _named(facts: SlotFacts) -> list[Condition]:
    view = facts.view
    found: list[Condition] = []

    def add(type: str, message: str) -> None:
        if type in NAMED and not any(c.type == type for c in found):
            found.append(_condition(facts, type, "True", type, message))

    if facts.podman_down:
        add("PodmanUnavailable", facts.podman_down)
    if view.effective is not None and view.effective.rolled_back and view.memory.rejected is not None:
        last, new = view.memory.rejected, causes(facts)
        why = f"{last.reason}: {last.message}" + (f"; it was asked for {new}" if new else "")
        add("RolledBack", f"{why}; edit the slot, or `hal0ctl restart {view.slot}`")
    if view.held is None and (reason := blocked_reason(facts)):
        waiting = view.state.waiting
        add(reason, waiting.message if waiting is not None else _path_broken(facts))
    if facts.admission.violations:
        add("PolicyViolation", told(facts.admission.violations[0]))
    if facts.admission.kept:
        add("PruneHeld", facts.admission.kept)
    own = view.own[0] if view.own else None
    if own is not None and view.effective is not None and own.digest == view.effective.digest:
        if facts.rendered and own.rendered != facts.rendered:
            add("Outdated", "rendered anew it would differ; `hal0ctl restart --outdated` applies it")
        if drift := image_drift(view):
            add("ImageDrift", drift)
    run = view.state.run
    if facts.serving and run is not None and run.stuck:
        add("NoProgress", _stuck(run))
    if facts.strays:
        add("Stray", f"{', '.join(facts.strays)} carries our labels under another name; remove it by hand")
    return found


def _path_broken(facts: SlotFacts) -> str:
    port = facts.view.effective.inputs.port if facts.view.effective is not None else 0
    return (
        f"the container answers on its own address but not through port {port}: a stale rule of the "
        "firewall is in the way; `hal0ctl doctor --fix` removes it"
    )
