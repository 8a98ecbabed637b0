"""Counts for metrics: which drift was repaired, how many turns acted."""

from collections import Counter

from hal0_operator.model.action import Effect, Remove, Start
from hal0_operator.reconcile import cause as causes


class Tally:
    """``repaired`` by kind of drift; ``turns`` by result (``acted``, ``waited``, ``settled``)."""

    def __init__(self) -> None:
        self.repaired: Counter[str] = Counter()
        self.turns: Counter[str] = Counter()

    def acted(self, found: causes.Cause, effect: Effect) -> None:
        self.turns["acted"] += 1
        kind = _kind(found, effect)
        if kind:
            self.repaired[kind] += 1


def _kind(found: causes.Cause, effect: Effect) -> str:
    match found, effect:
        case causes.Dead(), Start():
            return "died"
        case causes.Exited(container), Start() if container.state != "created":
            return "exited"
        case causes.Drifted(), Remove():
            return "changed"
        case causes.Unwanted(), Remove():
            return "unwanted"
        case causes.Extra(), Remove():
            return "extra"
        case causes.Broken(kind=kind), Remove():
            return kind
        case _:
            return ""
