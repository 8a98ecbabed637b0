"""What a rule may look at: one slot, one profile, or the whole home as it would be in force."""

from collections.abc import Callable, Iterable
from typing import Any

import msgspec

from hal0_operator.admission.merge import Finding, Merged, declared_device
from hal0_operator.admission.verdict import Context
from hal0_operator.model.capability import Selection
from hal0_operator.model.problem import KeyPath, ObjectKey, Problem, profile_key, slot_key
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import DeclaredSlot, Slot
from hal0_operator.model.snapshot import Admitted, Snapshot

PROFILES_FILE = "profiles.toml"
OVERLAY_FILE = "capabilities.toml"


class Case(msgspec.Struct, frozen=True):
    """One slot with what belongs to it.

    ``slot`` is defaulted and merged, ``profile`` its catalogue entry (``None``: there is none of that name).
    """

    declared: DeclaredSlot
    slot: Slot
    profile: Profile | None
    settings: Settings

    @property
    def device_path(self) -> KeyPath:
        """The key that the slot's device comes from, ``()`` for the default."""
        if self.declared.device is not None:
            return ("device",)
        return ("backend",) if declared_device(self.declared) is not None else ()

    @property
    def profile_path(self) -> KeyPath:
        """The key that the slot's profile comes from: its own, else what its default follows."""
        return ("profile",) if self.declared.profile is not None else self.device_path

    @property
    def profile_parties(self) -> tuple[ObjectKey, ...]:
        """The slot and the entries that a fault of its profile can come from, a retired name's own included."""
        names = {self.slot.profile, self.declared.profile or self.slot.profile}
        return (slot_key(self.slot.name), *map(profile_key, sorted(names)))

    def error(self, code: str, path: KeyPath, message: str, hint: str = "", **more: Any) -> Problem:
        """A problem of the slot's file; ``more`` are further fields of ``Problem``."""
        more.setdefault("parties", (slot_key(self.slot.name),))
        return Problem(code=code, message=message, file=self.slot.file, path=path, hint=hint, **more)

    def warning(self, code: str, path: KeyPath, message: str, hint: str = "", **more: Any) -> Problem:
        return self.error(code, path, message, hint, severity="warning", **more)


class View(msgspec.Struct, frozen=True, kw_only=True):
    """The home as it would be in force, with what it came from.

    ``declared`` and ``slots`` hold every slot, those that only the overlay declares included.
    ``profiles`` are the file's own entries, ``catalogue`` what slots may name.  ``bindings`` is the dotted
    child of each slot that has one, ``merged`` and ``findings`` what merging them came to, by dotted child.
    ``synthesised`` are slots without a file.
    """

    context: Context
    candidate: Snapshot
    last: Admitted
    declared: dict[str, DeclaredSlot]
    profiles: dict[str, Profile]
    selections: dict[str, Selection]
    slots: dict[str, Slot]
    catalogue: dict[str, Profile]
    bindings: dict[str, str]
    findings: dict[str, tuple[Finding, ...]]
    synthesised: frozenset[str] = frozenset()
    merged: dict[str, Merged] = {}

    def case(self, slot: Slot) -> Case:
        profile = self.catalogue.get(slot.profile)
        return Case(self.declared[slot.name], slot, profile, self.context.settings)


def profile_error(name: str, code: str, key: KeyPath, message: str, hint: str = "", **more: Any) -> Problem:
    """A problem of an entry of ``profiles.toml``; ``key`` is the path inside the entry."""
    more.setdefault("parties", (profile_key(name),))
    return Problem(code=code, message=message, file=PROFILES_FILE, path=("profile", name, *key), hint=hint, **more)


class Rule(msgspec.Struct, frozen=True):
    """A code with what ``hal0ctl explain`` prints, and at most one check of each kind.

    A check of one slot or one profile depends on its arguments alone, so its answer is kept as long as
    they are the same.  A code without a check is found elsewhere: in decoding, on the host, or by a verb.
    """

    code: str
    text: str | None
    slot: Callable[[Case], Iterable[Problem]] | None = None
    profile: Callable[[Profile, Settings], Iterable[Problem]] | None = None
    home: Callable[[View], Iterable[Problem]] | None = None
