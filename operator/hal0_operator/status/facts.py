"""Everything that a slot's status is derived from."""

from collections.abc import Callable

import msgspec

from hal0_operator.model.problem import Problem
from hal0_operator.model.slot import Slot, SlotType
from hal0_operator.reconcile.state import answers
from hal0_operator.reconcile.view import View


class AdmissionFacts(msgspec.Struct, frozen=True, kw_only=True):
    """What admission said of one slot.

    ``asked`` is the generation that the files ask for; ``denied`` its errors (located), ``violations``
    errors of what is in force, ``kept`` why its deletion is held.  ``slot`` is a stand-in for one
    that was never admitted.
    """

    asked: str = ""
    denied: tuple[Problem, ...] = ()
    violations: tuple[Problem, ...] = ()
    kept: str = ""
    slot: Slot | None = None


class Record(msgspec.Struct, frozen=True):
    """An enabled record of the NPU.  ``child`` is the dotted capability child that it serves, ``""`` for none."""

    slot: str
    file: str
    type: SlotType
    child: str = ""


class SlotFacts(msgspec.Struct, frozen=True, kw_only=True):
    """``stamp`` turns a monotonic time into RFC 3339; ``anchor`` is a shadow's NPU slot's facts, ``records`` are
    those that ride in an NPU slot's process (told only of one that is rolled back).

    ``podman_down`` and ``pull`` are messages (``""``: fine, nothing is pulled); ``pull_again_at`` is
    when a pull that failed is tried again.  ``rendered`` is what would be rendered now, where known.
    """

    view: View
    admission: AdmissionFacts
    ready: bool
    now: float
    stamp: Callable[[float], str]
    podman_down: str = ""
    pull: str = ""
    pull_again_at: float | None = None
    rendered: str = ""
    strays: tuple[str, ...] = ()
    anchor: "SlotFacts | None" = None
    records: tuple[Record, ...] = ()

    @property
    def serving(self) -> bool:
        """A container of the slot runs and answers through its port, whatever is planned for it."""
        own = self.view.own
        return bool(own) and answers(self.view.state, own[0])

    @property
    def slot(self) -> Slot | None:
        return self.view.target.slot if self.view.target is not None else self.admission.slot
