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

    def on_demand(self) -> dict[str, float]:
        """Slots that are loaded by a request, with the seconds after the last one that they stay (0: for good).

        A chat slot of the NPU is none of them while a record is on: its requests come without asking for the slot.
        """
        records = any(slot.is_shadow and slot.enabled for slot in self.slots.values())
        return {
            name: slot.idle_timeout_s
            for name, slot in self.slots.items()
            if slot.enabled
            and slot.operator.load == "on-demand"
            and not slot.is_shadow
            and not (slot.is_npu_chat and records)
        }


class Wishes(msgspec.Struct, frozen=True):
    """What the files do not say: suspended slots, and slots that nobody asks for now.

    Of ``idle`` only those count that the files load on demand.
    """

    suspended: dict[str, Override] = {}
    idle: frozenset[str] = frozenset()
