"""What Podman lists, as ``Container``, ``NameHolder`` and image names.

Labels, names and images of other people's containers are anyone's text, and a row of an unexpected shape must
neither hide the others nor stop the loop: each field falls back to its default, a row without an id is no row.
"""

from collections.abc import Iterator
from typing import Any, cast, get_args

import msgspec

from hal0_operator.model.world import Container, NameHolder, State
from hal0_operator.podman.errors import UNDECODABLE

_STATES = frozenset(get_args(State))
_PORTS = 65536


def containers(body: bytes) -> tuple[Container, ...]:
    """Raises one of ``errors.UNDECODABLE`` when it is no JSON; so do the others."""
    return tuple(_container(row) for row in _rows(body))


def holders(body: bytes, name: str) -> tuple[NameHolder, ...]:
    """Those of exactly this name."""
    return tuple(
        NameHolder(id=_text(row, "Id"), name=name, state=_state(row), labels=_labels(row))
        for row in _rows(body)
        if name in _names(row, "Names")
    )


def address(body: bytes) -> str:
    """The first address of an inspected container on any of its networks, or ``""``."""
    document = msgspec.json.decode(body)
    settings = document.get("NetworkSettings") if isinstance(document, dict) else None
    if not isinstance(settings, dict):
        return ""
    networks = settings.get("Networks")
    rows = [settings, *(networks.values() if isinstance(networks, dict) else ())]
    return next((row["IPAddress"] for row in rows if isinstance(row, dict) and _text(row, "IPAddress")), "")


def created(body: bytes) -> str:
    """The id of a new container, or ``""`` for an answer of any other kind."""
    try:
        document = msgspec.json.decode(body)
    except UNDECODABLE:
        return ""
    return _text(document, "Id") if isinstance(document, dict) else ""


def images(body: bytes) -> dict[str, str]:
    """Tags, ``name@digest`` and ids (with and without ``sha256:``), each to the id."""
    found: dict[str, str] = {}
    for row in _rows(body):
        id = _text(row, "Id").removeprefix("sha256:")
        names = (*_names(row, "RepoTags"), *_names(row, "RepoDigests"))
        found |= dict.fromkeys((id, f"sha256:{id}", *names), id)
    return found


def _rows(body: bytes) -> Iterator[dict[str, Any]]:
    rows = msgspec.json.decode(body)
    for row in rows if isinstance(rows, list) else ():
        if isinstance(row, dict) and _text(row, "Id"):
            yield row


def _container(row: dict[str, Any]) -> Container:
    names = _names(row, "Names")
    return Container(
        id=_text(row, "Id"),
        name=names[0] if names else "",
        state=_state(row),
        pid=max(0, _integer(row, "Pid")),
        exit_code=_integer(row, "ExitCode"),
        # Go's zero time is in the year 1; nothing of ours is older than 1970.
        started_at=float(max(0, _integer(row, "StartedAt"))),
        exited_at=float(max(0, _integer(row, "ExitedAt"))),
        image=_text(row, "Image"),
        image_id=_text(row, "ImageID").removeprefix("sha256:"),
        labels=_labels(row),
        ports=tuple(_ports(row)),
    )


def _state(row: dict[str, Any]) -> State:
    state = _text(row, "State").lower()
    if state == "configured":
        return "created"
    return cast("State", state) if state in _STATES else "unknown"


def _ports(row: dict[str, Any]) -> Iterator[int]:
    mappings = row.get("Ports")
    for mapping in mappings if isinstance(mappings, list) else ():
        if isinstance(mapping, dict):
            first, count = _integer(mapping, "host_port"), max(1, _integer(mapping, "range"))
            yield from range(max(1, first), min(first + count, _PORTS))


def _labels(row: dict[str, Any]) -> dict[str, str]:
    labels = row.get("Labels")
    return {k: v for k, v in labels.items() if isinstance(v, str)} if isinstance(labels, dict) else {}


def _names(row: dict[str, Any], key: str) -> list[str]:
    names = row.get(key)
    return [n for n in names if isinstance(n, str)] if isinstance(names, list) else []


def _text(row: dict[str, Any], key: str) -> str:
    value = row.get(key)
    return value if isinstance(value, str) else ""


def _integer(row: dict[str, Any], key: str) -> int:
    value = row.get(key)
    return value if isinstance(value, int) and not isinstance(value, bool) else 0
