"""What admission decided."""

import msgspec

from hal0_operator.admission.merge import Merged
from hal0_operator.model.problem import ObjectKey, Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.slot import Slot
from hal0_operator.model.snapshot import Admitted


class Context(msgspec.Struct, frozen=True, kw_only=True):
    """What a rule may know besides the objects.

    ``seeds`` is the shipped catalogue.  ``cold`` is True when nothing was admitted before.
    ``strict_overlay`` makes a disagreement of overlay and slot an error (git-synced homes).
    ``held`` are slots whose file vanished and that the prune guard keeps.  ``whole``: the candidate comes into
    force as a whole or not at all (git revisions); an error anywhere, or a hold, keeps everything as it is.
    """

    seeds: dict[str, Profile]
    settings: Settings = Settings()
    cold: bool = False
    strict_overlay: bool = False
    held: frozenset[str] = frozenset()
    whole: bool = False


class Verdict(msgspec.Struct, frozen=True, kw_only=True):
    """``slots`` and ``catalogue`` are what is in force, defaulted and merged.

    ``problems`` are all of the candidate's, errors and warnings, each located where the text was
    at hand.  ``denied`` are objects whose candidate version was refused, with the errors.
    ``frozen`` are slots that were denied and have no admitted version: nothing is started and
    nothing removed for them.  ``kept`` are slots whose deletion is held, with why.
    ``violations`` are objects in force that break a rule now.  ``generations`` digest what the files ask
    of each slot, admitted or not; ``observed`` what is in force of it: the two differ for what is held back.
    ``bindings`` is the dotted overlay child of each slot that has one, ``merged`` what the two say together.
    ``refused``: nothing of the candidate came into force, as it comes as a whole only.
    """

    admitted: Admitted
    slots: dict[str, Slot]
    catalogue: dict[str, Profile]
    generations: dict[str, str]
    observed: dict[str, str] = {}
    problems: tuple[Problem, ...] = ()
    denied: dict[ObjectKey, tuple[Problem, ...]] = {}
    frozen: frozenset[str] = frozenset()
    kept: dict[str, str] = {}
    violations: dict[ObjectKey, tuple[Problem, ...]] = {}
    bindings: dict[str, str] = {}
    merged: dict[str, Merged] = {}
    refused: bool = False
