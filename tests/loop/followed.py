"""A whole operator that follows a FakeGit, driven look by look; Podman holds nothing and is told nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from hal0_operator import run
from hal0_operator.model.settings import GitopsSettings, Settings
from hal0_operator.model.status import Condition, SourceStatus
from hal0_operator.seams.git import GitFault, GitFaultKind, Revision
from tests.loop.whole import OFF, EmptyPodman

URL = "https://forge.example/lab/home.git"


class FakeGit:
    """``seams.git.Git`` over folders below ``root``: it changes when told to, fails when told to, and counts calls.

    ``lies`` are commits that it names as the tip and does not have.  ``has_clone``: what is exported is also fetched.
    """

    def __init__(self, root: Path) -> None:
        self.root = root
        self.remote: list[str] = []
        self.here: list[str] = []
        self.fault: dict[str, GitFault] = {}
        self.calls: list[str] = []
        self.lies: str = ""
        self.has_clone = True

    def push(self, commit: str, **slots: str) -> str:
        """A commit, by a name that is filled up to an id."""
        full = commit.ljust(40, "0")
        folder = self.root / "remote" / full / "slots"
        folder.mkdir(parents=True)
        for name, text in slots.items():
            (folder / f"{name}.toml").write_text(text)
        self.remote.append(full)
        return full

    def fail(self, verb: str, kind: GitFaultKind, message: str = "it is not there") -> None:
        self.fault[verb] = GitFault(kind, message)

    def _call(self, verb: str) -> None:
        self.calls.append(verb)
        if verb in self.fault:
            raise self.fault[verb]

    def tip(self) -> str:
        self._call("tip")
        return self.lies or self.remote[-1]

    def fetch(self, commit: str) -> Revision:
        if commit not in self.here or not self.has_clone:
            self._call("fetch")
        if not (self.root / "remote" / commit).is_dir():
            raise GitFault("no_ref", f"{commit} is not there")
        return Revision(commit, "Ada", "2026-01-02T03:04:05Z", f"change {commit[:2]}")

    def export(self, commit: str) -> str:
        if commit not in self.here:
            self._call("export")
        else:
            self.here.remove(commit)
        self.here.insert(0, commit)
        return str(self.root / "remote" / commit)

    def kept(self) -> tuple[Revision, ...]:
        return tuple(Revision(c, "Ada", "2026-01-02T03:04:05Z", f"change {c[:2]}") for c in self.here)

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        others = [c for c in self.here if c not in needed]
        stay = {*needed, *others[: max(0, keep - (len(self.here) - len(others)))]}
        self.here = [c for c in self.here if c in stay]


class Followed:
    """``look`` is one look with all that follows from it."""

    def __init__(self, whole: run.Parts) -> None:
        self.whole = whole
        self.operator = whole.operator
        assert whole.operator.remote is not None
        self.remote = whole.operator.remote

    async def look(self) -> None:
        await self.remote.synced()
        await self.whole.drive.quiet()

    @property
    def source(self) -> SourceStatus:
        return self.operator.source()

    def condition(self, type: str) -> Condition | None:
        return next((c for c in self.source.conditions if c.type == type), None)

    def slots(self) -> list[str]:
        return [slot.name for slot in self.operator.slots()]

    @property
    def reasons(self) -> list[str]:
        return [event.reason for event in self.whole.log.all()]


def follow(
    folder: Path,
    git: FakeGit,
    monkeypatch: Any,
    done: Callable[[Followed], Awaitable[None]],
    **settings: Any,
) -> None:
    """Run an operator with a state directory below ``folder`` until ``done`` returns; again for a restart."""
    monkeypatch.setattr(run, "connect", lambda *_: (EmptyPodman(), None))
    monkeypatch.setattr(run, "repository_of", lambda *_: git)
    (folder / "state").mkdir(exist_ok=True)
    place = run.Place("the repository", str(folder / "state"), str(folder / "run"))
    gitops = GitopsSettings(**({"url": URL, "interval_s": 3600} | settings))
    whole = run.Parts(place, Settings(model_store=str(folder), gitops=gitops))

    async def main() -> None:
        async with anyio.create_task_group() as tasks:
            assert whole.sync is not None
            for task in (whole.drive.run, whole.home.run, whole.sync.run):
                tasks.start_soon(task)
            with anyio.fail_after(20):
                await done(Followed(whole))
            whole.drive.stop()
            await whole.drive.ended()
            tasks.cancel_scope.cancel()

    try:
        anyio.run(main)
    finally:
        whole.close()


GOOD = OFF
BROKEN = OFF + "colour = 3\n"


def six(**changed: str) -> dict[str, str]:
    return dict.fromkeys("abcdef", '[model]\ndefault = "m"\n[operator]\nsuspend = true\n') | changed
