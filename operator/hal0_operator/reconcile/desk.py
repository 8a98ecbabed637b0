"""What an outcome is folded into, for one slot, and the two things that are written in more than one place."""

import msgspec

from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.memory import Rejected, SlotMemory
from hal0_operator.reconcile.notes import Notes
from hal0_operator.reconcile.pace import outside_delay, retry_delay
from hal0_operator.reconcile.state import Outside, SlotState
from hal0_operator.reconcile.world import World


class Desk(msgspec.Struct):
    """What folding writes to, for one slot.  ``digest`` is the effective one; ``inputs`` and ``profile``
    say what the container was made of, as far as that is known.
    """

    slot: str
    state: SlotState
    world: World
    notes: Notes
    digest: str
    now: float
    tick: int
    inputs: LaunchInputs | None = None
    profile: str = ""

    def distrust(self) -> None:
        """Only a list begun from now on tells what exists."""
        self.state.need_list = self.tick

    @property
    def memory(self) -> SlotMemory:
        return self.notes.of(self.slot)


def wait_outside(state: SlotState, reason: str, message: str, now: float, *, binding: bool = False) -> None:
    """Look again after a while, doubling to 10 s, while the same thing is in the way."""
    before = state.outside
    previous = before.delay if before is not None and before.reason == reason else 0
    delay = retry_delay(previous) if binding else outside_delay(previous)
    state.outside = Outside(reason, message, delay, now + delay, binding)


def reject(desk: Desk, reason: str, message: str) -> None:
    """Remember that the effective digest failed; no turn before that is on disk."""
    if desk.notes.rolled_back(desk.slot):
        return
    rejected = Rejected(desk.digest, reason, message)
    desk.notes.remember(desk.slot, msgspec.structs.replace(desk.memory, rejected=rejected))
    desk.state.gate = desk.notes.version
    desk.notes.event("Warning", "Rejected", desk.slot, message)
