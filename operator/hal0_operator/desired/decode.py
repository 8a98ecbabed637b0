"""A file of a home, whichever it is, to what it declares."""

from collections.abc import Mapping

import msgspec

from hal0_operator.desired.decoded import Decoded
from hal0_operator.desired.faults import LIMIT
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, shown, slot_stem
from hal0_operator.desired.overlay_file import decode_overlay
from hal0_operator.desired.positions import locate
from hal0_operator.desired.profiles_file import decode_profiles
from hal0_operator.desired.slot_file import decode_slot
from hal0_operator.desired.source import SourceFile
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile


def decode(source: SourceFile, seeds: Mapping[str, Profile]) -> Decoded | None:
    """Everything in one file, its problems with their places; None for a file that does not count."""
    if source.file == PROFILES_FILE:
        decoded = decode_profiles(source, seeds)
    elif source.file == OVERLAY_FILE:
        decoded = decode_overlay(source)
    elif (stem := slot_stem(source.file)) is not None:
        decoded = decode_slot(source, stem)
    elif source.file == SLOTS_FOLDER and source.refused:
        problem = Problem(code="slot.schema", file=SLOTS_FOLDER, message=source.refused)
        decoded = Decoded(whole=False, problems=(problem,))
    else:
        return None
    if not decoded.problems:
        return decoded
    return msgspec.structs.replace(
        decoded,
        problems=_listed(locate(decoded.problems[: LIMIT + 1], {shown(source.file): source})),
        digest=decoded.digest or digest("bytes:1", [source.data, source.refused]),
    )


def _listed(problems: tuple[Problem, ...]) -> tuple[Problem, ...]:
    """The first problems, and one in place of the rest."""
    if len(problems) <= LIMIT:
        return problems
    last = problems[LIMIT]
    hint = f"the first {LIMIT} are listed"
    rest = Problem(code=last.code, message="and more problems in this file", file=last.file, at=last.at, hint=hint)
    return (*problems[:LIMIT], rest)
