"""Draining: a container that answers is given up once its requests are over, or have taken too long.

While it drains it is sent no new requests.  That ends when it is no longer to be given up, or cannot be.
"""

from hal0_operator.model.action import Check, Effect, ListName, Remove, Stop, Wait
from hal0_operator.model.world import Container
from hal0_operator.reconcile.cause import Cause, Drifted, Settled
from hal0_operator.reconcile.core import Core
from hal0_operator.reconcile.state import Drain, answers
from hal0_operator.reconcile.view import View

DRAINING = "Draining"
PASSING = frozenset({"list", "images", "Stopping", "Removing"})
"""Waits on the way to the removal, which a drain outlasts."""


def drained(v: View, own: Container) -> Wait | None:
    """None when nothing of a client's is lost by its removal, or has had its time."""
    if not v.in_flight or own.state != "running" or not answers(v.state, own):
        return None
    known = v.drain if v.drain is not None and v.drain.container == own.id else None
    until = (known.since if known is not None else v.now) + v.settings.loop.drain_s
    if v.now >= until:
        return None
    told = f"{_counted(v.in_flight)}: {own.name} gets no new ones, and goes once they are answered"
    return Wait(DRAINING, told, until)


def follow(core: Core, view: View, found: Cause, step: Effect | Wait | None) -> None:
    """Keep what drains in step with what was decided for the slot."""
    slot, own, drains = view.slot, view.own[0] if view.own else None, core.aims.drains
    known = view.drain if own is not None and view.drain is not None and view.drain.container == own.id else None
    match step:
        case Wait(reason="Draining") if own is not None:
            if known is None:
                drains[slot] = Drain(own.id, view.now)
                core.notes.event("Normal", DRAINING, slot, step.message)
            if isinstance(found, Drifted):
                core.aims.swapping.add(slot)
        case Remove(id=id) | Stop(id=id) if own is not None and id == own.id:
            _sent(core, view, own, known)
        case Wait(reason=reason) if reason in PASSING:
            return
        case Check() | ListName() if not isinstance(found, Settled):
            return
        case _:
            stop(core, slot)


def stop(core: Core, slot: str) -> None:
    """It is to stay after all, or has gone: whoever waited for it looks again."""
    if core.aims.drains.pop(slot, None) is not None:
        core.touch_blocked()


def podman_gone(core: Core) -> None:
    """Nothing can be removed now, so what waits for that serves on."""
    for slot in [slot for slot, drain in core.aims.drains.items() if not drain.sent]:
        stop(core, slot)
        core.touch(slot)


def _sent(core: Core, view: View, own: Container, known: Drain | None) -> None:
    if known is None:
        if answers(view.state, own):
            core.aims.drains[view.slot] = Drain(own.id, view.now, sent=True)
        return
    if view.in_flight and not known.sent:
        waited = view.now - known.since
        message = f"{_counted(view.in_flight)} cut off: still not answered after {waited:.0f} s"
        core.notes.event("Warning", "DrainTimeout", view.slot, message)
    known.sent = True


def _counted(requests: int) -> str:
    return f"{requests} request{'s' if requests != 1 else ''} in flight"
