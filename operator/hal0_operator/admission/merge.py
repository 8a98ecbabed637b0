"""The overlay and a slot file say the same thing twice: a three-way merge, field by field.

The base is the value that both files last carried.  Whichever side left it wins; when both did, to
different values, that is a conflict and the base stays.  Without a base the overlay wins and says so.
Merging the result again changes nothing.
"""

from typing import Any, Literal

import msgspec

from hal0_operator.model.capability import Selection
from hal0_operator.model.device import LEGACY_BACKENDS, Device
from hal0_operator.model.slot import DeclaredSlot
from hal0_operator.model.snapshot import MergeBase

Field = Literal["enabled", "device", "model"]
FIELDS: tuple[Field, ...] = ("enabled", "device", "model")

DEFAULT_DEVICE: Device = "gpu-rocm"
"""Of a slot whose file names neither a device nor a legacy backend."""


class Finding(msgspec.Struct, frozen=True):
    """A field on which overlay and slot file disagree.

    ``drift``: no base, the overlay counts.  ``conflict``: both left the base, or nothing may be merged.
    """

    kind: Literal["drift", "conflict"]
    field: Field
    overlay: Any
    slot: Any
    base: Any = None


class Merged(msgspec.Struct, frozen=True, kw_only=True):
    """The merged values, ``None`` where neither side says anything."""

    enabled: bool | None = None
    device: Device | None = None
    model: str | None = None
    findings: tuple[Finding, ...] = ()


def declared_device(slot: DeclaredSlot) -> Device | None:
    """The device as the file asks for it, legacy spelling included; ``None`` when it names none."""
    return slot.device or (LEGACY_BACKENDS.get(slot.backend) if slot.backend else None)


def merge(selection: Selection | None, slot: DeclaredSlot | None, base: MergeBase) -> Merged:
    """Merge one child with the slot that it is bound to; ``slot`` is ``None`` where there is no file.

    A blank selection is no opinion.  A slot file that is gone after overlay and slot had agreed on
    ``enabled`` was deleted, which says "off"; one that was never there says nothing.
    """
    ours = _of_slot(slot)
    if slot is None and base.enabled is not None:
        ours = {**ours, "enabled": False}
    if selection is None or selection.is_blank:
        return Merged(**ours)
    values: dict[str, Any] = {}
    findings: list[Finding] = []
    for field in FIELDS:
        theirs, mine, common = getattr(selection, field), ours[field], getattr(base, field)
        values[field], kind = _three_way(common, theirs, mine)
        if kind is not None:
            findings.append(Finding(kind, field, theirs, mine, common))
    return Merged(**values, findings=tuple(findings))


def compare(selection: Selection | None, slot: DeclaredSlot | None) -> Merged:
    """Where nothing may be merged, the slot file counts and every disagreement is a conflict."""
    ours = _of_slot(slot)
    if selection is None or selection.is_blank:
        return Merged(**ours)
    effective = carried(slot) if slot is not None else {"enabled": False, "device": None, "model": None}
    findings = tuple(
        Finding("conflict", field, theirs, effective[field])
        for field in FIELDS
        if (theirs := getattr(selection, field)) is not None and theirs != effective[field]
    )
    if slot is None and not selection.enabled:
        findings = ()
    return Merged(**ours, findings=findings)


def returned(slot: DeclaredSlot, base: MergeBase) -> DeclaredSlot:
    """A file that leaves out what both had said was off says on: it came back, or the line was taken out of it."""
    if base.enabled is False and slot.enabled is None:
        return msgspec.structs.replace(slot, enabled=True)
    return slot


def next_base(selection: Selection, slot: DeclaredSlot | None, base: MergeBase, *, gone: bool = False) -> MergeBase:
    """The base after this state was admitted: what both files carry now, else what they last carried.

    ``gone``: the slot's file was deleted, which agrees with a child that is off.
    """
    if gone and base.enabled and selection.enabled is False:
        return msgspec.structs.replace(base, enabled=False)
    if slot is None or selection.is_blank:
        return base
    ours = carried(slot)
    agreed = {
        field: theirs for field in FIELDS if (theirs := getattr(selection, field)) is not None and theirs == ours[field]
    }
    return msgspec.structs.replace(base, **agreed) if agreed else base


def _three_way(base: Any, overlay: Any, slot: Any) -> tuple[Any, Literal["drift", "conflict"] | None]:
    if overlay is None or overlay == slot:
        return slot, None
    if slot is None or slot == base:
        return overlay, None
    if base is None:
        return overlay, "drift"
    if overlay == base:
        return slot, None
    return base, "conflict"


def _of_slot(slot: DeclaredSlot | None) -> dict[Field, Any]:
    if slot is None:
        return {"enabled": None, "device": None, "model": None}
    return {"enabled": slot.enabled, "device": declared_device(slot), "model": slot.model}


def carried(slot: DeclaredSlot) -> dict[Field, Any]:
    """What a slot file says of each field; an absent ``enabled`` or ``device`` is said by its default."""
    ours = _of_slot(slot)
    return {
        "enabled": True if ours["enabled"] is None else ours["enabled"],
        "device": ours["device"] or DEFAULT_DEVICE,
        "model": ours["model"],
    }
