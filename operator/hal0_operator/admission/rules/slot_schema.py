"""A slot file cannot be read, has an unknown key, or a value that cannot be.

The file is refused as a whole and its last good version stays in force.  The message says what is wrong with
the key that it points to.  A slot that was in force with a model and now names none is refused as well: a
deleted line is more likely a slip than a wish to unload.

Example: `devcie = "cpu"`, `port = 08081`, `[model]` twice, a merge conflict left in the file.

Fix: correct the key.  To turn a slot off: `enabled = false`.
"""

from collections.abc import Iterator

from hal0_operator.admission.coherence import needs_model
from hal0_operator.admission.view import View
from hal0_operator.model.problem import Problem
from hal0_operator.model.slot import Slot

CODE = "slot.schema"


def check(view: View) -> Iterator[Problem]:
    """Only the lost model; all else is found while decoding."""
    for slot in view.slots.values():
        if slot.model is None and slot.enabled and slot.name in view.last.slots and _had_model(view, slot):
            profile = view.catalogue.get(slot.profile)
            # A default profile that needs no model is nobody's wish: a file cut short looks like that.
            chosen = view.declared[slot.name].profile is not None
            if not chosen or profile is None or needs_model(profile.family, slot.type):
                message = f"slot {slot.name} was in force with a model and now names none"
                yield view.case(slot).error(CODE, ("model", "default"), message, "`enabled = false` turns it off")


def _had_model(view: View, slot: Slot) -> bool:
    before = view.last.slots[slot.name]
    selection = view.last.selections.get(view.bindings.get(slot.name, ""))
    return before.model is not None or (selection is not None and selection.model is not None)
