"""What a change of the files does to the slots, told without a look at Podman."""

from collections.abc import Iterator, Mapping

from hal0_operator.changes.judged import Judged
from hal0_operator.changes.proposal import Proposal
from hal0_operator.model.launch import Target
from hal0_operator.model.settings import Settings
from hal0_operator.model.status import Plan, PlannedAction
from hal0_operator.runtimes.diff import field_diff
from hal0_operator.runtimes.inputs import Memo, targets


def follows(proposal: Proposal, settings: Settings, ports: Mapping[str, int]) -> Plan:
    """The actions for slots that ran what was in force; ``ports`` are those chosen for slots that name none."""
    return between(proposal.before, proposal.after, settings, ports)


def between(one: Judged, other: Judged, settings: Settings, ports: Mapping[str, int] | None = None) -> Plan:
    """The actions that lead from what is in force of one home to what is of the other."""
    # The port of a slot that names none is not always known, and nothing is said of it then.
    known = {name: port for judged in (one, other) for name, port in _named(judged)} | {**(ports or {})}
    before, after = _targets(one, settings, known), _targets(other, settings, known)
    actions = (action for name in sorted({*before, *after}) for action in _actions(before.get(name), after.get(name)))
    return Plan(other.snapshot.digest, tuple(actions))


def _targets(judged: Judged, settings: Settings, ports: Mapping[str, int]) -> dict[str, Target]:
    verdict = judged.verdict
    return targets(verdict.slots, verdict.catalogue, verdict.generations, settings, ports, Memo())


def _named(judged: Judged) -> Iterator[tuple[str, int]]:
    return ((name, slot.port or 0) for name, slot in judged.verdict.slots.items())


def _actions(before: Target | None, after: Target | None) -> Iterator[PlannedAction]:
    ran, runs = before is not None and before.wanted, after is not None and after.wanted
    if before is not None and ran and not runs:
        yield PlannedAction(before.slot.name, "remove", after.off if after is not None else "the slot is gone")
    elif after is not None and runs and not ran:
        yield PlannedAction(after.slot.name, "create", "it is wanted")
    elif before is not None and after is not None and ran and before.digest != after.digest:
        diff = field_diff(before.inputs, after.inputs) if after.inputs is not None else ()
        yield PlannedAction(after.slot.name, "remove", "swap", diff)
        yield PlannedAction(after.slot.name, "create", "swap")
