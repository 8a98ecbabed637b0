"""Which objects of a commit make up a home.  Only trees, links and sizes are read here, within bounds."""

import re
from collections.abc import Iterator, Mapping, Sequence
from typing import NamedTuple

from hal0_operator.desired.links import CIRCLE, NOWHERE, OUTSIDE
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, is_slot_file, shown
from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.objects import FILE, FOLDER, LINK, SUBMODULE, Entry, Objects, entries, tree_of
from hal0_operator.seams.git import GitFault

TARGET = 4_096
"""Bytes of a link's target, as the kernel's own limit of a path."""
LFS = b"version https://git-lfs.github.com/spec/"
ATTRIBUTES = b".gitattributes"
_CONTROL = re.compile(rb"[\x00-\x1f\x7f]")


class Blob(NamedTuple):
    """A file of a home: its name relative to it, in bytes, and the object with its content."""

    name: bytes
    oid: str


class Listing(NamedTuple):
    """``slots``: whether there is such a folder.  ``warnings`` are whole sentences."""

    blobs: tuple[Blob, ...]
    slots: bool
    warnings: tuple[str, ...]


class HomeTree:
    """Looks through one commit for the home at ``path``; ``GitFault`` names what cannot be taken, and why.

    ``known`` are the bytes of files that were taken before, by id: they are not asked for again.
    """

    def __init__(self, objects: Objects, commit: str, path: str, limits: Limits, known: Mapping[str, int]) -> None:
        self._objects, self._commit, self._path, self._limits, self._known = objects, commit, path, limits, known
        self._trees: dict[str, dict[bytes, Entry]] = {}
        self._warnings: list[str] = []
        self._root = ""

    def listing(self) -> Listing:
        """The home's files; nothing of their contents is read yet."""
        self._root = self._home()
        blobs: list[Blob] = []
        for name in (PROFILES_FILE, OVERLAY_FILE):
            entry = self._names(self._root).get(name.encode())
            if entry is not None:
                self._add(blobs, name.encode(), (name.encode(),), entry)
        slots = self._slots(blobs)
        self._look_for_submodules(self._root, "")
        self._bounded(blobs)
        return Listing(tuple(blobs), slots, tuple(self._warnings))

    def _home(self) -> str:
        """The id of the home's folder."""
        size = next(iter(self._objects.sizes([self._commit])))[1]
        if size > self._limits.commit:
            raise GitFault("too_large", f"the commit {self._commit} itself has {size} bytes: nothing of it is read")
        oid = tree_of(self._objects.read(self._commit, "commit"))
        walked: list[str] = []
        self._look_for_filters(oid, "")
        for part in self._path.split("/") if self._path else ():
            entry = self._names(oid).get(part.encode())
            walked.append(part)
            if entry is None or entry.kind != FOLDER:
                raise GitFault("no_path", self._no_path("/".join(walked), entry))
            oid = entry.oid
            self._look_for_filters(oid, "/".join(walked) + "/")
        return oid

    def _no_path(self, walked: str, entry: Entry | None) -> str:
        what = "a file, not a folder"
        if entry is None:
            what = "not there"
        elif entry.kind == LINK:
            what = "a link: name the folder that it leads to"
        elif entry.kind == SUBMODULE:
            what = "a submodule, of which nothing is fetched"
        return f"`{walked}` is {what} in commit {self._commit[:12]}; [gitops] path asks for `{self._path}`"

    def _slots(self, blobs: list[Blob]) -> bool:
        name = SLOTS_FOLDER.encode()
        found = self._names(self._root).get(name)
        if found is None:
            return False
        place = self._follow((name,)) if found.kind == LINK else (found, (name,))
        entry, folder = place
        if entry.kind != FOLDER:
            what = "a submodule, of which nothing is fetched" if entry.kind == SUBMODULE else "not a folder"
            raise self._refused(name, f"is {what}: put a folder in its place")
        self._look_for_filters(entry.oid, f"{SLOTS_FOLDER}/")
        self._look_for_submodules(entry.oid, f"{SLOTS_FOLDER}/")
        names = self._names(entry.oid)
        counted = [name for name in names if is_slot_file(name.decode("utf-8", "surrogateescape"))]
        if len(counted) > self._limits.files:
            message = f"`{SLOTS_FOLDER}` holds {len(counted)} slot files, more than {self._limits.files}"
            raise GitFault("too_large", f"{message}, in commit {self._commit[:12]}: nothing of it is taken")
        for inner in sorted(counted):
            self._add(blobs, name + b"/" + inner, (*folder, inner), names[inner])
        return True

    def _add(self, blobs: list[Blob], name: bytes, at: tuple[bytes, ...], entry: Entry) -> None:
        """Take one file in, the ``entry`` that stands ``at`` a place, or what its link leads to."""
        if _CONTROL.search(name) or name.count(b"/") > 1:
            raise self._refused(name, "has a name with a control character or `/` in it: give it another one")
        if len(name.rpartition(b"/")[2]) > self._limits.name:
            raise self._refused(name, f"has a name of more than {self._limits.name} bytes: give it a shorter one")
        if entry.kind == LINK:
            entry, _ = self._follow(at)
        kind = entry.kind
        if kind == FILE:
            blobs.append(Blob(name, entry.oid))
        elif kind == FOLDER:
            raise self._refused(name, "is a folder, not a regular file: remove it or give it another name")
        elif kind != SUBMODULE:
            raise self._refused(name, "is of no kind that git knows: commit it anew")

    def _follow(self, at: tuple[bytes, ...]) -> tuple[Entry, tuple[bytes, ...]]:
        """Where a link leads, name by name inside the home's own tree: nothing outside can be asked for."""
        todo, stack, links = list(at[::-1]), list[tuple[bytes, str]](), 0
        entry: Entry | None = None
        while todo:
            part = todo.pop()
            if part in (b"", b"."):
                continue
            if part == b"..":
                if not stack:
                    raise self._leaves(at)
                stack.pop()
                entry = None
                continue
            entry = self._names(stack[-1][1] if stack else self._root).get(part)
            if entry is None or (todo and entry.kind not in (FOLDER, LINK)):
                raise self._refused(b"/".join(at), NOWHERE)
            if entry.kind != LINK:
                stack.append((part, entry.oid))
                continue
            links += 1
            if links > self._limits.links:
                raise self._refused(b"/".join(at), CIRCLE)
            target = self._target(entry, at)
            if target.startswith(b"/"):
                raise self._leaves(at)
            todo += target.split(b"/")[::-1]
        place = tuple(part for part, _ in stack)
        return (entry if entry is not None else Entry(FOLDER, b"", stack[-1][1] if stack else self._root)), place

    def _target(self, entry: Entry, at: tuple[bytes, ...]) -> bytes:
        _, size = next(iter(self._objects.sizes([entry.oid])))
        if size > TARGET:
            raise self._refused(b"/".join(at), "is a link with an endless target: correct or remove it")
        return self._objects.read(entry.oid, "blob")

    def _leaves(self, at: tuple[bytes, ...]) -> GitFault:
        return self._refused(b"/".join(at), OUTSIDE)

    def _refused(self, name: bytes, why: str) -> GitFault:
        return GitFault("refused", f"`{_shown(name)}` {why} (commit {self._commit[:12]})")

    def _names(self, oid: str) -> dict[bytes, Entry]:
        """The entries of a folder by name."""
        if oid not in self._trees:
            kind, size = next(iter(self._objects.sizes([oid])))
            if kind and size > self._limits.tree:
                message = f"a folder's listing has {size} bytes, more than {self._limits.tree}"
                raise GitFault("too_large", f"{message}, in commit {self._commit[:12]}: nothing of it is taken")
            found = entries(self._objects.read(oid, "tree"), len(oid))
            self._trees[oid] = {entry.name: entry for entry in found}
            if len(self._trees[oid]) != len(found):
                raise GitFault("refused", f"a folder of commit {self._commit[:12]} names a file twice: commit it anew")
        return self._trees[oid]

    def _look_for_filters(self, oid: str, where: str) -> None:
        entry = self._names(oid).get(ATTRIBUTES)
        if entry is None or entry.kind in (FOLDER, LINK, SUBMODULE):
            return
        _, size = next(iter(self._objects.sizes([entry.oid])))
        if size <= self._limits.file and b"filter=" in self._objects.read(entry.oid, "blob"):
            message = f"`{where}.gitattributes` asks for filters: none is run, files are taken as they are committed"
            self._warnings.append(message)

    def _look_for_submodules(self, oid: str, where: str) -> None:
        for entry in self._names(oid).values():
            if entry.kind == SUBMODULE:
                name = f"{where}{_shown(entry.name)}"
                self._warnings.append(f"`{name}` is a submodule: nothing of it is fetched, it counts as absent")

    def _bounded(self, blobs: list[Blob]) -> None:
        """Whether what was found may be read."""
        total, fresh = 0, [blob.oid for blob in blobs if blob.oid not in self._known]
        sizes = {oid: size for oid, (_, size) in zip(fresh, self._objects.sizes(fresh), strict=True)}
        for blob in blobs:
            size = self._known[blob.oid] if blob.oid in self._known else sizes[blob.oid]
            total += size
            if size > self._limits.file:
                message = f"`{_shown(blob.name)}` has {size} bytes, more than the {self._limits.file} of a home's file"
                raise GitFault("too_large", f"{message} (commit {self._commit[:12]})")
            if total > self._limits.total:
                message = f"the files of the home have more than {self._limits.total} bytes together"
                raise GitFault("too_large", f"{message} (commit {self._commit[:12]}): nothing of it is taken")


def contents(objects: Objects, blobs: Sequence[Blob]) -> Iterator[bytes]:
    """Each file's bytes as committed, in their order.  Raises ``GitFault`` where they are kept elsewhere."""
    for blob, data in zip(blobs, objects.contents([blob.oid for blob in blobs], "blob"), strict=True):
        if data.startswith(LFS):
            message = f"`{_shown(blob.name)}` is kept in Git LFS, of which nothing is fetched: commit the file itself"
            raise GitFault("refused", message)
        yield data


def _shown(name: bytes) -> str:
    return shown(name.decode("utf-8", "surrogateescape"))
