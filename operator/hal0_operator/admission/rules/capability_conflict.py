"""The overlay and a slot file were changed in different ways.

Both files say whether a slot is on, on which device, and with which model.  A change in one of them is carried
over to the other; two different changes cannot be, so what they last agreed on stays in force.  In a home that
follows a git repository nothing is carried over, so there every disagreement is this error.

Example: both said `model = "a"`; now the overlay says `"b"` and the slot file `"c"`.

Fix: write the same value in both files; in a checkout, `hal0ctl capability sync` does.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import OVERLAY_FILE, View
from hal0_operator.desired.rules import clipped
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.problem import Problem, capability_key, slot_key

CODE = "capability.conflict"


def check(view: View) -> Iterator[Problem]:
    slots = {dotted: slot for slot, dotted in view.bindings.items()}
    for dotted, findings in view.findings.items():
        conflicts = [finding for finding in findings if finding.kind == "conflict"]
        if not conflicts:
            continue
        child = CHILDREN[dotted]
        slot = slots.get(dotted, child.slot)
        declared = view.declared.get(slot)
        file = declared.file if declared is not None else f"slots/{slot}.toml"
        said = ", ".join(f"{c.field} is {_shown(c.overlay)} here and {_shown(c.slot)} there" for c in conflicts)
        strict = view.context.strict_overlay
        yield Problem(
            code=CODE,
            message=f"{dotted} and {file} disagree: {said}"
            + ("" if strict else "; both were changed, so neither is taken"),
            file=OVERLAY_FILE,
            path=("selections", child.group, child.name, conflicts[0].field),
            hint="run `hal0ctl capability sync` in the checkout" if strict else "write the same values in both files",
            parties=(slot_key(slot), capability_key(dotted)),
        )


def _shown(value: object) -> str:
    if value is None:
        return "absent"
    return str(value).lower() if isinstance(value, bool) else f"`{clipped(str(value), 80)}`"
