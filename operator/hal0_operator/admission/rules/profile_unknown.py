"""A slot names a profile that does not exist.

A slot's profile is one of the shipped ones or an entry of the home's `profiles.toml`.  While the slot is
disabled or has no model this is a warning, because nothing would run; otherwise the slot is held back.

Example: `profile = "vulcan"`.

Fix: correct the name, define `[profile.NAME]` in profiles.toml, or leave `profile` out to get the default
of the slot's type and device.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import PROFILES_FILE, Case, View
from hal0_operator.desired.rules import clipped
from hal0_operator.desired.suggest import closest
from hal0_operator.model.problem import Problem, profile_key

CODE = "profile.unknown"


def check(view: View) -> Iterator[Problem]:
    for slot in view.slots.values():
        if slot.profile in view.catalogue:
            continue
        runs = slot.enabled and slot.model is not None
        if runs and slot.profile in view.last.profiles and slot.profile not in view.candidate.profiles:
            continue  # its entry was deleted: that is profiles.in_use, and the entry stays
        case = view.case(slot)
        message, hint = _words(view, case)
        yield case.error(CODE, case.profile_path, message, hint, severity="error" if runs else "warning")


def _words(view: View, case: Case) -> tuple[str, str]:
    name = case.slot.profile
    start = f"slot {case.slot.name} names profile {clipped(name)}"
    if name in view.candidate.profiles or profile_key(name) in view.candidate.broken:
        return f"{start}, whose entry in {PROFILES_FILE} is refused", "correct that entry first"
    if PROFILES_FILE in view.candidate.broken_files:
        return f"{start}, and {PROFILES_FILE} cannot be read", f"correct {PROFILES_FILE} first"
    near = closest(name, view.catalogue)
    hint = f"did you mean `{near}`?" if near else f"there are: {', '.join(sorted(view.catalogue))}"
    return f"{start}, which does not exist", hint
