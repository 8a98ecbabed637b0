"""What one file of a home came to."""

import msgspec

from hal0_operator.model.capability import Selection
from hal0_operator.model.problem import ObjectKey, Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DeclaredSlot


class Decoded(msgspec.Struct, frozen=True, kw_only=True):
    """The objects of one file that could be decoded, and the problems of those that could not.

    ``whole`` is False when no object could be read at all.  ``digest`` covers the decoded content;
    it is ``""`` when something is broken, and the file's bytes stand for it then.
    """

    slot: DeclaredSlot | None = None
    profiles: dict[str, Profile] = {}
    selections: dict[str, Selection] = {}
    broken: frozenset[ObjectKey] = frozenset()
    whole: bool = True
    problems: tuple[Problem, ...] = ()
    digest: str = ""
