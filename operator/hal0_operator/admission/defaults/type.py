"""The slot type: written, or by the slot's name."""

from hal0_operator.model.slot import TYPE_BY_NAME, DeclaredSlot, SlotType


def type_of(declared: DeclaredSlot) -> SlotType:
    return declared.type or TYPE_BY_NAME.get(declared.name, "llm")
