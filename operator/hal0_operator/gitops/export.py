"""Exports: one read-only folder per revision, there whole or not at all."""

import hashlib
import os
import re

from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.gitops import folders
from hal0_operator.gitops import index as indexes
from hal0_operator.gitops.index import Index
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import Objects
from hal0_operator.gitops.tree import HomeTree, Listing, content
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import Revision

STAGE, GONE = ".stage", ".gone-"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class Exports:
    """The folders below ``folder``, made of one source.  Calls raise OSError and what reading objects raises."""

    def __init__(self, folder: str, settings: GitopsSettings, limits: Limits) -> None:
        self.folder, self._path, self._limits = folder, settings.path, limits
        wanted = (settings.url, settings.path, settings.verify)
        self._source = hashlib.sha256("\0".join(wanted).encode()).hexdigest()

    def there(self, commit: str) -> str:
        """The folder of a commit that is exported, ``""`` where it is not; it counts as used now."""
        index = self._index()
        revision = index.find(commit)
        path = f"{self.folder}/{commit}"
        if revision is None or not folders.is_folder(path):
            return ""
        if index.revisions[0] != revision:
            indexes.store(self.folder, index.used(revision))
        return path

    def make(self, objects: Objects, revision: Revision) -> tuple[str, tuple[str, ...]]:
        """Export a commit that is not; its folder, and warnings.

        The index names it before its folder gets its name: what is there by its name is whole, and is known.
        """
        os.makedirs(self.folder, exist_ok=True)
        self.clear()
        found = HomeTree(objects, revision.commit, self._path, self._limits).listing()
        stage, path = f"{self.folder}/{STAGE}", f"{self.folder}/{revision.commit}"
        try:
            self._write(stage, objects, found)
            self._set_aside(revision.commit)
            indexes.store(self.folder, self._index().used(revision))
            os.rename(stage, path)
            folders.sync(self.folder)
        finally:
            folders.remove(stage)
        return path, found.warnings

    def kept(self) -> tuple[Revision, ...]:
        """Those that are there, newest use first."""
        return tuple(r for r in self._index().revisions if folders.is_folder(f"{self.folder}/{r.commit}"))

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        """Remove all but the newest ``keep`` and those that are needed; unknown ones go first."""
        self.clear()
        newest = frozenset(revision.commit for revision in self.kept()[:keep])
        stay = newest | needed
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

    def _write(self, stage: str, objects: Objects, found: Listing) -> None:
        os.mkdir(stage, folders.OWN_FOLDER)
        slots = f"{stage}/{SLOTS_FOLDER}"
        if found.slots:
            os.mkdir(slots, folders.OWN_FOLDER)
        paths = [os.fsencode(stage) + b"/" + blob.name for blob in found.blobs]
        for path, blob in zip(paths, found.blobs, strict=True):
            folders.write_file(path, content(objects, blob), durable=False)
        folders.sync_all(paths)
        if found.slots:
            folders.seal(slots)
        folders.seal(stage)

    def _set_aside(self, commit: str) -> None:
        """Take a folder away in one step, then remove it."""
        path, gone = f"{self.folder}/{commit}", f"{self.folder}/{GONE}{commit}"
        if os.path.lexists(path):
            os.rename(path, gone)
            folders.remove(gone)

    def _index(self) -> Index:
        return indexes.load(self.folder, self._source)
