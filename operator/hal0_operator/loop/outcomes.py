"""What became of the looks at a repository: counts, the last fault, the revision that is refused, and the age."""

from collections import Counter

from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.sync_state import OF_THE_REVISION, Trouble, seconds_between, short
from hal0_operator.seams.clock import Clock
from hal0_operator.seams.git import GitFault


class Outcomes:
    """Of the looks at ``url`` in this life.  ``results`` counts them, ``failures`` those that failed in a row.

    ``trouble`` is the fault of the last look, ``changed_at`` when an earlier life noted something last.
    """

    def __init__(self, url: str, log: EventLog, clock: Clock, changed_at: str) -> None:
        self._url, self._log, self._clock = url, log, clock
        self.results: Counter[str] = Counter()
        self.failures = 0
        self.trouble: Trouble | None = None
        self._refusal: tuple[str, Trouble] | None = None
        # once: a clock that is set later moves nothing, and a time that cannot be is as good as none
        self._well_at = clock.monotonic() - seconds_between(changed_at, clock.wall())

    def well(self, result: str) -> None:
        """A look went well."""
        self.results[result] += 1
        self._well_at = self._clock.monotonic()
        self.failures = 0
        if self.trouble is not None:
            self._log.add("Normal", "SourceRecovered", "", f"{self._url} is followed again")
        self.trouble = None

    def failed(self, fault: GitFault) -> None:
        """A look did not come about."""
        trouble = Trouble(fault.kind, str(fault))
        self.results[fault.kind] += 1
        self.failures += 1
        if trouble != self.trouble:
            self._log.add("Warning", trouble.condition.type, "", trouble.message)
        self.trouble = trouble

    def not_taken(self, commit: str, fault: GitFault) -> None:
        """A revision could not be had: it is refused where that is its own fault, which a network's is not."""
        if fault.kind not in OF_THE_REVISION:
            return
        refusal = (commit, Trouble(fault.kind, f"gitops.{fault.kind} {fault}"))
        if refusal != self._refusal:
            told = f"{short(commit)}: the last one stays in force; {refusal[1].message}"
            self._log.add("Warning", "RevisionRefused", "", told)
        self._refusal = refusal

    def taken(self, commit: str) -> None:
        """Nothing is amiss with the tree of this revision any more."""
        if self._refusal is not None and self._refusal[0] == commit:
            self._refusal = None

    def refusal(self, commit: str) -> Trouble | None:
        """Why this revision is not taken; also while a later look failed for another cause."""
        return self._refusal[1] if self._refusal is not None and self._refusal[0] == commit else None

    @property
    def age(self) -> float:
        """Seconds since the last look that went well; of an earlier life since something last changed, else of ours."""
        return self._clock.monotonic() - self._well_at
