"""Wishes about slots, as edits of their files."""

from collections.abc import Container

from hal0_operator.admission.coherence import default_profile
from hal0_operator.changes.checked import Flat, checked, demand_name
from hal0_operator.changes.coherence import device_for, following
from hal0_operator.changes.edit import Edit
from hal0_operator.changes.judged import Edits, Judged
from hal0_operator.changes.new_files import slot_text
from hal0_operator.changes.places import slot_edits
from hal0_operator.changes.ports import FreePorts
from hal0_operator.changes.refusal import Refusal, Unknown
from hal0_operator.changes.wish import CreateSlot, DeleteSlot, EditSlot, Keys
from hal0_operator.desired.names import OVERLAY_FILE, SLOTS_FOLDER
from hal0_operator.desired.slot_keys import SLOT
from hal0_operator.desired.suggest import closest
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.problem import slot_key
from hal0_operator.model.slot import TYPE_BY_NAME


def create(wish: CreateSlot, now: Judged, ports: Container[int]) -> Edits:
    """A new file with type, device, profile and a free port written out.

    Raises ``Invalid``, and ``Refusal`` when there is such a slot already.
    """
    demand_name(wish.name, "slot", "slot.name")
    file = file_of(now, wish.name)
    if file is not None:
        raise Refusal(
            "slot.exists", f"slot {wish.name} exists already: {file}; `hal0ctl slot edit {wish.name}` changes it"
        )
    keys = without_model_text(wish.keys)
    checked(keys, SLOT, "slot.schema")
    new = complete(wish.name, keys, now, ports)
    if any(child.slot == wish.name and child.dotted in now.snapshot.selections for child in CHILDREN.values()):
        new.setdefault("enabled", True)  # said, so that it counts against an overlay that says off
    return {f"{SLOTS_FOLDER}/{wish.name}.toml": slot_text(new)}


def complete(name: str, keys: Keys, now: Judged, ports: Container[int]) -> Keys:
    """The keys of a new slot, with what follows from those that are named."""
    type = keys.get("type") or TYPE_BY_NAME.get(name, "llm")
    device = keys.get("device") or device_for(type, keys.get("profile"), now.catalogue)
    keys = {"type": type, "device": device, "profile": default_profile(type, device)} | {
        key: value for key, value in keys.items() if value is not None
    }
    shadow = device == "npu" and type in ("transcription", "embedding")
    if "port" not in keys and not shadow:
        keys["port"] = FreePorts(now, ports).take()
    return keys


def edit(wish: EditSlot, now: Judged) -> Edits:
    """The named keys, and with a device or a profile the other one where the pair would disagree.

    Raises ``Invalid``, ``Unknown``, and ``Refusal`` when the file is held back.
    """
    declared = now.snapshot.slots.get(wish.name)
    if declared is None:
        raise _absent(wish.name, now)
    keys = without_model_text(wish.keys)
    flat = checked(keys, SLOT, "slot.schema")
    _demand_named(wish.name, flat, now)
    flat |= {(name,): value for name, value in following(declared, keys, now.catalogue).items()}
    tree = now.tree(declared.file)
    edits: list[Edit] = []
    for path, value in flat.items():
        edits += slot_edits(tree, path, value)
    return {declared.file: tuple(edits)}


def _demand_named(name: str, flat: Flat, now: Judged) -> None:
    """What a slot's file leaves out is taken from the overlay, so leaving it out changes nothing there.

    Raises ``Refusal``.
    """
    selection = now.snapshot.selections.get(now.verdict.bindings.get(name, ""))
    if selection is None or selection.is_blank:
        return
    said = {("enabled",): selection.enabled, ("device",): selection.device, ("model", "default"): selection.model}
    for path, value in said.items():
        if value is not None and path in flat and flat[path] is None:
            key = ".".join(path)
            message = (
                f"{key} cannot be left out of slot {name}: {selection.dotted} in {OVERLAY_FILE} says it; set a value"
            )
            raise Refusal("capability.conflict", message)


def delete(wish: DeleteSlot, now: Judged) -> Edits:
    """Also of a file that cannot be read.  Raises ``Unknown``."""
    file = file_of(now, wish.name)
    if file is None:
        raise _absent(wish.name, now)
    return {file: None}


def file_of(now: Judged, name: str) -> str | None:
    """The file of a slot, readable or not; ``None`` where there is none."""
    declared = now.snapshot.slots.get(name)
    if declared is not None:
        return declared.file
    file = f"{SLOTS_FOLDER}/{name}.toml"
    return file if file in now.files.files else None


def without_model_text(keys: Keys) -> Keys:
    """``model = "name"``, as lists of slots show it, is the key ``default`` of the table."""
    model = keys.get("model")
    return keys | {"model": {"default": model}} if isinstance(model, str) else keys


def _absent(name: str, now: Judged) -> Refusal:
    if slot_key(name) in now.snapshot.broken:
        file = f"{SLOTS_FOLDER}/{name}.toml"
        return Refusal(
            "changeset.base_denied",
            f"{file} cannot be read as it is: correct it first",
            now.verdict.denied[slot_key(name)],
        )
    near = closest(name, now.snapshot.slots)
    there = ", ".join(sorted(now.snapshot.slots)) or "none"
    return Unknown("slot.unknown", f"no slot {name}: " + (f"did you mean {near}?" if near else f"there are: {there}"))
