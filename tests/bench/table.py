"""What was measured, beside what it shall be."""

import statistics
from collections.abc import Iterable, Sequence
from dataclasses import dataclass, field

VERDICTS = {True: "met", False: "MISSED", None: ""}


@dataclass
class Row:
    """``values`` are single measurements, or one ratio for each round; their median is the figure.

    Without a ``target`` it is background.  ``why`` stands in the table in place of a figure that could not be had.
    """

    name: str
    unit: str
    values: Sequence[float] = field(default_factory=tuple)
    target: float | None = None
    note: str = ""
    why: str = ""

    @property
    def median(self) -> float:
        return statistics.median(self.values)

    @property
    def met(self) -> bool | None:
        if self.target is None or not self.values:
            return None
        return self.median <= self.target

    @property
    def cells(self) -> tuple[str, ...]:
        goal = "" if self.target is None else f"≤ {_shown(self.target)}"
        if not self.values:
            return self.name, self.unit, goal, "–", "", "", self.why
        spread = f"{_shown(min(self.values))} – {_shown(max(self.values))} ({len(self.values)})"
        return self.name, self.unit, goal, _shown(self.median), spread, VERDICTS[self.met], self.note


HEAD = ("figure", "unit", "target", "median", "min – max (n)", "", "")


def ratios(ours: Iterable[float], theirs: Iterable[float]) -> list[float]:
    """One for each round, in which both were measured one after the other."""
    return [mine / other for mine, other in zip(ours, theirs, strict=True)]


def plain(rows: Sequence[Row]) -> str:
    """For a terminal."""
    cells = [HEAD, *(row.cells for row in rows)]
    widths = [max(len(row[column]) for row in cells) for column in range(len(HEAD))]
    lines = ["  ".join(cell.ljust(width) for cell, width in zip(row, widths, strict=True)).rstrip() for row in cells]
    return "\n".join(lines)


def markdown(rows: Sequence[Row]) -> str:
    """For README.md in this folder."""
    cells = [("figure", "unit", "target", "median", "min – max (n)", "verdict", "note"), *(row.cells for row in rows)]
    lines = ["| " + " | ".join(row) + " |" for row in cells]
    return "\n".join([lines[0], "|---" * len(HEAD) + "|", *lines[1:]])


def _shown(value: float) -> str:
    if value >= 100:
        return f"{value:.0f}"
    return f"{value:.1f}" if value >= 10 else f"{value:.2f}"
