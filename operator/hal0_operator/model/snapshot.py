"""One decoded reading of a home, and what of it is in force."""

import msgspec

from hal0_operator.model.capability import Selection
from hal0_operator.model.problem import ObjectKey, Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DeclaredSlot


class Snapshot(msgspec.Struct, frozen=True, kw_only=True):
    """A complete reading of a home; the decoder's problems come with it.

    ``slots``, ``profiles`` (the file's own, seeds apart) and ``selections`` (by dotted child) hold
    what could be decoded.  ``broken`` are objects that are there but could not be decoded; their
    problems name them as parties.  ``broken_files`` are whole files of which no object could be
    read (``profiles.toml``, ``capabilities.toml``).  ``slots_folder`` is False when ``slots/`` is
    missing.  ``digest`` covers decoded content only: neither path, time, comments nor order.
    """

    slots: dict[str, DeclaredSlot] = {}
    profiles: dict[str, Profile] = {}
    selections: dict[str, Selection] = {}
    broken: frozenset[ObjectKey] = frozenset()
    broken_files: frozenset[str] = frozenset()
    problems: tuple[Problem, ...] = ()
    slots_folder: bool = True
    profiles_file: bool = False
    overlay_file: bool = False
    digest: str = ""


class MergeBase(msgspec.Struct, frozen=True, omit_defaults=True):
    """The values that overlay and slot last agreed on, per child (``changes.merge``)."""

    enabled: bool | None = None
    device: str | None = None
    model: str | None = None


class Admitted(msgspec.Struct, frozen=True, kw_only=True):
    """The objects in force, as declared, each in its last admitted version.

    ``bases`` are the merge bases by dotted child.  ``digest`` is the snapshot's that brought the
    last change; it identifies a state, it does not certify it.  ``guarded`` are the slots by which
    a hold of the prune guard in force was judged.  ``overlay``: there was a capabilities.toml once.
    ``revision`` is the commit that they are of, ``""`` for a folder.
    """

    slots: dict[str, DeclaredSlot] = {}
    profiles: dict[str, Profile] = {}
    selections: dict[str, Selection] = {}
    bases: dict[str, MergeBase] = {}
    digest: str = ""
    guarded: tuple[str, ...] = ()
    overlay: bool = False
    revision: str = ""
