"""Whether the slots are where they should be, of their statuses as JSON.

A slot that takes a person fails the wait at once: one that is denied or held, a crash loop, a file or device that is
missing.  What is in the way of another may go by itself, such as a port that somebody still has: it is waited for
until the time is up, and said as soon as it is seen.
"""

import sys
import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from hal0_operator.cli.client import Client
from hal0_operator.cli.options import Failed
from hal0_operator.cli.output import write_line
from hal0_operator.cli.render import why

SATISFIED = frozenset({"Ready", "Idle"})
HOPELESS = frozenset({"Denied", "CrashLoop", "Blocked"})
GIVES_WAY = frozenset({"PortHeld", "NPUHeld", "Port", "CallFailed", "HostUnreadable", "OldServes", "PortPathBroken"})
"""Reasons of ``Stalled`` that may end without a person: somebody who gives up what is held, a call that works again.

``Port`` is a port that the operator has to choose while all are taken; ``OldServes`` stands before the last two.
A server that begins to listen between the looks through its port and past it has a broken path for a moment.
"""
FAILING = ("FlagsRejected", "RolledBack", "PruneHeld", "ProfileHeld")


class Outcome(NamedTuple):
    """``decided``: waiting longer changes nothing.  The rest are lines for people, ``blocked`` some of ``pending``."""

    decided: bool = False
    ready: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    blocked: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    def also_denied(self, denied: Sequence[str]) -> "Outcome":
        """The same, where these lines say what else of the home was refused."""
        return self._replace(decided=True, failed=(*denied, *self.failed)) if denied else self

    @property
    def amiss(self) -> tuple[str, ...]:
        """All but what is ready, once it was waited for."""
        return (*self.skipped, *self.failed, *(f"{line} (not waited for any longer)" for line in self.pending))

    def late(self, timeout: float) -> "Outcome":
        """The time is up: what is still pending has failed."""
        late = tuple(f"{line} (not within {timeout:g} s)" for line in self.pending)
        late = late or (f"the home was not read and acted on within {timeout:g} s; `hal0ctl doctor` says more",)
        return self._replace(decided=True, failed=(*self.failed, *late), pending=())


def judge(items: list[Any], *, waited: bool) -> Outcome:
    """``generation = observedGeneration`` and Ready or Idle, for every wanted slot; no container of any other."""
    ready: list[str] = []
    skipped: list[str] = []
    failed: list[str] = []
    pending: list[str] = []
    blocked: list[str] = []
    for slot in items:
        line = f"{slot['name']}: {slot['phase']}" + (f": {why(slot)}" if why(slot) else "")
        conditions = {c["type"]: c for c in slot["conditions"]}
        refused = conditions["Admitted"]["status"] == "False"
        if slot["phase"] == "Suspended":
            skipped.append(f"{line} (skipped)")
        elif refused:
            failed.append(line)
        elif held := next((conditions[name] for name in FAILING if name in conditions), None):
            failed.append(f"{slot['name']}: {held['type']}: {held['message']}")
        elif slot["phase"] in HOPELESS or conditions["Stalled"]["status"] == "True":
            gives_way = slot["phase"] != "CrashLoop" and conditions["Stalled"]["reason"] in GIVES_WAY
            (failed if waited and not gives_way else pending).append(line)
            blocked += [line] if gives_way else []
        elif _arrived(slot, conditions):
            ready.append(line)
        else:
            pending.append(line)
    summary = (*ready, *pending)
    decided = bool(failed) or not pending
    return Outcome(decided, tuple(ready), tuple(skipped), tuple(failed), tuple(pending), tuple(blocked), summary)


class Told:
    """Says on stderr what is waited for, each thing once: a person may see to it meanwhile."""

    def __init__(self) -> None:
        self._lines: set[str] = set()

    def tell(self, found: Outcome) -> None:
        for line in found.blocked:
            if not found.decided and line not in self._lines:
                self._lines.add(line)
                write_line(f"waiting: {line}", sys.stderr)


def _arrived(slot: Any, conditions: dict[str, Any]) -> bool:
    if slot["phase"] == "Removing":
        return False
    if not slot["wanted"] and slot["phase"] not in ("Ready", "Degraded"):
        return bool(conditions["Reconciling"]["status"] == "False")
    current = slot["generation"] == slot["observedGeneration"] and slot["phase"] in SATISFIED
    return bool(current and conditions["Ready"]["status"] == "True")


def until_decided(
    client: Client, timeout: float, *, denied: Sequence[str] = (), only: Collection[str] | None = None
) -> Outcome:
    """Wait for every wanted slot, or for those named, for so many seconds.  Raises ``Failed``.

    ``denied`` says what else of the home was refused: then nothing is waited for.
    """
    end = time.monotonic() + timeout
    told = Told()
    for items in _states(client):
        found = judge([i for i in items if only is None or i["name"] in only], waited=True).also_denied(denied)
        if found.decided:
            return found
        if time.monotonic() > end:
            return found.late(timeout)
        told.tell(found)
    raise Failed("the operator ended while its slots were waited for")


def _states(client: Client) -> Iterator[list[Any]]:
    """The slots now and after every change, and at least at each heartbeat of the stream."""
    yield client.get("/api/slots")["items"]
    for _kind, _body in client.stream("/api/watch", beats=True):
        yield client.get("/api/slots")["items"]
