"""Homes as texts, judged as the operator judges them."""

from collections.abc import Mapping
from functools import partial
from pathlib import Path

from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context
from hal0_operator.changes.judged import Judged
from hal0_operator.changes.proposal import Proposal, complete, propose
from hal0_operator.changes.wish import Wish
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted

SEEDS = parse_seeds((Path(__file__).parents[2] / "seeds" / "profiles.toml").read_bytes())
SETTINGS = Settings()


def judge(files: HomeFiles, last: Admitted | None, *, strict: bool = False, cold: bool = False) -> Judged:
    """After ``last``; ``None`` is a cold start."""
    context = Context(seeds=SEEDS, settings=SETTINGS, cold=cold or last is None, strict_overlay=strict)
    snapshot, _ = assemble(files, SEEDS)
    verdict = admit(snapshot, last, context)
    assert locate(verdict.problems, files.files) is not None
    return Judged(files, snapshot, verdict, last or Admitted(), context)


def files_of(texts: Mapping[str, str]) -> HomeFiles:
    return HomeFiles({file: SourceFile(file, text.encode()) for file, text in texts.items()})


def home(texts: Mapping[str, str], last: Admitted | None = None) -> Judged:
    """A home right before a change: in force is what these files, or ``last``, made so."""
    first = judge(files_of(texts), last)
    return judge(first.files, first.verdict.admitted)


def wished(wish: Wish, now: Judged, ports: frozenset[int] = frozenset(), by: str = "a test") -> Proposal:
    again = partial(judge, strict=now.context.strict_overlay, cold=now.context.cold)
    return propose(wish, by, now, again, ports)


def carried(texts: Mapping[str, str], last: Admitted | None) -> dict[str, str]:
    """The changed and new files when everything was carried over."""
    return carried_of(judge(files_of(texts), last))


def carried_of(now: Judged) -> dict[str, str]:
    again = partial(judge, strict=now.context.strict_overlay, cold=now.context.cold)
    found = complete(now, again, frozenset())
    return changed(found) if found is not None else {}


def changed(found: Proposal) -> dict[str, str]:
    """New contents by file; what was deleted is ``"(deleted)"``."""
    return {c.file: c.new.decode() if c.new is not None else "(deleted)" for c in found.change_set.changes}
