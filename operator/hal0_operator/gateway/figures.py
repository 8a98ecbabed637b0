"""What the gateway has done, as a scrape shows it."""

from collections.abc import Mapping
from typing import TypeVar

from hal0_operator.gateway.app import Gateway
from hal0_operator.gateway.ports import Slots
from hal0_operator.loop.view import GatewayFigures

T = TypeVar("T")


def figures(gateway: Gateway, slots: Slots) -> GatewayFigures:
    """The depth of a queue is looked up now; only servers that do one request at a time have one.

    What was counted for a slot that is gone is forgotten with the first look after it went.
    """
    counters, known = gateway.counters, slots.directory().slots
    counters.keep(known.keys() | {""})
    serial = [each.slot for each in known.values() if each.family == "flm" and not each.is_record]
    return GatewayFigures(
        requests=dict(counters.requests),
        first_byte=_by_slot(counters.first_byte),
        tokens=dict(counters.tokens),
        in_flight=_by_slot({slot: count for slot, count in counters.in_flight.items() if slot in known}),
        queue_depth={(slot,): gateway.lanes.waiting(slots.stands(slot).container) for slot in serial},
        cancelled=_by_slot(counters.cancelled),
        drained=_by_slot(counters.drained),
    )


def _by_slot(counts: Mapping[str, T]) -> dict[tuple[str], T]:
    return {(slot,): count for slot, count in counts.items()}
