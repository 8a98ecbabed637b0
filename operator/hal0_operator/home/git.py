"""Whether git is at work in the work tree that a home stands in.  Git itself is never run here."""

import contextlib
import posixpath
from typing import NamedTuple

from hal0_operator.seams.fs import Fs, Stat

MARKERS = ("index.lock", "rebase-merge", "rebase-apply")
"""What git keeps in its folder while it rewrites the work tree."""
GITDIR_LIMIT = 4096
_POINTER = b"gitdir:"


class Work(NamedTuple):
    """``markers`` by name: as long as none of them changes, git makes no progress."""

    markers: tuple[tuple[str, Stat], ...]

    @property
    def names(self) -> str:
        return ", ".join(name for name, _ in self.markers)


def git_folder(fs: Fs, root: str) -> str | None:
    """The git folder of the nearest work tree at or above ``root``.

    ``.git`` may be a file that points elsewhere: linked work trees and submodules.
    """
    folder = posixpath.normpath(root)
    while True:
        path = posixpath.join(folder, ".git")
        found = fs.stat(path)
        if found is not None and found.kind == "file":
            return _pointed_to(fs, folder, path)
        if found is not None and found.kind in ("dir", "link"):
            return path
        parent = posixpath.dirname(folder)
        if parent == folder:
            return None
        folder = parent


def _pointed_to(fs: Fs, folder: str, path: str) -> str | None:
    with contextlib.suppress(OSError):
        text = fs.read(path, GITDIR_LIMIT)
        if text.startswith(_POINTER):
            target = text[len(_POINTER) :].strip().decode("utf-8", "surrogateescape")
            return posixpath.join(folder, target) if target and "\0" not in target else None
    return None


def at_work(fs: Fs, root: str) -> Work | None:
    """What git keeps in its folder while it works; None when it does not.  Raises nothing."""
    try:
        folder = git_folder(fs, root)
        if folder is None:
            return None
        found = [(name, fs.stat(posixpath.join(folder, name))) for name in MARKERS]
    except OSError:
        return None
    markers = tuple((name, stat) for name, stat in found if stat is not None)
    return Work(markers) if markers else None
