"""One look at a home's folders: which files count, and what identifies each one's content."""

import contextlib
import posixpath
from typing import NamedTuple

from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, is_slot_file, shown
from hal0_operator.home.links import Astray, Found, follow, root_of
from hal0_operator.home.state import HOME_LOCK, JOURNAL, is_own
from hal0_operator.seams.fs import Fs, Stat

FILE_LIMIT = 262_144
"""Bytes of one file; a normal slot file has 300, a profiles file with a hundred profiles 40,000."""
FILES_LIMIT = 20_000
"""Slot files of one home: twice the size for which speed is promised."""
TOTAL_LIMIT = 67_108_864
"""Bytes of all files together, so that no home can fill the memory."""


class Scan(NamedTuple):
    """What a look found; two equal ones mean that nothing changed between them.

    ``files`` are counted files by their name relative to the home, ``paths`` where each stands when
    that is not simply below ``root`` (links, undecodable names).  ``refused`` says why a counted
    file is not read.  ``root`` is ``""`` when there is no home.  ``locked``: writers use the lock.
    ``journal`` comes with a change set that is committed and goes once it stands in the files.
    """

    root: str
    files: dict[str, Stat]
    paths: dict[str, str]
    refused: dict[str, str]
    slots_folder: bool
    locked: bool = False
    journal: Stat | None = None
    failed: bool = False

    @property
    def names(self) -> tuple[str, ...]:
        """Counted files, and a folder that was refused as a whole."""
        return (*self.files, *(self.refused.keys() - self.files.keys()))

    def path(self, file: str) -> str:
        return self.paths.get(file) or f"{self.root}/{file}"


def scan(fs: Fs, home: str) -> Scan:
    """Look at the home.  Never raises: what cannot be looked at is refused with the reason."""
    found = Scan("", {}, {}, {}, slots_folder=False)
    try:
        root = root_of(fs, home)
        if root is None:
            return found
        locked, journal = _written(fs, root)
        found = found._replace(root=root, locked=locked, journal=journal)
        for name in (PROFILES_FILE, OVERLAY_FILE):
            stat = fs.stat(f"{root}/{name}")
            if stat is not None:
                _count(fs, home, found, name, stat)
        found = _scan_slots(fs, home, found)
    except OSError as error:
        found.refused[SLOTS_FOLDER] = f"the home cannot be read: {error.strerror or error}; nothing of it is acted on"
        return found._replace(slots_folder=False, failed=True)
    return _bounded(found)


def _written(fs: Fs, root: str) -> tuple[bool, Stat | None]:
    """What writers have in the home; a reader without rights to look there is as good as one without writers."""
    with contextlib.suppress(PermissionError):
        if is_own(fs, root):
            return fs.stat(f"{root}/{HOME_LOCK}") is not None, fs.stat(f"{root}/{JOURNAL}")
    return False, None


def _scan_slots(fs: Fs, home: str, found: Scan) -> Scan:
    folder = f"{found.root}/{SLOTS_FOLDER}"
    stat = fs.stat(folder)
    if stat is not None and stat.kind == "link":
        target = follow(fs, found.root, SLOTS_FOLDER, home)
        if target is Astray.LEAVES:
            found.refused[SLOTS_FOLDER] = f"`{SLOTS_FOLDER}` is a link that leaves the home: move the folder into it"
        folder, stat = target if isinstance(target, Found) else (folder, None)
    if stat is None:
        return found
    if stat.kind != "dir":
        found.refused[SLOTS_FOLDER] = f"`{SLOTS_FOLDER}` is not a folder: move away what stands in its place"
        return found
    plain = folder == f"{found.root}/{SLOTS_FOLDER}"
    entries = [(name, stat) for name, stat in fs.scan(folder) if is_slot_file(name)]
    if len(entries) > FILES_LIMIT:
        found.refused[SLOTS_FOLDER] = (
            f"`{SLOTS_FOLDER}` holds {len(entries)} slot files, more than {FILES_LIMIT}: nothing of it is read"
        )
        return found
    for name, stat in entries:
        file = f"{SLOTS_FOLDER}/{name}"
        if plain and stat.kind == "file" and stat.size <= FILE_LIMIT and name.isprintable():
            found.files[file] = stat
        else:
            _count(fs, home, found, f"{SLOTS_FOLDER}/{shown(name)}", stat, f"{folder}/{name}")
    return found._replace(slots_folder=True)


def _count(fs: Fs, home: str, found: Scan, file: str, stat: Stat, path: str = "") -> None:
    """Take one entry in: as it is, where its link leads, or refused."""
    path = path or f"{found.root}/{file}"
    if stat.kind == "link":
        try:
            target = follow(fs, found.root, path[len(found.root) + 1 :], home)
        except OSError as error:
            found.files[file] = stat
            found.refused[file] = f"is a link that cannot be followed ({error.strerror}): correct or remove it"
            return
        if target is Astray.LEAVES:
            found.files[file] = stat
            found.refused[file] = "is a link that leaves the home; its target is not read: copy the file into the home"
            return
        if isinstance(target, Astray):  # an editor's lock, or a file that is about to come
            return
        path, stat = target
    found.files[file] = stat
    if path != f"{found.root}/{file}":
        found.paths[file] = path
    if stat.kind != "file":
        what = "a folder" if stat.kind == "dir" else "a pipe, socket or device"
        found.refused[file] = f"is {what}, not a regular file: remove it or give it another name"
    elif stat.size > FILE_LIMIT:
        found.refused[file] = f"has {stat.size} bytes, more than the {FILE_LIMIT} that a file of a home may have"


def _bounded(found: Scan) -> Scan:
    total = 0
    if sum(stat.size for stat in found.files.values()) > TOTAL_LIMIT:
        for file in sorted(found.files):
            if file not in found.refused:
                total += found.files[file].size
                if total > TOTAL_LIMIT:
                    found.refused[file] = (
                        f"is not read: the files of the home have more than {TOTAL_LIMIT} bytes together"
                    )
    return found


def folders(fs: Fs, home: str) -> tuple[tuple[str, tuple[int, int] | None], ...]:
    """The folders that are worth watching, each with device and inode as they are now.

    The home's parent is one of them only when the home itself is a link, which may be flipped.
    """
    paths = [home, posixpath.join(home, SLOTS_FOLDER)]
    try:
        own = fs.stat(home)
        if own is not None and own.kind == "link":
            paths.insert(0, posixpath.dirname(home.rstrip("/")) or "/")
        return tuple((path, _identity(fs, path)) for path in paths)
    except OSError:
        return ()


def _identity(fs: Fs, path: str) -> tuple[int, int] | None:
    real = root_of(fs, path)
    stat = fs.stat(real) if real else None
    return (stat.dev, stat.ino) if stat else None
