"""An entry of profiles.toml has a shipped profile's name, and is ignored.

The seven shipped profiles are always in the catalogue and never changed by a home, so that a new release can
retune them.  Older hal0 releases copied them into the file; such copies, edited or not, have no effect.

Example: `[profile.rocm]` in a home that hal0 wrote.

Fix: remove the entry; an edited one becomes your own under another name.  `hal0ctl migrate` does both: it drops
plain copies and renames edited ones to `NAME-custom`, in the slots too.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import View, profile_error
from hal0_operator.model.problem import Problem

CODE = "profiles.seed_ignored"


def check(view: View) -> Iterator[Problem]:
    for name in view.context.seeds.keys() & view.profiles.keys():
        if view.context.cold or view.profiles[name] == view.last.profiles.get(name):
            yield profile_error(
                name,
                CODE,
                (),
                f"the entry {name} is ignored: a shipped profile has that name",
                "remove it, or run `hal0ctl migrate`, which keeps an edited one under another name",
                severity="warning",
            )
