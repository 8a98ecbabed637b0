"""Reaching a file below a folder name by name, so that no link is followed on the way to it."""

import contextlib
import errno
import os
from collections.abc import Iterator


@contextlib.contextmanager
def folder_of(path: str, below: str) -> Iterator[tuple[str, int | None]]:
    """A path's last name and a descriptor of the folder that it stands in, for ``dir_fd``.

    Without ``below`` that is the path itself and None.  Raises OSError: ``ENOTDIR`` for a link on the way,
    ``EINVAL`` for a path that does not lie in ``below``.
    """
    if not below:
        yield path, None
        return
    base = below.rstrip("/") + "/"
    *folders, name = path.removeprefix(base).split("/")
    folders = [folder for folder in folders if folder]
    if not path.startswith(base) or name in ("", ".", "..") or ".." in folders:
        raise OSError(errno.EINVAL, f"not below {below}", path)
    here = os.open(below, os.O_PATH | os.O_DIRECTORY | os.O_CLOEXEC)
    try:
        for folder in folders:
            above = here
            here = os.open(folder, os.O_PATH | os.O_DIRECTORY | os.O_NOFOLLOW | os.O_CLOEXEC, dir_fd=above)
            os.close(above)
        yield name, here
    finally:
        os.close(here)
