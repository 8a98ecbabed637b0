"""Two locks: one operator for each home, and readers apart from a writer.

The kernel's flock decides, never a text in a file: a left-over file or a kill blocks nobody.
"""

import contextlib
import errno
import re
from collections.abc import Callable, Iterator

from hal0_operator.home.state import HOME_LOCK, STATE, is_own
from hal0_operator.model.digest import digest
from hal0_operator.seams.fs import FileLock, Fs

RUNTIME_FOLDER = "hal0-operator"
HOLDER_LIMIT = 4096
NPU_POLL_S, NPU_TRIES = 0.05, 100
_FILE_NAME = re.compile(r"[A-Za-z0-9_-][A-Za-z0-9._-]{0,63}")


class LockHeld(Exception):
    """Another process has the lock; the message says which, and what to do."""


def operator_lock_path(runtime: str, home_id: str) -> str:
    """``runtime`` is ``/run`` as root, else the user's runtime folder."""
    name = home_id if _FILE_NAME.fullmatch(home_id) else digest("home-id:1", home_id)
    return f"{runtime}/{RUNTIME_FOLDER}/{name}.lock"


def operator_lock(fs: Fs, path: str, home: str, pid: int) -> FileLock:
    """Become the one operator of a home until released or dead.

    Raises ``LockHeld`` when there is one, and OSError when the lock file cannot be made.
    """
    held = fs.lock(path, exclusive=True)
    if held is None:
        raise LockHeld(
            f"another operator already runs for the home {home}{_holder(fs, path)}: "
            "stop it first, or use `hal0ctl apply`, which asks the running one"
        )
    held.write(f"{pid}\n".encode())
    return held


def _holder(fs: Fs, path: str) -> str:
    """What the holder wrote, when that is a number: the file is no more than a note."""
    try:
        text = fs.read(path, HOLDER_LIMIT).strip()
    except OSError:
        return ""
    return f" (pid {text.decode()})" if text.isdigit() and len(text) < 12 else ""


@contextlib.contextmanager
def npu_turn(fs: Fs, runtime: str, pause: Callable[[float], None]) -> Iterator[None]:
    """Be the one operator of this machine that creates a container on the NPU.  Raises OSError after 5 s."""
    path = f"{runtime}/{RUNTIME_FOLDER}/npu.lock"
    for _ in range(NPU_TRIES):
        held = fs.lock(path, exclusive=True)
        if held is not None:
            break
        pause(NPU_POLL_S)
    else:
        raise TimeoutError(errno.ETIMEDOUT, "another operator is creating a container on the NPU", path)
    try:
        yield
    finally:
        held.release()


def write_lock(fs: Fs, root: str) -> FileLock:
    """Keep readers and other writers of a home out.  Raises ``LockHeld`` or OSError."""
    folder = f"{root}/{STATE}"
    if fs.stat(folder) is not None and not is_own(fs, root):
        raise NotADirectoryError(errno.ENOTDIR, "not a folder of its own, and a lock goes nowhere else", folder)
    held = fs.lock(f"{root}/{HOME_LOCK}", exclusive=True)
    if held is None:
        raise LockHeld(f"the home {root} is being read or written right now: try again")
    return held


def read_lock(fs: Fs, root: str) -> FileLock | None:
    """Keep writers out while reading; None where no writer ever made a lock.

    Raises ``LockHeld`` while a writer is at work, and OSError.
    """
    path = f"{root}/{HOME_LOCK}"
    if not is_own(fs, root) or fs.stat(path) is None:
        return None
    held = fs.lock(path, exclusive=False)
    if held is None:
        raise LockHeld("a change set is being written")
    return held
