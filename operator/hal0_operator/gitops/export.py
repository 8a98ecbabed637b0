"""Exports: one read-only folder per revision, there whole or not at all."""

import contextlib
import hashlib
import os
import re

from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.gitops import folders
from hal0_operator.gitops import index as indexes
from hal0_operator.gitops.index import Index
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import Damaged, Objects
from hal0_operator.gitops.reuse import File, Reusable, checked
from hal0_operator.gitops.stamp import stamp, standing
from hal0_operator.gitops.tree import HomeTree, Listing, contents
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import GitFault, Revision

STAGE, GONE = ".stage", ".gone-"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Exports:
    """The folders below ``folder``, made of one source.  Calls raise OSError and what reading objects raises."""

    def __init__(self, folder: str, settings: GitopsSettings, limits: Limits) -> None:
        self.folder, self._path, self._limits = folder, settings.path, limits
        wanted = (settings.url, settings.path, settings.verify)
        self._source = hashlib.sha256("\0".join(wanted).encode()).hexdigest()
        self._last: Reusable | None = None

    def there(self, commit: str) -> str:
        """The folder of a commit that is exported, ``""`` where it is not; it counts as used now.

        One that does not stand as it was written is none: nobody writes there but this.
        """
        index = self._index()
        revision, written = index.find(commit), index.stamps.get(commit)
        path = f"{self.folder}/{commit}"
        if revision is None or written is None or not folders.is_folder(path) or stamp(standing(path)) != written:
            return ""
        if index.revisions[0] != revision:
            indexes.store(self.folder, index.used(revision, written))
        return path

    def make(self, objects: Objects, revision: Revision) -> tuple[str, tuple[str, ...]]:
        """Export a commit that is not; its folder, and warnings.

        The index names it before its folder gets its name: what is there by its name is whole, and is known.
        """
        os.makedirs(self.folder, exist_ok=True)
        self.clear()
        last = self._last = self._last or self._checked(objects)
        found = HomeTree(objects, revision.commit, self._path, self._limits, last.sizes).listing()
        stage, path = f"{self.folder}/{STAGE}", f"{self.folder}/{revision.commit}"
        try:
            files = self._write(stage, objects, found, last)
            self._set_aside(revision.commit)
            written = stamp((name, file.size, file.mtime_ns) for name, file in files.items())
            indexes.store(self.folder, self._index().used(revision, written))
            os.rename(stage, path)
            folders.sync(self.folder)
        finally:
            folders.remove(stage)
        self._last = Reusable(path, files)
        return path, found.warnings

    def kept(self) -> tuple[Revision, ...]:
        """Those that are there, newest use first."""
        return tuple(r for r in self._index().revisions if folders.is_folder(f"{self.folder}/{r.commit}"))

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        """Remove what is not needed, the longest unused first, until ``keep`` are left; unknown ones all."""
        self.clear()
        kept = [revision.commit for revision in self.kept()]
        others = [commit for commit in kept if commit not in needed]
        stay = needed | frozenset(others[: max(0, keep - (len(kept) - len(others)))])
        present = [name for name in folders.names(self.folder) if _COMMIT.fullmatch(name)]
        index = self._index()
        left = index.without(frozenset(revision.commit for revision in index.revisions) - stay)
        if left != index:
            indexes.store(self.folder, left)
        for name in present:
            if name not in stay:
                self._set_aside(name)

    def clear(self) -> None:
        """Remove what a killed call left."""
        for name in folders.names(self.folder):
            if name == STAGE or name.startswith(GONE):
                folders.remove(f"{self.folder}/{name}")

    def _checked(self, objects: Objects) -> Reusable:
        """The newest export of an earlier process, as far as the clone still tells what is in it."""
        for revision in self.kept()[:1]:
            with contextlib.suppress(GitFault, Damaged):
                listing = HomeTree(objects, revision.commit, self._path, self._limits, {}).listing()
                return checked(f"{self.folder}/{revision.commit}", listing.blobs, self._limits.file)
        return Reusable()

    def _write(self, stage: str, objects: Objects, found: Listing, last: Reusable) -> dict[bytes, File]:
        os.mkdir(stage, folders.OWN_FOLDER)
        slots = f"{stage}/{SLOTS_FOLDER}"
        if found.slots:
            os.mkdir(slots, folders.OWN_FOLDER)
        here = os.fsencode(stage) + b"/"
        files = {blob.name: file for blob in found.blobs if (file := last.link(blob, here))}
        fresh = [blob for blob in found.blobs if blob.name not in files]
        paths = [here + blob.name for blob in fresh]
        for path, data in zip(paths, contents(objects, fresh), strict=True):
            folders.write_file(path, data, durable=False)
        folders.sync_all(paths)
        files |= {blob.name: File.at(path, blob.oid) for blob, path in zip(fresh, paths, strict=True)}
        if found.slots:
            folders.seal(slots)
        folders.seal(stage)
        return files

    def _set_aside(self, commit: str) -> None:
        """Take a folder away in one step, then remove it."""
        path, gone = f"{self.folder}/{commit}", f"{self.folder}/{GONE}{commit}"
        if os.path.lexists(path):
            os.rename(path, gone)
            folders.remove(gone)

    def _index(self) -> Index:
        return indexes.load(self.folder, self._source)
