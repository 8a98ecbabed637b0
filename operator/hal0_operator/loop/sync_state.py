"""What is known of a repository that is followed, and what follows from it: no clock, no call, no waiting."""

from collections.abc import Iterable
from datetime import datetime

import msgspec

from hal0_operator.home.identity import without_credentials
from hal0_operator.model.memory import Hold, Override, Overrides
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.model.status import Condition, RevisionStatus, SourceStatus
from hal0_operator.seams.git import GitFaultKind, Revision

SHORT = 10
"""Digits of a commit id for people."""
MOST_DOUBLINGS = 3
LONGEST_S = 900.0
"""Between two looks after faults, unless the interval itself is longer."""

CONDITIONS: dict[GitFaultKind, tuple[str, str]] = {
    "unreachable": ("SourceUnreachable", "Unreachable"),
    "timeout": ("SourceUnreachable", "Timeout"),
    "auth": ("SourceUnreachable", "AccessDenied"),
    "host_key": ("SourceUnreachable", "HostKeyUnknown"),
    "no_repository": ("SourceGone", "NoRepository"),
    "no_ref": ("SourceGone", "NoRef"),
    "no_path": ("SourceGone", "NoPath"),
    "too_large": ("SourceTooLarge", "TooLarge"),
    "unverified": ("SourceUnverified", "Unverified"),
    "refused": ("SourceRefused", "Refused"),
    "local": ("SourceFailed", "Failed"),
}
"""The condition of each fault, and the reason that tells it from its like."""

PASSING = frozenset({"unreachable", "timeout", "local"})
"""Faults that may well end without anybody doing anything."""


OF_THE_REVISION = frozenset({"refused", "too_large", "unverified", "no_path"})
"""Faults of a revision itself, when it was to be had: it is refused, as one whose files are bad."""


class SourceMemory(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """What survives the operator.

    ``attempted`` is the commit that was last taken up, ``admitted`` the revision in force, ``good`` the commits
    that were in force, newest first; ``arrived`` the same ones by when each came into force first, which going back
    does not change.  ``at``: when that last changed (RFC 3339).
    """

    attempted: str = ""
    admitted: Revision | None = None
    good: tuple[str, ...] = ()
    arrived: tuple[str, ...] = ()
    at: str = ""

    def with_attempt(self, commit: str, at: str) -> "SourceMemory":
        return msgspec.structs.replace(self, attempted=commit, at=at)

    def with_admitted(self, revision: Revision, keep: int, at: str) -> "SourceMemory":
        """``keep`` revisions are remembered, the one in force among them."""
        good = (revision.commit, *(c for c in self.good if c != revision.commit))[: keep + 1]
        arrived = self.arrived if revision.commit in self.arrived else (revision.commit, *self.arrived)
        arrived = tuple(commit for commit in arrived if commit in good)
        return msgspec.structs.replace(self, admitted=revision, good=good, arrived=arrived, at=at)


class Trouble(msgspec.Struct, frozen=True):
    """The fault of the last look."""

    kind: GitFaultKind
    message: str

    @property
    def condition(self) -> Condition:
        type, reason = CONDITIONS[self.kind]
        return Condition(type, "True", reason, self.message)


class Known(msgspec.Struct, frozen=True, kw_only=True):
    """``tip`` is what the remote named last, ``fetched`` what was last given to the loop, ``in_force`` what it acts on,
    ``applied`` what it is done with; ``busy`` says what is under way.

    ``refusal``: why the revision that should be in force is not taken.  ``age_s``: since the last look that went well.
    ``settled``: the loop has nothing left to do but waiting.
    """

    memory: SourceMemory = SourceMemory()
    tip: str = ""
    fetched: str = ""
    in_force: str = ""
    applied: str = ""
    kept: tuple[str, ...] = ()
    trouble: Trouble | None = None
    refusal: Trouble | None = None
    suspended: Override | None = None
    hold: Hold | None = None
    busy: str = ""
    age_s: float = 0
    settled: bool = False


def short(commit: str) -> str:
    return commit[:SHORT]


def seconds_between(then: str, now: str) -> float:
    """Of two times by RFC 3339; none where the first is the later one, or one of them is no such time."""
    try:
        return max((datetime.fromisoformat(now) - datetime.fromisoformat(then)).total_seconds(), 0.0)
    except (ValueError, TypeError, OverflowError):  # TypeError: one of them without its zone
        return 0.0


def told(revision: Revision) -> str:
    """A revision for people."""
    return f"{short(revision.commit)} ({revision.subject}, by {revision.author})"


def pause_s(interval_s: float, failures: int) -> float:
    """Seconds until the next look: the interval, doubled with each failure in a row."""
    if not failures:
        return interval_s
    return max(interval_s, min(interval_s * 2.0 ** min(failures - 1, MOST_DOUBLINGS), LONGEST_S))


def begin_with(
    memory: SourceMemory, in_force: str, kept: Iterable[str], overrides: Overrides, *, cold: bool
) -> tuple[str, ...]:
    """The kept commits that a life may begin with, before any look at the remote, the best first.

    A hold first.  Then what was taken up last: if it turns out bad, what was ``in_force`` stays so.  Where that was
    lost (``cold``) what was good comes before, or a bad revision would leave nothing in force.
    """
    there = tuple(kept)
    noted = memory.admitted.commit if memory.admitted is not None else ""
    good = in_force or noted
    order: tuple[str, ...] = (good,)
    if overrides.hold is not None:
        order = (overrides.hold.commit, good)
    elif cold:
        order = (good, *memory.good, *there)
    elif overrides.source_suspended is None and good == noted:  # else the notes are older than what is in force
        order = (memory.attempted, good)
    return tuple(commit for commit in dict.fromkeys(order) if commit in there)


def good_ones(memory: SourceMemory, kept: Iterable[str]) -> tuple[str, ...]:
    """The kept commits that were in force; all of them where nothing is known any more."""
    there = tuple(kept)
    return tuple(commit for commit in there if commit in memory.good) if memory.good else there


def needed(memory: SourceMemory, keep: int, overrides: Overrides) -> frozenset[str]:
    """The commits that stay here: what is in force, held or tried, and the ``keep`` that were in force last."""
    good, hold = memory.admitted, overrides.hold
    these = {good.commit if good else "", hold.commit if hold else "", memory.attempted, *memory.good[:keep]}
    return frozenset(these - {""})


def back_to(given: str, memory: SourceMemory, kept: Iterable[str], hold: Hold | None = None) -> str | None:
    """The kept commit that ``given`` begins; without it the one that was in force before.  ``None``: there is none.

    Before a ``hold`` came what was there already when the held one came: not what one went back from.
    """
    there = good_ones(memory, kept)
    if given:
        found = [commit for commit in there if commit.startswith(given.lower())]
        return found[0] if len(found) == 1 else None
    now = memory.admitted.commit if memory.admitted is not None else ""
    before = tuple(commit for commit in memory.good if commit != now)
    if hold is not None:
        order = memory.arrived
        before = order[order.index(hold.commit) + 1 :] if hold.commit in order else ()
    return next((commit for commit in before if commit in there), None)


def status(found: SourceStatus, settings: GitopsSettings, known: Known) -> SourceStatus:
    """A folder's status made that of a repository; its first condition is Admitted."""
    admitted, *others = found.conditions
    if known.refusal is not None:
        admitted = Condition("Admitted", "False", known.refusal.condition.reason, known.refusal.message)
    good = known.memory.admitted
    good = good if good is not None and good.commit == known.in_force else None
    ref = settings.tag or settings.commit or settings.branch
    own = (*_progress(known, admitted), *_named(known, ref))
    return msgspec.structs.replace(
        found,
        kind="git",
        url=without_credentials(settings.url),
        ref=ref,
        path=settings.path,
        attempted=known.hold.commit if known.hold else known.tip or known.memory.attempted,
        fetched=known.fetched,
        admitted=known.in_force,
        applied=known.applied,
        age_seconds=round(known.age_s, 1),
        suspended=known.suspended is not None,
        conditions=(admitted, *own, *others),
        revision=_revision(good) if good else None,
        kept=known.kept,
    )


def _revision(good: Revision) -> RevisionStatus:
    return RevisionStatus(good.commit, good.author, good.subject, good.committed_at, good.signer)


def _named(known: Known, ref: str) -> Iterable[Condition]:
    if known.trouble is not None:
        yield known.trouble.condition
    if known.suspended is not None:
        message = f"{_who(known.suspended)}; `hal0ctl resume --source` looks at it again"
        yield Condition("SourceSuspended", "True", "Suspended", message)
    if known.hold is not None:
        newer = f", {ref} is at {short(known.tip)}" if known.tip not in ("", known.hold.commit) else ""
        message = (
            f"rolled back to {short(known.hold.commit)} by {known.hold.by} since {known.hold.since}{newer}; "
            "`hal0ctl resume --source` follows it again"
        )
        yield Condition("SourceHeld", "True", "RolledBack", message)


def _who(override: Override) -> str:
    reason = f": {override.reason}" if override.reason else ""
    return f"suspended by {override.by} since {override.since}{reason}"


def _progress(known: Known, admitted: Condition) -> tuple[Condition, Condition, Condition]:
    """Ready, Reconciling, Stalled: the last two exclude each other, and both are False once all is in force."""
    reason, message = _amiss(known, admitted)
    denied = admitted.status == "False"
    stuck = bool(reason) and (denied or (known.trouble is not None and known.trouble.kind not in PASSING))
    under_way = known.busy or (reason and message) or ("" if known.settled else "the containers follow")
    ready = Condition("Ready", "False" if reason else "True", reason or "InForce", message)
    if stuck:
        return ready, Condition("Reconciling", "False", reason, ""), Condition("Stalled", "True", reason, message)
    word = "Progressing" if under_way else "Settled"
    reconciling = Condition("Reconciling", "True" if under_way else "False", word, under_way)
    return ready, reconciling, Condition("Stalled", "False", word, "")


def _amiss(known: Known, admitted: Condition) -> tuple[str, str]:
    """Why what is in force is not what the repository says; empty when it is."""
    if admitted.status == "False":
        return admitted.reason, admitted.message
    if known.trouble is not None:
        return known.trouble.condition.reason, known.trouble.message
    if not known.in_force:
        return "NotRead", known.busy or "no revision was admitted yet"
    if admitted.status == "Unknown":
        return admitted.reason, known.busy or admitted.message
    wanted = known.hold.commit if known.hold is not None else known.tip
    if wanted and known.in_force != wanted and known.suspended is None:
        return "Behind", f"{short(wanted)} is not in force yet"
    return "", ""
