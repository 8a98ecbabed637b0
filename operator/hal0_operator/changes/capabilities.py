"""Wishes about capabilities, as edits of the overlay; the slot's half follows by being carried over."""

from collections.abc import Container

from hal0_operator.admission.coherence import needs_model
from hal0_operator.admission.defaults.shadow import bound_slot
from hal0_operator.changes.checked import refuse
from hal0_operator.changes.edit import Edit
from hal0_operator.changes.judged import Edits, Judged
from hal0_operator.changes.new_files import overlay_text, slot_text
from hal0_operator.changes.places import selection_edits
from hal0_operator.changes.refusal import Refusal, Unknown
from hal0_operator.changes.slots import complete, file_of
from hal0_operator.changes.wish import Keys, SetCapability
from hal0_operator.desired.faults import Faults
from hal0_operator.desired.names import OVERLAY_FILE, SLOTS_FOLDER, shown
from hal0_operator.desired.overlay_file import decode_selection
from hal0_operator.desired.suggest import closest
from hal0_operator.model.capability import CHILDREN, Child, Selection


def child_of(dotted: str) -> Child:
    """Raises ``Unknown``."""
    child = CHILDREN.get(dotted)
    if child is None:
        near = closest(dotted, CHILDREN)
        hint = "its place is slots/chat.toml" if "chat" in dotted else f"there are: {', '.join(CHILDREN)}"
        message = f"there is no capability {shown(dotted)}: {f'did you mean {near}?' if near else hint}"
        raise Unknown("capability.unknown_child", message)
    return child


def slot_of(child: Child, now: Judged) -> str:
    """The slot that serves a child, or would."""
    there = {child.slot} if file_of(now, child.slot) is not None else set[str]()
    return bound_slot(child, now.snapshot.slots, there)


def children_of(slot: str, now: Judged) -> tuple[Child, ...]:
    """The children that a slot of this name serves, or would."""
    return tuple(child for child in CHILDREN.values() if slot_of(child, now) == slot)


def set_(wish: SetCapability, now: Judged, ports: Container[int]) -> Edits:
    """The entry as a whole, as far as it is known; and the slot's file where it is switched on without one.

    Raises ``Invalid``, ``Unknown``, and ``Refusal`` when it is switched on without a model.
    """
    child = child_of(wish.child)
    if OVERLAY_FILE in now.snapshot.broken_files:
        message = f"{OVERLAY_FILE} cannot be read as it is: correct it first"
        raise Refusal("changeset.base_denied", message, now.snapshot.problems)
    keys = _read(child, wish.keys)
    if not keys:
        return {}
    name = slot_of(child, now)
    present = now.snapshot.selections.get(child.dotted) or Selection(group=child.group, child=child.name)
    edits: dict[str, tuple[Edit, ...] | bytes | None] = {}
    asked = {field: keys.get(field, getattr(present, field)) for field in ("enabled", "device", "model")}
    if file_of(now, name) is None:
        if asked["enabled"]:
            new = _slot_keys(child, name, asked, now, ports)
            edits[f"{SLOTS_FOLDER}/{name}.toml"] = slot_text(new)
            keys |= {"device": new["device"]}
    else:
        slot = now.verdict.slots.get(name)
        known = {"enabled": slot.enabled, "device": slot.device, "model": slot.model} if slot is not None else {}
        keys = {field: value for field, value in known.items() if asked[field] is None and value is not None} | keys
    if not now.snapshot.overlay_file:
        entry = {field: value for field, value in keys.items() if value is not None}
        return edits | {OVERLAY_FILE: overlay_text({child.group: {child.name: entry}})}
    tree = now.tree(OVERLAY_FILE)
    overlay = [
        edit for field, value in keys.items() for edit in selection_edits(tree, child.group, child.name, field, value)
    ]
    return edits | {OVERLAY_FILE: tuple(overlay)}


def _read(child: Child, keys: Keys) -> Keys:
    """The keys as decoded, legacy ``backend`` promoted; ``None`` and blank text remove a key."""
    faults = Faults("", "capability.schema")
    given = {name: value for name, value in keys.items() if value is not None}
    selection = decode_selection(child, given, faults)
    refuse(faults)
    fields = ("enabled", "device", "model", "provider")
    named = {"device" if name == "backend" else name for name in keys}
    return {field: getattr(selection, field) for field in fields if field in named}


def _slot_keys(child: Child, name: str, asked: Keys, now: Judged, ports: Container[int]) -> Keys:
    keys: Keys = {"type": child.type, "device": asked["device"], "enabled": True}
    new = complete(name, keys, now, ports)
    if asked["model"] is not None:
        new["model"] = {"default": asked["model"]}
        return new
    profile = now.catalogue.get(new["profile"])
    if profile is None or needs_model(profile.family, child.type):
        raise Refusal("capability.no_model", f"{child.dotted} has no model yet: name one with `--model`")
    return new
