"""What the random runs reached: causes with their answers, effects, fates of calls, and troubles."""

import contextlib
from collections import Counter
from collections.abc import Iterator
from typing import get_args

from hal0_operator.model import action as a
from hal0_operator.reconcile import cause as causes
from hal0_operator.reconcile import turn
from hal0_operator.reconcile.next_action import Step
from hal0_operator.reconcile.view import View
from tests.sim.remote import ENDS

CAUSES = tuple(sorted(found.__name__ for found in get_args(causes.Cause)))
EFFECTS = tuple(sorted(found.__name__ for found in get_args(a.Effect)))
BROKEN = ("broken", "half-started", "lost", "paused", "renamed")
"""Kinds of containers that must be removed and created again."""

REQUESTS = (
    "begun",
    "woken",
    "turn",
    "turned away",
    "npu.trio_unavailable",
    "slot.not_ready",
    "slot.disabled",
    "slot.denied",
)
"""What becomes of requests."""

SOURCE = (
    *(f"{verb} {end}" for verb, ends in ENDS.items() for end in ends),
    *("admitted", "refused", "PruneHeld", "SourceHeld", "SourceSuspended", "SourceUnreachable", "SourceGone"),
    *("SourceUnverified", "SourceTooLarge", "SourceFailed", "StateUnwritable", "HomeBusy"),
)
"""How git fails and lies, and what is said of a source."""


class Coverage:
    def __init__(self) -> None:
        self.causes: Counter[str] = Counter()
        self.broken: Counter[str] = Counter()
        self.waits: Counter[str] = Counter()
        self.effects: Counter[str] = Counter()
        self.troubles: Counter[str] = Counter()
        self.phases: Counter[str] = Counter()
        self.requests: Counter[str] = Counter()
        self.source: Counter[str] = Counter()

    def decided(self, found: causes.Cause, step: Step) -> None:
        self.causes[type(found).__name__] += 1
        if isinstance(found, causes.Broken):
            self.broken[found.kind] += 1
        if isinstance(step, a.Wait):
            self.waits[step.reason] += 1

    def table(self) -> str:
        rows = []
        for title in ("causes", "broken", "waits", "effects", "troubles", "phases", "requests", "source"):
            counts: Counter[str] = getattr(self, title)
            cells = [f"{name} {count}" for name, count in sorted(counts.items())]
            rows.append(f"{title:>9}: " + ", ".join(cells))
        return "\n".join(rows)

    def missing(self) -> list[str]:
        """Causes, effects and faults that no run reached; those of a source only where one was played."""
        return [
            *(f"cause {name}" for name in CAUSES if not self.causes[name]),
            *(f"effect {name}" for name in EFFECTS if not self.effects[name]),
            *(f"broken {name}" for name in BROKEN if not self.broken[name]),
            *(f"request {name}" for name in REQUESTS if not self.requests[name]),
            *(["wait Draining"] if not self.waits["Draining"] else []),
            *(f"source {name}" for name in SOURCE if self.source and not self.source[name]),
        ]


@contextlib.contextmanager
def counted(coverage: Coverage) -> Iterator[None]:
    """Every decision of every loop is counted meanwhile."""
    plain = turn.next_action

    def counting(view: View) -> tuple[causes.Cause, Step]:
        found, step = plain(view)
        coverage.decided(found, step)
        return found, step

    turn.next_action = counting
    try:
        yield
    finally:
        turn.next_action = plain
