"""Wishes about the repository that is followed: look now, leave it alone, go back, follow it again."""

from collections import Counter
from collections.abc import Callable

import msgspec

from hal0_operator.loop import sync_state
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.remote import Delivery, SourceFigures, counted
from hal0_operator.loop.sync import Sync
from hal0_operator.loop.sync_state import short
from hal0_operator.loop.view import Refused
from hal0_operator.model.memory import Hold, Override, Overrides
from hal0_operator.seams.clock import Clock


class Steering:
    """``loop.remote.Remote``.  ``override`` stores changed fields of ``Overrides``, which ``overrides`` answers."""

    def __init__(
        self,
        sync: Sync,
        overrides: Callable[[], Overrides],
        override: Callable[..., None],
        log: EventLog,
        clock: Clock,
    ) -> None:
        self._sync = sync
        self._overrides = overrides
        self._override = override
        self._log = log
        self._clock = clock
        self._deliveries: Counter[str] = Counter()

    def sync(self) -> str:
        overrides = self._overrides()
        if overrides.source_suspended is not None:
            raise Refused("gitops.suspended", "the source is suspended; `hal0ctl resume --source` looks at it again")
        self._sync.hint()
        if overrides.hold is not None:
            return f"held at {short(overrides.hold.commit)} by a rollback: `hal0ctl resume --source` follows it again"
        return ""

    async def synced(self) -> None:
        await self._sync.looked()

    def suspend(self, by: str, reason: str) -> str:
        self._override(source_suspended=Override(by, self._clock.wall(), reason))
        self._log.add("Normal", "SourceSuspended", "", f"by {by}" + (f": {reason}" if reason else ""))
        return ""

    def resume(self) -> str:
        overrides = self._overrides()
        if overrides.source_suspended is None and overrides.hold is None:
            return "the source is neither suspended nor held"
        self._override(source_suspended=None, hold=None)
        self._log.add("Normal", "SourceResumed", "", "")
        self._sync.hint()
        return ""

    def rollback(self, revision: str, by: str) -> str:
        hold = self._overrides().hold
        commit = sync_state.back_to(revision, self._sync.memory, self._sync.kept, hold)
        if commit is None:
            raise _unknown(revision, self._sync.kept, hold)
        self._override(hold=Hold(commit, by, self._clock.wall()))
        self._log.add("Warning", "SourceHeld", "", f"rolled back to {short(commit)} by {by}")
        self._sync.hint()
        return f"{short(commit)} comes into force and is held until `hal0ctl resume --source`"

    def delivered(self, delivery: Delivery) -> None:
        self._deliveries[delivery] += 1
        if delivery == "accepted":
            self._sync.hint()

    def figures(self) -> SourceFigures:
        return msgspec.structs.replace(self._sync.figures(), webhooks=counted(self._deliveries))


def _unknown(revision: str, kept: tuple[str, ...], hold: Hold | None) -> Refused:
    listed = f"kept are: {', '.join(map(short, kept)) or 'none'}"
    if revision:
        return Refused("gitops.unknown_revision", f"{revision!r} is not the beginning of one kept revision; {listed}")
    than = f" {short(hold.commit)}, which is held," if hold is not None else ""
    return Refused("gitops.no_previous", f"no revision that was in force before{than} is kept; {listed}")
