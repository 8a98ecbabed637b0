"""Links: followed inside the home, refused as soon as they leave it, without a look at what is there."""

import posixpath
from enum import Enum
from typing import NamedTuple

from hal0_operator.seams.fs import Fs, Stat

MAX_LINKS = 40
"""As the kernel's own limit."""


class Astray(Enum):
    """Why a link leads to no file of the home."""

    LEAVES = "leaves"
    DANGLES = "dangles"
    CIRCLES = "circles"


class Found(NamedTuple):
    path: str
    stat: Stat


def root_of(fs: Fs, home: str) -> str | None:
    """The folder that a home is, when the home itself may be a link; None when there is none."""
    path = home
    for _ in range(MAX_LINKS):
        found = fs.stat(path)
        if found is None:
            return None
        if found.kind == "dir":
            return path
        if found.kind != "link":
            return None
        path = posixpath.join(posixpath.dirname(path), fs.readlink(path))
    return None


def follow(fs: Fs, root: str, relative: str, home: str) -> Found | Astray:
    """Where ``relative`` leads, one name at a time, so that nothing outside ``root`` is ever asked for.

    An absolute target counts as inside when it is written below ``root`` or below ``home``, the
    home's path as configured.  ``Found`` is never a link.  A circle leads to nothing as well.
    """
    found = walk(fs, root, relative, (root, home))
    return Astray.DANGLES if found is Astray.CIRCLES else found


def walk(fs: Fs, root: str, relative: str, bases: tuple[str, ...] = ()) -> Found | Astray:
    """As ``follow``, with circles told apart; ``bases`` are the folders below which an absolute target is inside."""
    todo = relative.split("/")[::-1]
    stack: list[str] = []
    found = fs.stat(root)
    links = 0
    while todo:
        name = todo.pop()
        if name in ("", "."):
            continue
        if name == "..":
            if not stack:
                return Astray.LEAVES
            stack.pop()
            continue
        path = posixpath.join(root, *stack, name)
        found = fs.stat(path)
        if found is None:
            return Astray.DANGLES
        if found.kind != "link":
            stack.append(name)
            continue
        links += 1
        if links > MAX_LINKS:
            return Astray.CIRCLES
        target = fs.readlink(path)
        if target.startswith("/"):
            base = next((base for base in bases if target.startswith(base.rstrip("/") + "/")), None)
            if base is None:
                return Astray.LEAVES
            stack.clear()
            target = target[len(base) :]
        todo += target.split("/")[::-1]
    path = posixpath.join(root, *stack)
    found = fs.stat(path)
    return Found(path, found) if found else Astray.DANGLES
