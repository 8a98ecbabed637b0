"""Records of the NPU: whether its process does what they are for, and why not where their flags were rejected."""

from hal0_operator.reconcile.rollback import rejected_roles
from hal0_operator.runtimes import flm
from hal0_operator.runtimes.diff import field_diff
from hal0_operator.status.facts import Record, SlotFacts

_FLAGS = frozenset(flm.ROLES.values())


def rejected(facts: SlotFacts) -> str:
    """Why the process that a record rides in runs without its flag, and what to do; ``""`` when it does not."""
    npu = facts.anchor
    blamed = _blamed(npu) if npu is not None else ()
    own = next((record for record in blamed if record.slot == facts.view.slot), None)
    if npu is None or own is None or npu.view.memory.rejected is None:
        return ""
    slot, name = npu.view.slot, own.child or own.slot
    off = f"capability set {own.child} --off" if own.child else f"slot edit {own.slot} --disable"
    return (
        f"slot {slot} did not start with {_flag(own)} of {_named(own)}: {npu.view.memory.rejected.message}"
        f"{_besides(npu, [record for record in blamed if record is not own])}; it runs without. "
        f"Switch {name} off (`hal0ctl {off}`), or give {slot} another chat model"
    )


def answers_as_its_role(facts: SlotFacts) -> bool:
    """Whether the process that a record rides in runs with its flag and answers it, whatever else it does not."""
    run = facts.anchor.view.state.run if facts.anchor is not None else None
    if run is None or run.stuck or facts.slot is None or rejected(facts):
        return False
    return flm.ROLES.get(facts.slot.type) not in run.failed_roles


def causes(npu: SlotFacts) -> str:
    """The records whose flags were rejected, for the NPU's chat slot: ``--asr of voice.stt (slots/stt.toml)``."""
    return " and ".join(f"{_flag(record)} of {_named(record)}" for record in _blamed(npu))


def _blamed(npu: SlotFacts) -> tuple[Record, ...]:
    roles = rejected_roles(npu.view.target, npu.view.effective)
    return tuple(record for record in npu.records if flm.ROLES.get(record.type) in roles)


def _besides(npu: SlotFacts, others: list[Record]) -> str:
    """What else was new, and may be the cause as well."""
    new = [f"{_flag(record)} of {_named(record)}" for record in others]
    target, good = npu.view.target, npu.view.effective
    if target is not None and target.inputs is not None and good is not None:
        diff = field_diff(good.inputs, target.inputs)
        new += [f"{d.field} {d.before or '-'} → {d.after or '-'}" for d in diff if d.field not in _FLAGS]
    return f"; new with it: {', '.join(new)}" if new else ""


def _flag(record: Record) -> str:
    return flm.flag(flm.ROLES[record.type])


def _named(record: Record) -> str:
    return f"{record.child} ({record.file})" if record.child else record.file
