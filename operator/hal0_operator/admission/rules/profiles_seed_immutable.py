"""A shipped profile was edited.

The shipped profiles cannot be changed in a home.  An entry with the name of one that is new in a home already
in force is refused, because whoever wrote it expects an effect.

Example: `[profile.rocm]` with other flags, added to profiles.toml.

Fix: clone it: give the entry another name with `cloned_from = "rocm"`, and name that in the slots.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import View, profile_error
from hal0_operator.model.problem import Problem

CODE = "profiles.seed_immutable"


def check(view: View) -> Iterator[Problem]:
    for name in view.context.seeds.keys() & view.profiles.keys():
        if not view.context.cold and view.profiles[name] != view.last.profiles.get(name):
            yield profile_error(
                name,
                CODE,
                (),
                f"the profile {name} is shipped with the operator and cannot be changed",
                f'clone it: name the entry {name}-custom with `cloned_from = "{name}"`, and use that in the slots',
            )
