"""A slot names a profile of an older hal0 release.

The shipped profiles were renamed over time.  An old name that the home does not define itself is read as its
successor, so the slot runs, with the successor's flags.

Example: `profile = "vulkan-std"`, today `vulkan`.

Fix: write the new name; `hal0ctl migrate` does.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import Case
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import RETIRED_PROFILES

CODE = "profile.retired"


def check(case: Case) -> Iterator[Problem]:
    written = case.declared.profile
    if written in RETIRED_PROFILES and case.slot.profile != written:
        successor = RETIRED_PROFILES[written]
        yield case.warning(
            CODE,
            ("profile",),
            f"slot {case.slot.name} names profile {written}, which is called {successor} now",
            f'write `profile = "{successor}"`, or run `hal0ctl migrate`',
        )
