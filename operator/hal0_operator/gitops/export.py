"""Exports: one read-only folder per revision, there whole or not at all."""

import hashlib
import os
import re
from typing import NamedTuple

from hal0_operator.desired.names import SLOTS_FOLDER
from hal0_operator.gitops import folders
from hal0_operator.gitops import index as indexes
from hal0_operator.gitops.index import Index
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import Objects
from hal0_operator.gitops.stamp import stamp, standing
from hal0_operator.gitops.tree import Blob, HomeTree, Listing, contents
from hal0_operator.model.settings import GitopsSettings
from hal0_operator.seams.git import Revision

STAGE, GONE = ".stage", ".gone-"
_COMMIT = re.compile(r"[0-9a-f]{40}|[0-9a-f]{64}")


class File(NamedTuple):
    """A file of an export: the object that it holds, and how it stood when it was written."""

    oid: str
    mode: int
    inode: int
    size: int
    mtime_ns: int


class Exports:
    """The folders below ``folder``, made of one source.  Calls raise OSError and what reading objects raises.

    What a revision has in common with the one that was exported before is one file with two names: it is neither
    read from the clone nor written nor synced again.
    """

    def __init__(self, folder: str, settings: GitopsSettings, limits: Limits) -> None:
        self.folder, self._path, self._limits = folder, settings.path, limits
        wanted = (settings.url, settings.path, settings.verify)
        self._source = hashlib.sha256("\0".join(wanted).encode()).hexdigest()
        self._last, self._files = b"", dict[bytes, File]()

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
        known = {file.oid: file.size for file in self._files.values()}
        found = HomeTree(objects, revision.commit, self._path, self._limits, known).listing()
        stage, path = f"{self.folder}/{STAGE}", f"{self.folder}/{revision.commit}"
        try:
            files = self._write(stage, objects, found)
            self._set_aside(revision.commit)
            written = stamp((name, file.size, file.mtime_ns) for name, file in files.items())
            indexes.store(self.folder, self._index().used(revision, written))
            os.rename(stage, path)
            folders.sync(self.folder)
        finally:
            folders.remove(stage)
        self._last, self._files = os.fsencode(path) + b"/", files
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

    def _write(self, stage: str, objects: Objects, found: Listing) -> dict[bytes, File]:
        os.mkdir(stage, folders.OWN_FOLDER)
        slots = f"{stage}/{SLOTS_FOLDER}"
        if found.slots:
            os.mkdir(slots, folders.OWN_FOLDER)
        here = os.fsencode(stage) + b"/"
        files = {blob.name: file for blob in found.blobs if (file := self._linked(blob, here))}
        fresh = [blob for blob in found.blobs if blob.name not in files]
        paths = [here + blob.name for blob in fresh]
        for path, data in zip(paths, contents(objects, fresh), strict=True):
            folders.write_file(path, data, durable=False)
        folders.sync_all(paths)
        files |= {blob.name: File(blob.oid, *_standing(path)) for blob, path in zip(fresh, paths, strict=True)}
        if found.slots:
            folders.seal(slots)
        folders.seal(stage)
        return files

    def _linked(self, blob: Blob, here: bytes) -> File | None:
        """The same file of the last export, now also below ``here``; None where it is to be written.

        What was changed since by a hand is left to the revisions that have it.
        """
        file = self._files.get(blob.name)
        if file is None or file.oid != blob.oid:
            return None
        path = self._last + blob.name
        try:
            if _standing(path) != file[1:]:
                return None
            os.link(path, here + blob.name, follow_symlinks=False)
        except OSError:  # it is gone, or the file system has no second names
            return None
        return file

    def _set_aside(self, commit: str) -> None:
        """Take a folder away in one step, then remove it."""
        path, gone = f"{self.folder}/{commit}", f"{self.folder}/{GONE}{commit}"
        if os.path.lexists(path):
            os.rename(path, gone)
            folders.remove(gone)

    def _index(self) -> Index:
        return indexes.load(self.folder, self._source)


def _standing(path: bytes) -> tuple[int, int, int, int]:
    """What tells that a file is the one that was written, and was not written to since."""
    found = os.lstat(path)
    return found.st_mode, found.st_ino, found.st_size, found.st_mtime_ns
