"""A remote repository, and the operator's git over it: each call an instant, which fails and lies by chance."""

import errno
import random
from collections import Counter
from typing import Any

from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.desired.source import HomeFiles
from hal0_operator.seams.git import GitFault, Revision
from tests.home.memory_fs import MemoryFs

REVISIONS = "/state/revisions"
ENDS = {
    "tip": ("unreachable", "auth", "timeout", "old", "unknown", "stale"),
    "fetch": ("unreachable", "timeout", "unverified", "too_large", "other"),
    "export": ("local", "torn"),
}
"""How a call may go wrong.  ``old``: an earlier tip is named, ``unknown``: a commit that never was, ``stale``: what was
named last, although it moved.  ``other``: something else came than was asked for.  ``torn``: it cannot be read yet."""


class Disk(MemoryFs):
    """The operator's disk; ``before`` holds what each file of the state was until it was written last."""

    def __init__(self) -> None:
        super().__init__()
        self.full = False
        self.before: dict[str, bytes] = {}

    def write_atomic(self, path: str, data: bytes, mode: int = 0o644, below: str = "") -> None:
        del mode, below
        if self.full:
            raise OSError(errno.ENOSPC, "No space left on device", path)
        if path in self.nodes:
            self.before[path] = self.nodes[path].data
        self.put(path, data)

    def age(self, path: str) -> None:
        """The last write of a file never came to the disk."""
        if path in self.before:
            self.put(path, self.before[path])

    def break_file(self, path: str) -> None:
        self.nodes[path].error = OSError(errno.EIO, "Input/output error", path)

    def mend(self) -> None:
        for node in self.nodes.values():
            node.error = None


class Repository:
    """``commits`` are all that ever were; ``there`` those that the server still has, ``tips`` what the branch was."""

    def __init__(self) -> None:
        self.commits: dict[str, HomeFiles] = {}
        self.there: set[str] = set()
        self.tips: list[str] = []
        self.branch = ""
        self.exists = self.reachable = self.path = True

    def push(self, files: HomeFiles) -> str:
        commit = f"{len(self.commits) + 1:04x}".ljust(40, "0")
        self.commits[commit] = HomeFiles(dict(files.files), slots_folder=files.slots_folder, revision=commit)
        self.there.add(commit)
        self.point(commit)
        return commit

    def point(self, commit: str) -> None:
        """Move the branch, forced."""
        self.branch = commit
        self.tips.append(commit)

    def collect(self) -> None:
        """The server throws away what the branch does not need: here, all but its tip."""
        self.there &= {self.branch}


class SimGit:
    """``seams.git.Git``: the clone and the exports of one operator.  ``rate`` is the share of calls that go wrong.

    ``told`` are all tips that were named, ``asked`` counts questions for one, ``ends`` what went wrong.
    """

    def __init__(self, repository: Repository, disk: Disk, rng: random.Random) -> None:
        self.repository, self.disk, self.rng = repository, disk, rng
        self.rate = 0.0
        self.clone: set[str] = set()
        self.here: list[str] = []
        self.told: list[str] = []
        self.asked = 0
        self.ends: Counter[str] = Counter()

    def _end(self, verb: str) -> str:
        end = self.rng.choice(ENDS[verb]) if self.rng.random() < self.rate else ""
        if end:
            self.ends[f"{verb} {end}"] += 1
        return end

    def _reach(self, end: str) -> None:
        if not self.repository.reachable or end == "unreachable":
            raise GitFault("unreachable", "no route to forge.example")
        if end in ("auth", "timeout", "unverified", "too_large"):
            kind: Any = end
            raise GitFault(kind, f"by chance: {end}")
        if not self.repository.exists:
            raise GitFault("no_repository", "it is not there")

    def tip(self) -> str:
        self.asked += 1
        end = self._end("tip")
        self._reach(end)
        tips = self.repository.tips
        named = self.repository.branch
        if end == "old":
            named = self.rng.choice(tips)
        elif end == "unknown":
            named = "f" * 38 + f"{self.rng.randrange(256):02x}"
        elif end == "stale" and self.told:
            named = self.told[-1]
        if not named:
            raise GitFault("no_ref", "there is no branch `main`")
        self.told.append(named)
        return named

    def fetch(self, commit: str) -> Revision:
        if commit not in self.clone:
            end = self._end("fetch")
            self._reach(end)
            if end == "other":
                self.clone.clear()
                raise GitFault("local", f"{commit} is not there after it was fetched")
            if commit not in self.repository.there:
                raise GitFault("no_ref", f"{commit} is not there")
            self.clone.add(commit)
        return revision_of(commit)

    def export(self, commit: str) -> str:
        if not self._is_here(commit):
            end = self._end("export")
            self.fetch(commit)
            if not self.repository.path:
                raise GitFault("no_path", "the folder is not there")
            if self.disk.full or end == "local":
                raise GitFault("local", f"{REVISIONS}: cannot be written")
            self._write(commit)
            if end == "torn":
                self.disk.break_file(self.rng.choice(sorted(p for p in self.disk.nodes if p.startswith(_path(commit)))))
        self.here = [commit, *(c for c in self.here if c != commit)]
        return _path(commit)

    def kept(self) -> tuple[Revision, ...]:
        return tuple(revision_of(commit) for commit in self.here if self._is_here(commit))

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        if self.disk.full:
            raise GitFault("local", f"{REVISIONS}: the index cannot be written")
        for commit in reversed(self.here):
            if commit not in needed and len(self.here) > keep:
                self.here = [other for other in self.here if other != commit]
                self.disk.delete(_path(commit))

    def forget(self) -> None:
        """Somebody removed the clone and all exports."""
        self.clone.clear()
        self.here.clear()
        self.disk.delete(REVISIONS)

    def _is_here(self, commit: str) -> bool:
        return commit in self.here and _path(commit) in self.disk.nodes

    def _write(self, commit: str) -> None:
        """A file that is as in the last export is the same file."""
        files, path = self.repository.commits[commit], _path(commit)
        last = _path(self.here[0]) if self.here else ""
        self.disk.delete(path)
        self.disk.folder(path)
        if files.slots_folder:
            self.disk.folder(f"{path}/{SLOTS_FOLDER}")
        for name, file in files.files.items():
            before = self.disk.nodes.get(f"{last}/{name}")
            if before is not None and before.data == file.data:
                self.disk.nodes[f"{path}/{name}"] = before
            else:
                self.disk.put(f"{path}/{name}", file.data)


def revision_of(commit: str) -> Revision:
    return Revision(commit, "Ada", "2026-01-02T03:04:05Z", f"change {int(commit[:4], 16)}")


def _path(commit: str) -> str:
    return f"{REVISIONS}/{commit}"
