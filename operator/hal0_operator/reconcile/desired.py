"""What the loop acts on: the admitted slots, and who is hands off."""

import msgspec

from hal0_operator.model.memory import Override
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import Slot


class Desired(msgspec.Struct, frozen=True, kw_only=True):
    """The admitted state.  ``frozen`` maps a slot to why it is hands off.

    ``digest`` is the admitted snapshot's; it is what ``plan`` calls its generation.
    """

    slots: dict[str, Slot] = {}
    catalogue: dict[str, Profile] = {}
    generations: dict[str, str] = {}
    frozen: dict[str, str] = {}
    digest: str = ""


class Wishes(msgspec.Struct, frozen=True):
    """A person's overrides: suspended slots."""

    suspended: dict[str, Override] = {}
