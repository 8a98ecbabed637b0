"""The route of a request: pure, from the directory and how the slots stand."""

from collections.abc import Callable
from difflib import get_close_matches
from typing import Any

import msgspec

from hal0_operator.routing.directory import PREFIX, Directory, Listing
from hal0_operator.routing.endpoints import DEFAULT_SLOT, Endpoint
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.standing import Standing
from hal0_operator.runtimes.flm import flag

LOAD_FIRST = "load an NPU chat slot first"
"""What hal0's clients look for in a message."""

BRIEF_S = 10.0
"""Seconds of a start that cost less than loading another slot, which takes a start too, and the memory of a model."""

MOST_TOLD = 5
"""Slots of which a message tells what is wrong with them."""

Stands = Callable[[str], Standing]


class Route(msgspec.Struct, frozen=True):
    """``slot`` was asked for, ``server`` is the slot whose container answers: its own, or the NPU chat slot's.

    ``wake``: the server has to be started first.  ``model`` replaces the one in the body, ``""`` keeps it.
    """

    slot: str
    server: Listing
    standing: Standing
    model: str = ""
    wake: bool = False


def route(directory: Directory, stands: Stands, endpoint: Endpoint, model: str | None) -> Route | Failure:
    """Where a request goes.  ``model`` is what its body names; ``None`` or blank is nothing."""
    found = _chosen(directory, stands, endpoint, (model or "").strip())
    if isinstance(found, Failure):
        return found
    if found.is_record and not found.denied:
        return _of_record(directory, stands, endpoint, found)
    standing = stands(found.slot)
    if found.type is None:
        return _not_serving(found, standing)
    if standing.container:
        return Route(found.slot, found, standing, found.upstream_model)
    if standing.wakes:
        return Route(found.slot, found, standing, found.upstream_model, wake=True)
    return unserved(endpoint, found, standing)


def unserved(endpoint: Endpoint, listing: Listing, standing: Standing) -> Failure:
    """What a request for a slot is told whose own container may not be asked, and does not come."""
    if listing.is_npu_chat:
        return _trio(endpoint, listing.slot, None, standing)
    return _not_serving(listing, standing)


def _chosen(directory: Directory, stands: Stands, endpoint: Endpoint, model: str) -> Listing | Failure:
    if not model:
        return _default(directory, endpoint)
    slot = directory.slots.get(model.removeprefix(PREFIX)) or directory.slots.get(model)
    if slot is not None:
        return slot if _fits(slot, endpoint) else _wrong_type(slot, endpoint)
    named = [directory.slots[name] for name in directory.by_model.get(model, ())]
    fitting = [listing for listing in named if listing.type == endpoint.type]
    if fitting:
        return min(fitting, key=lambda listing: (_rank(directory, stands, endpoint, listing), listing.slot))
    if named:
        return _wrong_type(named[0], endpoint)
    return _unknown(directory, endpoint, model)


def _default(directory: Directory, endpoint: Endpoint) -> Listing | Failure:
    usual = directory.slots.get(DEFAULT_SLOT.get(endpoint.type, ""))
    if usual is not None and not _fits(usual, endpoint):
        usual = None
    if usual is not None and usual.enabled:
        return usual
    every = [listing for listing in directory.slots.values() if listing.type == endpoint.type]
    usable = [listing for listing in every if not _flaw(listing)]
    if len(usable) == 1:
        return usable[0]
    if usable:
        names = ", ".join(sorted(listing.slot for listing in usable))
        return Failure(400, "request.invalid", f"`model` is missing, and there are several slots for it: {names}")
    if usual is not None:
        return usual
    if len(every) == 1:
        return every[0]
    none = f"no slot of type {endpoint.type} is there to answer {endpoint.path}"
    flawed = _flawed(directory, endpoint)
    return Failure(404, "slot.unknown", f"{none}; {flawed}" if flawed else none)


def _rank(directory: Directory, stands: Stands, endpoint: Endpoint, listing: Listing) -> int:
    """Those that can answer now first, then those that are back in a moment, then those that have to be loaded."""
    server = directory.slots.get(listing.anchor) if listing.is_record else listing
    if _flaw(listing):
        return 5
    if server is None:
        return 4
    standing = stands(server.slot)
    if listing.is_record and endpoint.role in standing.failed_roles:
        return 4
    if standing.container:
        return 0
    if standing.back_s is not None and standing.back_s <= BRIEF_S:
        return 1
    if standing.wakes:
        return 2 if standing.phase == "Starting" else 3
    return 4


def _of_record(directory: Directory, stands: Stands, endpoint: Endpoint, record: Listing) -> Route | Failure:
    """A record has no container: the NPU chat slot's answers, when the record is on."""
    if not record.enabled:
        return Failure(503, "slot.disabled", f"slot {record.slot} is off", {"slot": record.slot})
    anchor = directory.slots.get(record.anchor)
    if anchor is None:
        return _trio(endpoint, None, record.slot, Standing(phase="Off", why="there is no NPU chat slot"))
    standing = stands(anchor.slot)
    if not standing.container:
        return _trio(endpoint, anchor.slot, record.slot, standing)
    if endpoint.role in standing.rejected_roles:
        return _rejected(endpoint, anchor.slot, record.slot, standing, stands(record.slot).why)
    if endpoint.role in standing.failed_roles:
        why = f"slot {anchor.slot} runs, but its role for {record.slot} does not answer"
        details = {"slot": anchor.slot, "record": record.slot, "phase": standing.phase}
        return Failure(503, "slot.not_ready", why, details, standing.retry_s)
    return Route(record.slot, anchor, standing, record.upstream_model or anchor.upstream_model)


def _trio(endpoint: Endpoint, slot: str | None, record: str | None, standing: Standing) -> Failure:
    named = f"slot {slot} is {standing.phase}" if slot else "none is there"
    why = f": {standing.why}" if standing.why else ""
    message = f"{endpoint.path} is served by the NPU, which is not ready ({named}{why}): {LOAD_FIRST}"
    details = _trio_details(endpoint, slot, record, standing, standing.why)
    return Failure(503, "npu.trio_unavailable", message, details, standing.retry_s)


def _rejected(endpoint: Endpoint, slot: str, record: str, standing: Standing, why: str) -> Failure:
    """The NPU's process did not start with the record's flag, and runs without."""
    reason = f"FlagsRejected: {why}" if why else "FlagsRejected"
    message = (
        f"{endpoint.path} is served by the NPU, which is not ready for {record} ({reason}): "
        f"{LOAD_FIRST} that starts with {flag(endpoint.role)}"
    )
    details = _trio_details(endpoint, slot, record, standing, reason)
    return Failure(503, "npu.trio_unavailable", message, details, standing.retry_s)


def _trio_details(
    endpoint: Endpoint, slot: str | None, record: str | None, standing: Standing, reason: str
) -> dict[str, Any]:
    return {
        "endpoint": endpoint.path,
        "slot": slot,
        "record": record,
        "phase": standing.phase if slot else None,
        "reason": reason,
    }


def _not_serving(listing: Listing, standing: Standing) -> Failure:
    reason = standing.why or listing.denied
    details = {"slot": listing.slot, "phase": standing.phase, "reason": reason}
    why = f": {reason}" if reason else ""
    if standing.phase == "Denied" or listing.type is None:
        return Failure(503, "slot.denied", f"slot {listing.slot} is denied{why}", details)
    if not listing.enabled or standing.phase == "Off":
        return Failure(503, "slot.disabled", f"slot {listing.slot} is off{why}", details)
    return Failure(503, "slot.not_ready", f"slot {listing.slot} is {standing.phase}{why}", details, standing.retry_s)


def _wrong_type(listing: Listing, endpoint: Endpoint) -> Failure:
    message = f"slot {listing.slot} is of type {listing.type}; {endpoint.path} needs one of type {endpoint.type}"
    return Failure(400, "request.invalid", message, {"slot": listing.slot})


def _unknown(directory: Directory, endpoint: Endpoint, model: str) -> Failure:
    """What could be meant is looked for among the slots that may be asked, and only then among the others."""
    flaws = {name: _flaw(listing) for name, listing in directory.slots.items() if _fits(listing, endpoint)}
    for id, slots in directory.by_model.items():
        fitting = [flaws[slot] for slot in slots if slot in flaws]
        if fitting:
            flaws.setdefault(id, min(fitting))
    usable = [name for name, flaw in flaws.items() if not flaw]
    near = get_close_matches(model[:64], usable, 1) or get_close_matches(model[:64], flaws, 1)
    if near:
        flaw = flaws[near[0]]
        hint = f"did you mean {near[0]}?" + (f" It is {flaw}" if flaw else "")
    elif usable:
        hint = f"there are: {', '.join(sorted(name for name in usable if name in directory.slots))}"
    else:
        hint = _flawed(directory, endpoint) or "there is none of its type"
    return Failure(404, "slot.unknown", f"no slot serves the model that was asked for: {hint}")


def _fits(listing: Listing, endpoint: Endpoint) -> bool:
    """Also where nobody can tell what a slot was meant to be."""
    return listing.type in (endpoint.type, None)


def _flaw(listing: Listing) -> str:
    """Why nobody may ask for a slot as its file is, ``""`` where one may."""
    if listing.denied:
        return f"denied: {listing.denied}"
    return "" if listing.enabled else "off"


def _flawed(directory: Directory, endpoint: Endpoint) -> str:
    """What is wrong with the slots that may have been meant."""
    flaws = [(name, _flaw(listing)) for name, listing in sorted(directory.slots.items()) if _fits(listing, endpoint)]
    return "; ".join(f"slot {name} is {flaw}" for name, flaw in flaws[:MOST_TOLD])
