"""All files of a home to one snapshot, decoding only what has changed."""

from collections import Counter
from collections.abc import Mapping

import msgspec

from hal0_operator.desired.decode import decode
from hal0_operator.desired.decoded import Decoded
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import Problem, slot_key, sort_key
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DeclaredSlot
from hal0_operator.model.snapshot import Snapshot


class Memo(msgspec.Struct, frozen=True):
    """What the last reading came to, by file; valid for one set of seeds."""

    seeds: Mapping[str, Profile]
    files: dict[str, tuple[SourceFile, Decoded]]


def assemble(home: HomeFiles, seeds: Mapping[str, Profile], memo: Memo | None = None) -> tuple[Snapshot, Memo]:
    """The snapshot of one reading, and the memo for the next.

    A file is decoded again only when its ``SourceFile`` is another object than last time.  Files
    that do not count are passed over.
    """
    known = memo.files if memo is not None and memo.seeds is seeds else {}
    files: dict[str, tuple[SourceFile, Decoded]] = {}
    for name, source in home.files.items():
        last = known.get(name)
        if last is not None and last[0] is source:
            files[name] = last
        elif (decoded := decode(source, seeds)) is not None:
            files[name] = (source, decoded)
    return _snapshot(home, files), Memo(seeds, files)


def _snapshot(home: HomeFiles, files: dict[str, tuple[SourceFile, Decoded]]) -> Snapshot:
    decoded = [entry for _, entry in files.values()]
    slots, twins = _slots(decoded, home.files)
    nothing = Decoded()
    profiles = files.get(PROFILES_FILE, (None, nothing))[1]
    overlay = files.get(OVERLAY_FILE, (None, nothing))[1]
    problems = [problem for entry in decoded if entry.problems for problem in entry.problems]
    broken = (entry.broken for entry in decoded if entry.broken)
    return Snapshot(
        slots=slots,
        profiles=profiles.profiles,
        selections=overlay.selections,
        broken=frozenset().union(*broken, *(problem.parties for problem in twins)),
        broken_files=frozenset(name for name, (_, entry) in files.items() if not entry.whole),
        problems=tuple(sorted((*problems, *twins), key=sort_key)),
        slots_folder=home.slots_folder,
        profiles_file=PROFILES_FILE in files,
        overlay_file=OVERLAY_FILE in files,
        digest=digest("snapshot:1", sorted(entry.digest for entry in decoded)),
    )


def _slots(
    decoded: list[Decoded], files: Mapping[str, SourceFile]
) -> tuple[dict[str, DeclaredSlot], tuple[Problem, ...]]:
    """Slots by name; two files that give the same name are both refused."""
    slots = [entry.slot for entry in decoded if entry.slot is not None]
    by_name = {slot.name: slot for slot in slots}
    if len(by_name) == len(slots):
        return by_name, ()
    twice = {name for name, count in Counter(slot.name for slot in slots).items() if count > 1}
    problems = []
    for slot in slots:
        if slot.name in twice:
            others = ", ".join(sorted(other.file for other in slots if other.name == slot.name and other is not slot))
            problems.append(
                Problem(
                    code="slot.name",
                    message=f"slot `{slot.name}` is also declared by {others}",
                    hint="one file for each slot: remove or rename the others",
                    file=slot.file,
                    path=("name",),
                    parties=(slot_key(slot.name),),
                )
            )
    return {name: slot for name, slot in by_name.items() if name not in twice}, locate(problems, files)
