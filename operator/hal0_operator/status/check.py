"""What must hold of every status; used by the tests after each step."""

from collections.abc import Iterator

from hal0_operator.model.status import ALWAYS, NAMED, SlotStatus


def broken_rules(status: SlotStatus) -> Iterator[str]:
    """Every rule of this file that the status breaks, in words."""
    types = [c.type for c in status.conditions]
    if len(set(types)) != len(types):
        yield f"a condition type stands twice: {types}"
    by_type = {c.type: c for c in status.conditions}
    for type in ALWAYS:
        if type not in by_type:
            yield f"{type} is missing"
    if by_type["Reconciling"].status == "True" and by_type["Stalled"].status == "True":
        yield "Reconciling and Stalled exclude each other"
    for condition in status.conditions:
        if condition.type not in ALWAYS and (condition.type not in NAMED or condition.status != "True"):
            yield f"{condition.type} exists only while True"
    ready = by_type["Ready"].status == "True"
    if ready and status.phase not in ("Ready", "Suspended"):
        yield f"Ready is True in phase {status.phase}"
    if ready and status.container is None and status.device != "npu":
        yield "Ready is True without a container"
    if by_type["Admitted"].status == "False" and not by_type["Admitted"].message:
        yield "Admitted is False without a message"
