"""Everything that decides one slot's next action, gathered once per turn."""

import msgspec

from hal0_operator.model.action import Held
from hal0_operator.model.launch import Target
from hal0_operator.model.memory import SlotMemory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container
from hal0_operator.reconcile.holders import Peers
from hal0_operator.reconcile.rollback import Effective
from hal0_operator.reconcile.state import Drain, SlotState
from hal0_operator.reconcile.world import World


class View(msgspec.Struct, frozen=True):
    """Read only; ``next_action`` may look at everything here and at nothing else.

    ``target`` is None when the home has no such slot.  ``effective`` is what is to be made real
    (None: nothing).  ``held`` says that this slot is hands off, and why.  ``in_flight`` counts the requests
    that the first of ``own`` is answering, ``drain`` says since when it is sent no new ones.
    """

    slot: str
    now: float
    target: Target | None
    effective: Effective | None
    own: tuple[Container, ...]
    state: SlotState
    memory: SlotMemory
    world: World
    peers: Peers
    settings: Settings
    held: Held | None = None
    in_flight: int = 0
    drain: Drain | None = None
