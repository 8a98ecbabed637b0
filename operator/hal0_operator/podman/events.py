"""One line of the event stream, as a hint; and which ones were seen before.

Podman 4.3 repeats about a hundred old events each time its log rotates (at 1 MB), 5.x then loses some.
"""

from collections.abc import Iterable, Iterator
from typing import Any

import msgspec

from hal0_operator.podman.errors import UNDECODABLE
from hal0_operator.seams.podman import PodmanEvent

REMEMBERED = 2048
"""Many times what one rotation repeats."""


def decode(line: bytes) -> PodmanEvent | None:
    """None for a line that is no event."""
    try:
        document = msgspec.json.decode(line)
    except UNDECODABLE:
        return None
    if not isinstance(document, dict):
        return None
    actor = _table(document.get("Actor"))
    labels = {k: v for k, v in _table(actor.get("Attributes")).items() if isinstance(v, str)}
    event = PodmanEvent(
        type=_text(document.get("Type")),
        action=_text(document.get("Action")),
        id=_text(actor.get("ID")),
        name=labels.get("name", ""),
        labels=labels,
        time_nano=_integer(document.get("timeNano")),
    )
    return event if event.type and event.action else None


def fresh(lines: Iterable[bytes]) -> Iterator[PodmanEvent]:
    """Each event once, by time, id and action."""
    seen: dict[tuple[int, str, str], None] = {}
    for line in lines:
        event = decode(line)
        if event is None:
            continue
        key = (event.time_nano, event.id, event.action)
        if key in seen:
            continue
        seen[key] = None
        if len(seen) > REMEMBERED:
            del seen[next(iter(seen))]
        yield event


def _table(value: Any) -> dict[str, Any]:
    return value if isinstance(value, dict) else {}


def _text(value: Any) -> str:
    return value if isinstance(value, str) else ""


def _integer(value: Any) -> int:
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
