"""What the surfaces may ask of a running operator: answers from memory, wishes as hints."""

from collections.abc import AsyncIterator
from typing import TYPE_CHECKING, Any, NamedTuple, Protocol

import msgspec

from hal0_operator.loop.remote import Remote, SourceFigures
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.status import Event, Plan, SlotStatus, SourceStatus

if TYPE_CHECKING:
    from hal0_operator.changes.wish import Wish
    from hal0_operator.home.writer import Written


class GatewayFigures(msgspec.Struct, frozen=True, kw_only=True):
    """What the gateway has done, by label values as below; ``in_flight`` and ``queue_depth`` are now."""

    requests: dict[tuple[str, str, str], int] = {}
    first_byte: dict[tuple[str], tuple[int, float]] = {}
    tokens: dict[tuple[str, str], int] = {}
    in_flight: dict[tuple[str], int] = {}
    queue_depth: dict[tuple[str], int] = {}
    cancelled: dict[tuple[str], int] = {}
    drained: dict[tuple[str], int] = {}


class Figures(msgspec.Struct, frozen=True, kw_only=True):
    """Counters and gauges for a scrape.  Keys of the mappings are label values, in the order of
    the metric's labels; durations are (count, sum of seconds).
    """

    reconcile: dict[tuple[str], int] = {}
    reconcile_seconds: tuple[int, float] = (0, 0.0)
    queue_depth: int = 0
    retries: int = 0
    denials: dict[tuple[str], int] = {}
    change_sets: dict[tuple[str], int] = {}
    podman_calls: dict[tuple[str, str], int] = {}
    podman_seconds: dict[tuple[str], tuple[int, float]] = {}
    world_age_seconds: float = 0
    drift_repaired: dict[tuple[str], int] = {}
    time_to_ready: dict[tuple[str], float] = {}
    gateway: GatewayFigures = GatewayFigures()
    source: SourceFigures | None = None


class SlotDetail(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """``describe``: status, where each flag comes from, problems and recent events.

    ``argv`` is (token or flag with value, provenance), in order.
    """

    status: SlotStatus
    argv: tuple[tuple[str, str], ...] = ()
    problems: tuple[Problem, ...] = ()
    last_exit_lines: tuple[str, ...] = ()
    suspended_by: str = ""
    events: tuple[Event, ...] = ()


class Change(NamedTuple):
    """A wish with what became of it, and what the loop does then; ``generation`` is the home's digest now."""

    written: "Written"
    follows: Plan
    generation: str


class UnknownSlot(Exception):
    """No slot of that name; ``args[0]`` is the message with the nearest names."""


class Refused(Exception):
    """A wish that cannot be: ``code`` is dotted, the message says what to do instead."""

    def __init__(self, code: str, message: str) -> None:
        super().__init__(message)
        self.code = code


class Operator(Protocol):
    """Every read answers at once, also while Podman hangs; ``remote`` is there when the home follows git."""

    remote: Remote | None

    def slots(self) -> tuple[SlotStatus, ...]: ...
    def detail(self, slot: str) -> SlotDetail: ...
    def plan(self) -> Plan: ...
    def profiles(self) -> dict[str, Profile]: ...
    def problems(self) -> tuple[Problem, ...]: ...
    def source(self) -> SourceStatus: ...
    def events(self) -> tuple[Event, ...]: ...
    def follow(self) -> AsyncIterator[Event]:
        """Each new or repeated event, from when the first one is asked for; a slow reader loses some."""
        ...

    def changes(self) -> AsyncIterator[None]:
        """One item whenever a status may have changed since the last one, or the first, was asked for."""
        ...

    def capabilities(self) -> dict[str, Any]: ...
    def figures(self) -> Figures: ...
    def settled(self) -> bool:
        """Nothing is left to do but waiting, and the last look at the home was acted on."""
        ...

    def unready(self) -> str:
        """Why ``/readyz`` is 503, or ``""``."""
        ...

    def trigger(self) -> None:
        """Read the home and look at everything again, now."""
        ...

    async def fresh(self) -> None:
        """Return once a reading of the home begun after this call was admitted and acted on."""
        ...

    async def change(self, wish: "Wish", by: str, *, dry_run: bool) -> Change:
        """Write what a wish comes to.  Raises ``changes.refusal.Refusal``."""
        ...

    def suspend(self, slot: str, by: str, reason: str) -> None: ...
    def resume(self, slot: str) -> str:
        """A message when the file still suspends it, else ``""``."""
        ...

    def approve_prune(self) -> str: ...
    def restart(self, slot: str, pull: bool) -> str:
        """Why there is nothing to restart, else ``""``."""
        ...

    def restart_outdated(self) -> tuple[str, ...]: ...
    async def logs(self, slot: str, lines: int, previous: bool) -> tuple[str, ...]: ...
    def follow_logs(self, slot: str, lines: int) -> AsyncIterator[str]: ...
