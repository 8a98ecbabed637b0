"""Every call by which the real file system seam reaches the kernel, counted and open to interference."""

import fcntl
import os
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from typing import Any

from hal0_operator.host import rename

Hook = Callable[[int, str, tuple[Any, ...]], None]
"""Gets the call's number from 1 on, its name and its arguments."""

CHANGING = ("write", "fsync", "rename", "renameat2", "unlink", "mkdir", "rmdir", "fchmod", "fchown", "ftruncate")
LOOKING = ("read", "lstat", "stat", "fstat", "scandir", "readlink", "access")
PLACES: dict[str, Any] = dict.fromkeys(("open", *CHANGING, *LOOKING), os) | {"flock": fcntl, "renameat2": rename}
ORIGINAL = {name: getattr(place, name) for name, place in PLACES.items()}
WRITES = ("open", "flock", *CHANGING)


@contextmanager
def interposed(
    before: Hook, after: Hook | None = None, names: tuple[str, ...] = WRITES, *, folders: bool = False
) -> Iterator[list[str]]:
    """Call the hooks around each call of the named ones, in this process; yields the calls so far.

    A hook that itself uses the machine is not counted, nor, without ``folders``, the opening of a folder on
    the way to a file: it changes nothing and tells nothing.
    """
    made: list[str] = []
    inside = False

    def wrapped(name: str) -> Callable[..., Any]:
        original = ORIGINAL[name]

        def call(*args: Any, **keys: Any) -> Any:
            nonlocal inside
            if inside or (name == "open" and args[1] & os.O_DIRECTORY and not folders):
                return original(*args, **keys)
            made.append(name)
            number = len(made)
            inside = True
            try:
                before(number, name, args)
            finally:
                inside = False
            try:
                return original(*args, **keys)
            finally:
                if after is not None:
                    inside = True
                    try:
                        after(number, name, args)
                    finally:
                        inside = False

        return call

    for name in names:
        setattr(PLACES[name], name, wrapped(name))
    try:
        yield made
    finally:
        for name in names:
            setattr(PLACES[name], name, ORIGINAL[name])
