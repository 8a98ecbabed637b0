"""One look at a set of objects: default and merge them, then run every rule.

What depends on one slot or one profile alone is remembered by the identity of its parts, so that a home of
a thousand slots costs little more than the one that changed.
"""

from collections.abc import Iterable, Mapping
from itertools import chain
from typing import NamedTuple

from hal0_operator.admission import defaults
from hal0_operator.admission.defaults.shadow import bound_slot
from hal0_operator.admission.merge import Merged, compare, merge, returned
from hal0_operator.admission.rules import RULES
from hal0_operator.admission.verdict import Context
from hal0_operator.admission.view import OVERLAY_FILE, Case, View
from hal0_operator.model.capability import CHILDREN, Selection
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import Problem, slot_key
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import DeclaredSlot, Slot
from hal0_operator.model.snapshot import Admitted, MergeBase, Snapshot

_SLOT_CHECKS = tuple(rule.slot for rule in RULES if rule.slot is not None)
_PROFILE_CHECKS = tuple(rule.profile for rule in RULES if rule.profile is not None)
_HOME_CHECKS = tuple(rule.home for rule in RULES if rule.home is not None)


class Objects(NamedTuple):
    """The declared objects that are tried: candidate versions, and last admitted ones where those were refused."""

    slots: dict[str, DeclaredSlot]
    profiles: dict[str, Profile]
    selections: dict[str, Selection]


class _Row(NamedTuple):
    """``merged``: the slot is not its file's alone, so the file being the same is not enough."""

    declared: DeclaredSlot
    slot: Slot
    profile: Profile | None
    problems: tuple[Problem, ...]
    merged: bool


class _Asked(NamedTuple):
    declared: DeclaredSlot
    profile: Profile | None
    selection: Selection | None
    digest: str


class Memo:
    """Remembers answers between calls of ``admit``.  It only saves time: an empty one gives the same verdict."""

    def __init__(self) -> None:
        self.names: frozenset[str] = frozenset()
        self.settings: Settings | None = None
        self.rows: dict[str, _Row] = {}
        self.profiles: dict[str, tuple[Profile, tuple[Problem, ...]]] = {}
        self.asked: dict[str, _Asked] = {}

    def prepare(self, catalogue: Mapping[str, Profile], settings: Settings) -> None:
        """Forget what other names or settings decided: retired names and policies may mean something else now."""
        if self.settings is not settings or len(self.names) != len(catalogue) or self.names != catalogue.keys():
            self.names, self.settings, self.rows, self.profiles = frozenset(catalogue), settings, {}, {}


def look(
    objects: Objects, candidate: Snapshot, last: Admitted, context: Context, memo: Memo
) -> tuple[View, list[Problem]]:
    """The home as these objects make it, and everything that the rules find."""
    catalogue = {**objects.profiles, **context.seeds}
    memo.prepare(catalogue, context.settings)
    bindings = bind(objects, candidate, last)
    declared = dict(objects.slots)
    together, synthesised = _merge(declared, bindings, objects, last, context)
    merged = {name: together[dotted] for name, dotted in bindings.items() if name in objects.slots}
    rows: dict[str, _Row] = {}
    for name, written in declared.items():
        row = memo.rows.get(name)
        if (
            row is None
            or row[0] is not written
            or row[2] is not catalogue.get(row[1].profile)
            or row[4]
            or name in merged
        ):
            row = _row(written, merged.get(name), catalogue, context.settings, row)
        rows[name] = row
    memo.rows = rows
    view = View(
        context=context,
        candidate=candidate,
        last=last,
        declared=declared,
        profiles=objects.profiles,
        selections=objects.selections,
        slots={name: row[1] for name, row in rows.items()},
        catalogue=catalogue,
        bindings=bindings,
        findings={dotted: both.findings for dotted, both in together.items() if both.findings},
        synthesised=synthesised,
        merged=together,
    )
    problems = list(chain.from_iterable([row[3] for row in rows.values() if row[3]]))
    problems.extend(_of_profiles(objects.profiles, context, memo))
    for check in _HOME_CHECKS:
        problems.extend(check(view))
    return view, problems


def bind(objects: Objects, candidate: Snapshot, last: Admitted) -> dict[str, str]:
    """The overlay child of each slot that has one, or had one; deleted selections count."""
    bindings = {}
    for dotted in objects.selections.keys() | last.selections.keys():
        child = CHILDREN.get(dotted)
        if child is None:
            continue
        there = child.slot in objects.slots or not without_file(child.slot, candidate)
        bindings[bound_slot(child, objects.slots, {child.slot} if there else ())] = dotted
    return bindings


def without_file(slot: str, candidate: Snapshot) -> bool:
    """Whether there is no file of that slot, not even a broken one."""
    return slot not in candidate.slots and slot_key(slot) not in candidate.broken


def _merge(
    declared: dict[str, DeclaredSlot], bindings: Mapping[str, str], objects: Objects, last: Admitted, context: Context
) -> tuple[dict[str, Merged], frozenset[str]]:
    """Merge the overlay, by dotted child; slots that only it declares are added to ``declared``."""
    merged: dict[str, Merged] = {}
    synthesised = set()
    for name, dotted in bindings.items():
        selection, written = objects.selections.get(dotted), objects.slots.get(name)
        base = last.bases.get(dotted, MergeBase())
        said = returned(written, base) if written is not None else None
        both = compare(selection, written) if context.strict_overlay else merge(selection, said, base)
        merged[dotted] = both
        if written is None and both.enabled and both.device and both.model:
            declared[name] = DeclaredSlot(
                name=name,
                file=OVERLAY_FILE,
                type=CHILDREN[dotted].type,
                device=both.device,
                model=both.model,
                enabled=True,
            )
            synthesised.add(name)
    return merged, frozenset(synthesised)


def _row(
    written: DeclaredSlot, merged: Merged | None, catalogue: dict[str, Profile], settings: Settings, known: _Row | None
) -> _Row:
    slot = defaults.fill(written, merged, catalogue)
    profile = catalogue.get(slot.profile)
    if known is not None and known.slot == slot and known.declared == written and known.profile is profile:
        return known._replace(declared=written, merged=merged is not None)
    case = Case(written, slot, profile, settings)
    return _Row(
        written, slot, profile, tuple(chain.from_iterable(check(case) for check in _SLOT_CHECKS)), merged is not None
    )


def _of_profiles(profiles: Mapping[str, Profile], context: Context, memo: Memo) -> Iterable[Problem]:
    for name, profile in profiles.items():
        if name in context.seeds:
            continue
        known = memo.profiles.get(name)
        if known is None or known[0] is not profile:
            checks = (check(profile, context.settings) for check in _PROFILE_CHECKS)
            known = memo.profiles[name] = (profile, tuple(chain.from_iterable(checks)))
        yield from known[1]


def generations(view: View, memo: Memo) -> dict[str, str]:
    """Per slot, the digest of its file, the profile that it uses, and its overlay child."""
    known, asked = memo.asked, {}
    catalogue, bindings = view.catalogue, view.bindings
    for name, declared in view.declared.items():
        profile = catalogue.get(view.slots[name].profile)
        selection = view.selections.get(bindings[name]) if name in bindings else None
        if selection is not None and selection.is_blank:
            selection = None
        row = known.get(name)
        if row is None or row[0] is not declared or row[1] is not profile or row[2] is not selection:
            row = _Asked(declared, profile, selection, digest("generation:1", (declared, profile, selection)))
        asked[name] = row
    memo.asked = asked
    return {name: row[3] for name, row in asked.items()}
