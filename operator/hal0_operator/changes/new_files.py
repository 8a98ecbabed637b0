"""Files that are written anew: a slot's, and the first overlay."""

from typing import Any

from hal0_operator.admission.coherence import needs_model
from hal0_operator.admission.defaults.shadow import bound_slot
from hal0_operator.changes.edit import new_text
from hal0_operator.changes.judged import Judged
from hal0_operator.changes.wish import Keys, without_removals
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.problem import slot_key
from hal0_operator.model.slot import Slot

OVERLAY_HEAD = """\
# Capabilities: what each one asks of the slot that serves it.  This file and the slot's own say the
# same thing; a change of either is carried over to the other.

"""

_FIRST = ("type", "device", "profile", "enabled", "port")


def slot_text(keys: Keys) -> bytes:
    """A slot file of these keys, in the order in which people read them."""
    present = without_removals(keys)
    ordered = {name: present[name] for name in (*_FIRST, *present) if name in present}
    scalars = {name: value for name, value in ordered.items() if not isinstance(value, dict)}
    tables = {name: value for name, value in ordered.items() if isinstance(value, dict) and value}
    return new_text(scalars | tables).encode()


def keys_of(slot: Slot, port: int | None) -> Keys:
    """What a slot that only the overlay declares says for itself."""
    keys: Keys = {"type": slot.type, "device": slot.device, "profile": slot.profile, "enabled": slot.enabled}
    keys["port"] = port
    return keys | {"model": {"default": slot.model}}


def overlay_text(selections: dict[str, dict[str, Any]]) -> bytes:
    """``selections`` by group and child."""
    return (OVERLAY_HEAD + new_text({"schema_version": 2, "selections": selections})).encode()


def first_overlay(now: Judged) -> bytes | None:
    """What the slots already declare; ``None`` where no slot serves a capability.

    A slot that is on but has no model says neither on nor off.
    """
    selections: dict[str, dict[str, Any]] = {}
    for child in CHILDREN.values():
        name = bound_slot(child, now.snapshot.slots, now.snapshot.slots)
        slot = now.verdict.slots.get(name)
        if slot is None or name not in now.snapshot.slots or now.held_back(slot_key(name)):
            continue
        profile = now.catalogue.get(slot.profile)
        idle = slot.model is None and (profile is None or needs_model(profile.family, slot.type))
        if slot.enabled and idle:
            continue
        entry: dict[str, Any] = {"enabled": slot.enabled, "device": slot.device}
        selections.setdefault(child.group, {})[child.name] = entry | ({"model": slot.model} if slot.model else {})
    return overlay_text(selections) if selections else None
