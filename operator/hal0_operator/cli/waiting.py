"""Whether the slots are where they should be, of their statuses as JSON."""

import time
from collections.abc import Collection, Iterator, Sequence
from typing import Any, NamedTuple

from hal0_operator.cli.client import Client
from hal0_operator.cli.options import Failed
from hal0_operator.cli.render import why

SATISFIED = frozenset({"Ready", "Idle"})
HOPELESS = frozenset({"Denied", "CrashLoop", "Blocked"})
FAILING = ("FlagsRejected", "RolledBack", "PruneHeld", "ProfileHeld")


class Outcome(NamedTuple):
    """``decided``: waiting longer changes nothing.  The rest are lines for people."""

    decided: bool = False
    ready: tuple[str, ...] = ()
    skipped: tuple[str, ...] = ()
    failed: tuple[str, ...] = ()
    pending: tuple[str, ...] = ()
    summary: tuple[str, ...] = ()

    def also_denied(self, denied: Sequence[str]) -> "Outcome":
        """The same, where these lines say what else of the home was refused."""
        return self._replace(decided=True, failed=(*denied, *self.failed)) if denied else self

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
            (failed if waited else pending).append(line)
        elif _arrived(slot, conditions):
            ready.append(line)
        else:
            pending.append(line)
    summary = (*ready, *pending)
    decided = bool(failed) or not pending
    return Outcome(decided, tuple(ready), tuple(skipped), tuple(failed), tuple(pending), summary)


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
    for items in _states(client):
        found = judge([i for i in items if only is None or i["name"] in only], waited=True).also_denied(denied)
        if found.decided:
            return found
        if time.monotonic() > end:
            return found.late(timeout)
    raise Failed("the operator ended while its slots were waited for")


def _states(client: Client) -> Iterator[list[Any]]:
    """The slots now and after every change, and at least at each heartbeat of the stream."""
    yield client.get("/api/slots")["items"]
    for _kind, _body in client.stream("/api/watch", beats=True):
        yield client.get("/api/slots")["items"]
