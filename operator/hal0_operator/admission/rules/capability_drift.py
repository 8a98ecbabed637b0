"""The overlay and a slot file disagree, and the overlay counts.

`capabilities.toml` and a slot's file both say whether it is on, on which device, and with which model.  Where
they never agreed before, it cannot be told which one is newer: the overlay is taken.  The same warning is given
for a child that is on and whose slot has no file.  A disabled shipped slot beside it is another slot.

Example: `[selections.embed.embed] model = "new"` while `slots/embed.toml` has `default = "old"`.

Fix: write the same values in both files.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import OVERLAY_FILE, View
from hal0_operator.desired.rules import clipped
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.problem import Problem, capability_key

CODE = "capability.drift"


def check(view: View) -> Iterator[Problem]:
    slots = {dotted: slot for slot, dotted in view.bindings.items()}
    for dotted, findings in view.findings.items():
        drifts = [finding for finding in findings if finding.kind == "drift"]
        if not drifts or dotted not in slots:
            continue
        file = view.declared[slots[dotted]].file
        said = ", ".join(f"{d.field} is {_shown(d.overlay)} here and {_shown(d.slot)} there" for d in drifts)
        yield _warning(dotted, drifts[0].field, f"{dotted} and {file} disagree: {said}; the overlay counts")
    for slot in view.synthesised:
        dotted = view.bindings[slot]
        yield _warning(
            dotted, "enabled", f"{dotted} is on, but slots/{slot}.toml does not exist; it runs from the overlay alone"
        )


def _warning(dotted: str, field: str, message: str) -> Problem:
    child = CHILDREN[dotted]
    return Problem(
        code=CODE,
        message=message,
        file=OVERLAY_FILE,
        path=("selections", child.group, child.name, field),
        hint="write the same values in both files",
        severity="warning",
        parties=(capability_key(dotted),),
    )


def _shown(value: object) -> str:
    return str(value).lower() if isinstance(value, bool) else f"`{clipped(str(value), 80)}`"
