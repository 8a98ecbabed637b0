"""A wish to a change set: edits, what follows from them, and one judgement of the whole."""

from collections.abc import Container, Iterator

import msgspec

from hal0_operator.changes import capabilities, profiles, slots
from hal0_operator.changes.carry import completed
from hal0_operator.changes.change_set import ChangeSet, FileChange
from hal0_operator.changes.edit import CannotEdit
from hal0_operator.changes.judged import Edits, Judge, Judged, with_edits
from hal0_operator.changes.refusal import Refusal
from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    ReplaceFiles,
    SetCapability,
    Wish,
    told,
)
from hal0_operator.model.capability import CHILDREN, Child
from hal0_operator.model.problem import ObjectKey, Problem, capability_key, errors, profile_key, slot_key
from hal0_operator.model.snapshot import MergeBase

OPERATOR = "hal0-operator"
COMPLETES = "what one file says, carried over to the other"


class Proposal(msgspec.Struct, frozen=True):
    """``after`` is the home as it would be; ``problems`` are warnings that it would bring.

    ``by_hand`` says what could not be carried over because of a file's layout.
    """

    change_set: ChangeSet
    before: Judged
    after: Judged
    problems: tuple[Problem, ...] = ()
    by_hand: tuple[str, ...] = ()


def propose(wish: Wish, by: str, now: Judged, judge: Judge, ports: Container[int]) -> Proposal:
    """What a wish comes to.  ``ports`` are taken besides those that slots name.

    Raises ``Refusal``: nothing may be written then.
    """
    base, _ = completed(now, judge, ports)  # a hand edit that nobody looked at yet is no part of the wish, and stays
    _demand_sound_slot(wish, base)
    try:
        files = with_edits(base.files, _edits(wish, base, ports))
    except CannotEdit as unusual:
        raise Refusal("changeset.layout", f"the file has to be edited by hand: {unusual}") from unusual
    last = msgspec.structs.replace(now.last, bases=now.last.bases | _agreed(wish, base))
    after, by_hand = completed(judge(files, last), judge, ports)
    touched = frozenset(_touched(base, after))
    _demand_sound_base(wish, base, touched)
    brought = _brought(now, after, touched)
    if errors(brought):
        raise _refused(errors(brought))
    return Proposal(ChangeSet(tuple(_changes(now, after)), by, told(wish)), now, after, brought, by_hand)


def complete(now: Judged, judge: Judge, ports: Container[int]) -> Proposal | None:
    """What follows from the files alone, one half carried over to the other; ``None`` when nothing does.

    It brings no problem into the home: else it is left alone, and the problem that is there stays.
    """
    after, by_hand = completed(now, judge, ports)
    if after is now:
        return None
    brought = _brought(now, after, frozenset(_touched(now, after)))
    if errors(brought):
        return None
    return Proposal(ChangeSet(tuple(_changes(now, after)), OPERATOR, COMPLETES), now, after, brought, by_hand)


def _edits(wish: Wish, now: Judged, ports: Container[int]) -> Edits:
    match wish:
        case SetCapability():
            return capabilities.set_(wish, now, ports)
        case CreateSlot():
            return slots.create(wish, now, ports)
        case EditSlot():
            return slots.edit(wish, now)
        case DeleteSlot():
            return slots.delete(wish, now)
        case CreateProfile():
            return profiles.create(wish, now)
        case EditProfile():
            return profiles.edit(wish, now)
        case DeleteProfile():
            return profiles.delete(wish, now)
        case ReplaceFiles(contents=contents):
            return contents


def _agreed(wish: Wish, now: Judged) -> dict[str, MergeBase]:
    """What is in force of the pair that the wish is about: whichever half it changes then wins."""
    if isinstance(wish, SetCapability):
        dotted = [wish.child]
    elif isinstance(wish, EditSlot | DeleteSlot):
        dotted = [child for slot, child in now.verdict.bindings.items() if slot == wish.name]
    elif isinstance(wish, CreateSlot):
        return {child.dotted: _said(child, now) for child in capabilities.children_of(wish.name, now)}
    else:
        return {}
    found = {}
    for name in dotted:
        slot = now.verdict.slots.get(capabilities.slot_of(CHILDREN[name], now))
        if slot is not None:
            found[name] = MergeBase(slot.enabled, slot.device, slot.model)
    return found


def _said(child: Child, now: Judged) -> MergeBase:
    """What the overlay says of a child: whatever a new slot's file says differently is what was asked for."""
    selection = now.snapshot.selections.get(child.dotted)
    return MergeBase(selection.enabled, selection.device, selection.model) if selection is not None else MergeBase()


def _demand_sound_slot(wish: Wish, now: Judged) -> None:
    """A capability is not set while its slot's own half is held back: only one half would follow."""
    if not isinstance(wish, SetCapability) or wish.child not in CHILDREN:
        return
    key = slot_key(capabilities.slot_of(CHILDREN[wish.child], now))
    if now.held_back(key):
        raise _held_back(key, now)


def _held_back(key: ObjectKey, now: Judged) -> Refusal:
    problems = now.verdict.denied.get(key, ())
    first = next(iter(problems), None)
    why = f": {first.address}: {first.message}" if first is not None else ""
    return Refusal("changeset.base_denied", f"{key} is held back as it is{why}; correct it first", problems)


def _touched(now: Judged, after: Judged) -> Iterator[ObjectKey]:
    """Objects whose declaration the change set alters."""
    before, then = now.snapshot, after.snapshot
    yield from (slot_key(name) for name in _differing(before.slots, then.slots))
    yield from (profile_key(name) for name in _differing(before.profiles, then.profiles))
    yield from (capability_key(name) for name in _differing(before.selections, then.selections))
    yield from then.broken ^ before.broken
    yield from (key for key in then.broken if _file_changed(key, now, after))


def _differing(before: dict[str, object] | object, then: object) -> Iterator[str]:
    assert isinstance(before, dict)
    assert isinstance(then, dict)
    for name in before.keys() | then.keys():
        if before.get(name) != then.get(name):
            yield name


def _file_changed(key: ObjectKey, now: Judged, after: Judged) -> bool:
    file = f"slots/{key.removeprefix('slot/')}.toml"
    return now.content(file) != after.content(file)


def _demand_sound_base(wish: Wish, now: Judged, touched: frozenset[ObjectKey]) -> None:
    """A file that is held back is not changed behind the back of whoever is correcting it."""
    if isinstance(wish, ReplaceFiles | DeleteSlot | DeleteProfile):
        return
    held = sorted(key for key in touched if now.held_back(key))
    if held:
        raise _held_back(held[0], now)


def _brought(now: Judged, after: Judged, touched: frozenset[ObjectKey]) -> tuple[Problem, ...]:
    """Problems of touched objects that were not there before."""
    known = {_identity(problem) for problem in now.verdict.problems}
    files = {file for file, source in after.files.files.items() if now.files.files.get(file) is not source}
    return tuple(
        problem
        for problem in after.verdict.problems
        if _identity(problem) not in known and (touched.intersection(problem.parties) or problem.file in files)
    )


def _identity(problem: Problem) -> tuple[str, str, tuple[str, ...], str]:
    return (problem.code, problem.file, problem.path, problem.message)


def _refused(found: tuple[Problem, ...]) -> Refusal:
    first = found[0]
    more = f" (and {len(found) - 1} more)" if len(found) > 1 else ""
    hint = f"; {first.hint}" if first.hint else ""
    return Refusal(first.code, f"{first.message}{hint}{more}", found)


def _changes(now: Judged, after: Judged) -> Iterator[FileChange]:
    for file in sorted(now.files.files.keys() | after.files.files.keys()):
        old, new = now.content(file), after.content(file)
        if old != new:
            yield FileChange(file, old, new)
