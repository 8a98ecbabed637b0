"""The fixpoint: what of a candidate comes into force.

Every changed object that is party to an error goes back to its last admitted version, all at once, until no
error is left.  The answer depends neither on the order of files nor on how often it is asked for.
"""

from collections.abc import Iterable, Mapping
from typing import Any

import msgspec

from hal0_operator.admission.evaluate import Memo, Objects, bind, generations, look, without_file
from hal0_operator.admission.merge import next_base
from hal0_operator.admission.parties import of_profiles_alone, placed, users
from hal0_operator.admission.verdict import Context, Verdict
from hal0_operator.admission.view import OVERLAY_FILE, PROFILES_FILE, View
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import ObjectKey, Problem, capability_key, errors, slot_key, sort_key
from hal0_operator.model.snapshot import Admitted, MergeBase, Snapshot

__all__ = ["Memo", "admit"]

_KINDS = ("slot", "profile", "capability")


def admit(candidate: Snapshot, last: Admitted | None, context: Context, memo: Memo | None = None) -> Verdict:
    """Decide what of ``candidate`` comes into force after ``last`` (``None``: a cold start).

    ``memo`` is kept by the caller from one call to the next and changed here.  Problems are not
    located: ``desired.positions.locate`` does that with the texts.
    """
    context = msgspec.structs.replace(context, cold=context.cold or last is None)
    trial = _Trial(candidate, last or Admitted(), context, memo if memo is not None else Memo())
    trial.settle()
    return trial.verdict()


class _Trial:
    """The objects that are tried, and what was refused so far."""

    def __init__(self, candidate: Snapshot, last: Admitted, context: Context, memo: Memo) -> None:
        self.candidate, self.last, self.context, self.memo = candidate, last, context, memo
        self.before = Objects(last.slots, last.profiles, last.selections)
        self.denied: dict[ObjectKey, tuple[Problem, ...]] = {}
        self.kept: dict[str, str] = {}
        self.violations: dict[ObjectKey, list[Problem]] = {}
        self.problems: list[Problem] = list(candidate.problems)
        self.objects = self._take()
        self.changed = {
            f"{kind}/{name}"
            for kind in _KINDS
            for name in _differing(_table(self.objects, kind), _table(self.before, kind))
        }
        self._hold_back_undecoded()
        self.asked: dict[str, str] = {}
        self.first: View | None = None
        self.view: View | None = None
        self.refused = False

    def _take(self) -> Objects:
        """What is on disk; what cannot be decoded, or may not vanish yet, in its last admitted version."""
        candidate, before = self.candidate, self.before
        taken = Objects(dict(candidate.slots), dict(candidate.profiles), dict(candidate.selections))
        if PROFILES_FILE in candidate.broken_files:
            taken.profiles.update(before.profiles)
        if OVERLAY_FILE in candidate.broken_files:
            taken.selections.update(before.selections)
        for key in candidate.broken:
            self.denied[key] = tuple(problem for problem in candidate.problems if key in problem.parties)
            _restore(taken, before, key)
        for name in self.context.held:
            if name not in candidate.slots:
                _restore(taken, before, slot_key(name))
        return taken

    def _hold_back_undecoded(self) -> None:
        """What decoding refused besides broken objects, and the selections of broken slots.

        A selection is not merged into another version of a slot than the one that it was written beside.
        """
        for fault in errors(self.candidate.problems):
            for key in self.changed.intersection(fault.parties):
                self._revert(key, [fault])
        for name, dotted in bind(self.objects, self.candidate, self.last).items():
            key = capability_key(dotted)
            if slot_key(name) in self.candidate.broken and key in self.changed:
                self._revert(key, self.denied[slot_key(name)])

    def settle(self) -> None:
        """Look, send back what is guilty, and look again until nothing is."""
        while True:
            view, found = look(self.objects, self.candidate, self.last, self.context, self.memo)
            found = [placed(problem, view) for problem in found]
            self.view = view
            if self.first is None:
                self.first = view
                self.asked = generations(view, self.memo)
                self.problems += found
                if self.context.whole and (errors(self.problems) or self.context.held):
                    self._refuse()
                    continue
            else:
                self.problems += errors(found)
            guilty = self._guilty(errors(found), view)
            if guilty:
                for key, faults in guilty.items():
                    self._revert(key, faults)
            elif not self._keep_deleted():
                return

    def _refuse(self) -> None:
        """Everything goes back: what is to blame with its faults, the rest with the first fault of the whole."""
        self.refused = True
        faults = sorted(errors(self.problems), key=_order)
        names = ", ".join(sorted(self.context.held))
        for key in sorted(self.changed):
            if faults:
                self._revert(key, [fault for fault in faults if key in fault.parties] or faults[:1])
                continue
            _restore(self.objects, self.before, key)
            self.changed.discard(key)
            kind, _, name = key.partition("/")
            if kind == "slot":
                self.kept[name] = f"it waits for the revision, whose removals are held: {names}"

    def _guilty(self, faults: Iterable[Problem], view: View) -> dict[ObjectKey, list[Problem]]:
        """Changed objects with the errors that they are party to; ``violations`` gets what concerns others only."""
        guilty: dict[ObjectKey, list[Problem]] = {}
        self.violations = {}
        for fault in faults:
            parties = fault.parties
            changed = self.changed.intersection(parties)
            if not changed and of_profiles_alone(parties):
                # an entry in force that breaks a rule now (a new policy): so does every slot that uses it
                parties = (*parties, *users(parties, view))
                changed = self.changed.intersection(parties)
            if changed:
                for key in changed:
                    guilty.setdefault(key, []).append(fault)
            else:
                for key in filter(self._in_force, parties):
                    self.violations.setdefault(key, []).append(fault)
        return guilty

    def _in_force(self, key: ObjectKey) -> bool:
        kind, _, name = key.partition("/")
        return name in _table(self.objects, kind)

    def _revert(self, key: ObjectKey, faults: Iterable[Problem]) -> None:
        """Faults that stand in the object's own file tell its owner more than a rival's do."""
        own = [fault for fault in faults if fault.file == self._file(key)]
        self.denied[key] = tuple(sorted(own or faults, key=_order))
        self.changed.discard(key)
        _restore(self.objects, self.before, key)

    def _file(self, key: ObjectKey) -> str:
        kind, _, name = key.partition("/")
        if kind == "slot":
            slot = self.candidate.slots.get(name)
            return slot.file if slot is not None else ""
        return PROFILES_FILE if kind == "profile" else OVERLAY_FILE

    def _keep_deleted(self) -> bool:
        """While a new slot is refused no slot goes: it may be the same one under another name."""
        added = sorted(
            name
            for kind, _, name in (key.partition("/") for key in self.denied)
            if kind == "slot" and name not in self.last.slots
        )
        gone = self.last.slots.keys() - self.objects.slots.keys()
        if not added or not gone:
            return False
        for name in gone:
            _restore(self.objects, self.before, slot_key(name))
            self.changed.discard(slot_key(name))
            self.kept[name] = f"its file is gone, but so far the new {', '.join(added)} is refused"
        return True

    def verdict(self) -> Verdict:
        view = self.view
        assert view is not None
        observed = self.asked if view is self.first else generations(view, self.memo)
        frozen = self._frozen(view)
        asked = self._generations(observed, frozen)
        if self.refused:
            self._deny_the_rest(asked, observed)
        return Verdict(
            admitted=self._admitted(),
            slots=view.slots,
            catalogue=view.catalogue,
            generations=asked,
            observed=observed,
            problems=_distinct(self.problems),
            denied=self.denied,
            frozen=frozen,
            kept=self.kept,
            violations={key: tuple(sorted(faults, key=_order)) for key, faults in self.violations.items()},
            bindings=view.bindings,
            merged=view.merged,
            refused=self.refused,
        )

    def _deny_the_rest(self, asked: Mapping[str, str], observed: Mapping[str, str]) -> None:
        """Slots that are asked to change by something else than their files, such as their profile."""
        first = next(iter(sorted(errors(self.problems), key=_order)), None)
        for name, generation in asked.items():
            if first is not None and generation != observed.get(name):
                self.denied.setdefault(slot_key(name), (first,))

    def _frozen(self, view: View) -> frozenset[str]:
        """Slots that something refused leaves without any version in force."""
        names = {*self.context.held, *(self.kept if self.refused else ())}
        for key in self.denied:
            kind, _, name = key.partition("/")
            if kind == "slot":
                names.add(name)
            elif kind == "capability" and name in CHILDREN and name not in self.last.selections:
                names.add(CHILDREN[name].slot)
        return frozenset(names - view.slots.keys())

    def _generations(self, observed: Mapping[str, str], frozen: frozenset[str]) -> dict[str, str]:
        """What the files ask; of a file that cannot be read, its faults stand for it."""
        asked = {**observed, **self.asked}
        for name in frozen - asked.keys():
            asked[name] = digest("generation:1", None)
        for key in self.candidate.broken:
            kind, _, name = key.partition("/")
            if kind == "slot":
                faults = [(fault.code, fault.path, fault.message) for fault in self.denied[key]]
                asked[name] = digest("generation:1", faults)
        return {name: asked[name] for name in (*observed, *frozen)}

    def _admitted(self) -> Admitted:
        """As declared.  The digest stays the one that brought the last change."""
        if self.refused:
            return self.last
        bases = {}
        for name, dotted in bind(self.objects, self.candidate, self.last).items():
            selection = self.objects.selections.get(dotted)
            if selection is not None:
                base = self.last.bases.get(dotted, MergeBase())
                # a slot in force whose file is gone or unreadable agrees to nothing
                declared = self.objects.slots.get(name) if name in self.candidate.slots else None
                gone = without_file(name, self.candidate) and name not in self.objects.slots
                base = next_base(selection, declared, base, gone=gone)
                if base != MergeBase():
                    bases[dotted] = base
        same = not self.changed and bases == self.last.bases and self.last.digest
        return Admitted(
            slots=self.objects.slots,
            profiles=self.objects.profiles,
            selections=self.objects.selections,
            bases=bases,
            digest=self.last.digest if same else self.candidate.digest,
            overlay=self.last.overlay or self.candidate.overlay_file,
        )


def _table(objects: Objects, kind: str) -> dict[str, Any]:
    if kind == "slot":
        return objects.slots
    return objects.profiles if kind == "profile" else objects.selections


def _differing(now: Mapping[str, Any], old: Mapping[str, Any]) -> list[str]:
    names = [name for name, value in now.items() if (before := old.get(name)) is not value and before != value]
    return names + [name for name in old if name not in now]


def _restore(objects: Objects, before: Objects, key: ObjectKey) -> None:
    kind, _, name = key.partition("/")
    now, old = _table(objects, kind), _table(before, kind)
    if name in old:
        now[name] = old[name]
    else:
        now.pop(name, None)


def _order(problem: Problem) -> tuple[Any, ...]:
    return (*sort_key(problem), problem.path)


def _distinct(problems: Iterable[Problem]) -> tuple[Problem, ...]:
    seen: dict[tuple[Any, ...], Problem] = {}
    for problem in problems:
        seen.setdefault((problem.code, problem.file, problem.path, problem.message, problem.at), problem)
    return tuple(sorted(seen.values(), key=_order))
