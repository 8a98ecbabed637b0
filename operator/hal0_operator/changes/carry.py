"""What one file says, carried over to the other, until each half says what the other does.

The state in force is not changed by it: admission merges in memory what is not written yet.  Nothing is
carried for what is held back, is kept against a deletion, or conflicts.
"""

from collections.abc import Container, Iterator

from hal0_operator.admission.defaults.profile import resolve
from hal0_operator.admission.merge import FIELDS, Field, Merged, carried
from hal0_operator.changes.coherence import agree, completing
from hal0_operator.changes.edit import CannotEdit, Edit
from hal0_operator.changes.judged import Edits, Judge, Judged, with_edits
from hal0_operator.changes.new_files import first_overlay, keys_of, slot_text
from hal0_operator.changes.places import selection_edits, slot_edits
from hal0_operator.changes.ports import FreePorts
from hal0_operator.desired.names import OVERLAY_FILE, SLOTS_FOLDER
from hal0_operator.model.capability import CHILDREN, Child, Selection
from hal0_operator.model.problem import KeyPath, capability_key, slot_key
from hal0_operator.model.slot import DeclaredSlot

ROUNDS = 4
"""A completed pair may move the overlay, which moves nothing else; one more round sees that."""

_SLOT_PATHS: dict[Field, KeyPath] = {"enabled": ("enabled",), "device": ("device",), "model": ("model", "default")}


def completed(start: Judged, judge: Judge, ports: Container[int]) -> tuple[Judged, tuple[str, ...]]:
    """The files when nothing is left to carry, and what has to be done by hand.

    ``ports`` are taken besides those that slots name.  Doing it again changes nothing.
    """
    by_hand: dict[str, None] = {}
    now = start
    for _ in range(ROUNDS):
        files = now.files
        for edits in _groups(now, ports):
            try:
                files = with_edits(files, edits)
            except CannotEdit as unusual:
                by_hand[f"{', '.join(sorted(edits))}: {unusual}"] = None
        if files is now.files:
            break
        now = judge(files, start.last)
    return now, tuple(by_hand)


def _groups(now: Judged, ports: Container[int]) -> Iterator[Edits]:
    """Edits that belong together: all of a group are made, or none."""
    if now.context.strict_overlay:
        return
    yield from _pairs(now)
    if not now.snapshot.overlay_file:
        first = first_overlay(now) if not now.last.overlay else None
        if first is not None:
            yield {OVERLAY_FILE: first}
        return
    free = FreePorts(now, ports)
    for slot, dotted in now.verdict.bindings.items():
        edits = _child(now, slot, CHILDREN[dotted], free)
        if edits:
            yield edits


def _pairs(now: Judged) -> Iterator[Edits]:
    """A hand edit of device or profile alone, of a pair that was in force and agreed, is completed."""
    for key, problems in now.verdict.denied.items():
        name = key.removeprefix("slot/")
        declared, before = now.snapshot.slots.get(name), now.last.slots.get(name)
        if key != slot_key(name) or declared is None or before is None or not agree(before, now.catalogue):
            continue
        if any(problem.code != "device.profile_incoherent" for problem in problems):
            continue
        keys, tree = completing(before, declared, now.catalogue), now.tree(declared.file)
        edits = tuple(edit for field, value in keys.items() for edit in slot_edits(tree, (field,), value))
        if edits:
            yield {declared.file: edits}


def _child(now: Judged, name: str, child: Child, free: FreePorts) -> Edits:
    """Bring the overlay's entry and the slot's file to what the two say together."""
    selection = now.snapshot.selections.get(child.dotted)
    if selection is None or selection.is_blank or now.held_back(capability_key(child.dotted)):
        return {}
    if now.held_back(slot_key(name)) or name in now.context.held or name in now.verdict.kept:
        return {}
    edits: dict[str, tuple[Edit, ...] | bytes | None] = {}
    both, declared = now.verdict.merged[child.dotted], now.snapshot.slots.get(name)
    overlay = tuple(_of_selection(now, child, selection, both))
    if overlay:
        edits[OVERLAY_FILE] = overlay
    slot = now.verdict.slots.get(name)
    if declared is not None:
        moves = tuple(_of_slot(now, declared, both))
        if moves:
            edits[declared.file] = moves
    elif slot is not None:
        port = None if slot.is_shadow else free.take()
        edits[f"{SLOTS_FOLDER}/{name}.toml"] = slot_text(keys_of(slot, port))
    return edits


def _of_selection(now: Judged, child: Child, selection: Selection, both: Merged) -> Iterator[Edit]:
    """Only what the entry says is changed: a key that it leaves out is no opinion."""
    tree = now.tree(OVERLAY_FILE)
    for field in FIELDS:
        said, value = getattr(selection, field), getattr(both, field)
        if said is not None and value is not None and said != value:
            yield from selection_edits(tree, child.group, child.name, field, value)


def _of_slot(now: Judged, declared: DeclaredSlot, both: Merged) -> Iterator[Edit]:
    """A device that moved takes a profile that no longer fits along."""
    tree, said = now.tree(declared.file), carried(declared)
    for field, path in _SLOT_PATHS.items():
        value = getattr(both, field)
        if value is not None and said[field] != value:
            yield from slot_edits(tree, path, value)
    slot = now.verdict.slots.get(declared.name)
    if slot is not None and declared.profile is not None and resolve(declared.profile, now.catalogue) != slot.profile:
        yield from slot_edits(tree, ("profile",), slot.profile)
