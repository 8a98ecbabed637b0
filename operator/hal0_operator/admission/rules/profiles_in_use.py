"""A profile that a running slot uses cannot be deleted.

Without its profile a slot has no image and no flags.  The entry stays in force until no slot uses it.

Example: `[profile.tuned]` removed from profiles.toml while `slots/chat.toml` says `profile = "tuned"`.

Fix: give those slots another profile in the same change, or bring the entry back.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import PROFILES_FILE, View
from hal0_operator.model.problem import Problem, profile_key

CODE = "profiles.in_use"


def check(view: View) -> Iterator[Problem]:
    gone = view.last.profiles.keys() - view.profiles.keys() - view.catalogue.keys()
    if not gone:
        return
    users: dict[str, list[str]] = {}
    for slot in view.slots.values():
        if slot.profile in gone and slot.enabled and slot.model is not None:
            users.setdefault(slot.profile, []).append(slot.name)
    for name, slots in users.items():
        yield Problem(
            code=CODE,
            message=f"profile {name} was removed, but is used by {', '.join(sorted(slots))}",
            file=PROFILES_FILE,
            hint="give those slots another profile, or bring the entry back",
            parties=(profile_key(name),),
        )
