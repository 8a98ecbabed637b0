"""Whom a problem is about, besides the objects that a rule names."""

import msgspec

from hal0_operator.admission.view import OVERLAY_FILE, View
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.problem import ObjectKey, Problem, capability_key, profile_key, slot_key


def placed(problem: Problem, view: View) -> Problem:
    """A slot is what its file and its overlay child make it, so the child is party to the slot's errors.

    A slot without a file has its keys in the overlay.
    """
    names = [key.partition("/")[2] for key in problem.parties if key.startswith("slot/")]
    children = [view.bindings[name] for name in names if name in view.bindings]
    if not children:
        return problem
    extra = [key for key in map(capability_key, children) if key not in problem.parties]
    if problem.file == OVERLAY_FILE and problem.path[:1] != ("selections",):
        child = CHILDREN[view.bindings[names[0]]]
        field = problem.path[-1:] if problem.path[-1:] in (("device",), ("enabled",)) else ()
        problem = msgspec.structs.replace(problem, path=("selections", child.group, child.name, *field))
    return msgspec.structs.replace(problem, parties=(*problem.parties, *extra))


def of_profiles_alone(parties: tuple[ObjectKey, ...]) -> bool:
    """Whether entries of the catalogue are all that a problem is about."""
    return bool(parties) and all(key.startswith("profile/") for key in parties)


def users(profiles: tuple[ObjectKey, ...], view: View) -> list[ObjectKey]:
    """The slots that use one of these profiles, with their overlay children."""
    names = sorted(slot.name for slot in view.slots.values() if profile_key(slot.profile) in profiles)
    children = [capability_key(view.bindings[name]) for name in names if name in view.bindings]
    return [*map(slot_key, names), *children]
