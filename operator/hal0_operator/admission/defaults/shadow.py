"""Which slot an overlay child is bound to."""

from collections.abc import Container, Mapping

from hal0_operator.admission.defaults.device import device_of
from hal0_operator.admission.defaults.type import type_of
from hal0_operator.model.capability import CHILDREN, Child
from hal0_operator.model.slot import DeclaredSlot

_CHILDRENS_OWN = frozenset(child.slot for child in CHILDREN.values())


def bound_slot(child: Child, slots: Mapping[str, DeclaredSlot], present: Container[str]) -> str:
    """The child's own slot, or the only NPU record of its type where that has no file.

    hal0 named its shadow records differently over time (``stt``, ``stt-npu``, ``flm-stt``); a child
    must find the record that is there and never make a second one.  A slot that another child is called
    after is that child's.  ``present`` also holds slots whose file is there but could not be read.
    """
    if child.slot in present or child.type not in ("transcription", "embedding"):
        return child.slot
    records = [
        name
        for name, slot in slots.items()
        if type_of(slot) == child.type and device_of(slot) == "npu" and name not in _CHILDRENS_OWN
    ]
    return records[0] if len(records) == 1 else child.slot
