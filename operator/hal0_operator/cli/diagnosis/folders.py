"""Home, state and locks: what the file systems can do, and who holds what."""

import ctypes
import errno
import fcntl
import glob
import os
import tempfile
from collections.abc import Iterator

from hal0_operator.cli.diagnosis.finding import Finding, fail, ok, warn
from hal0_operator.cli.options import Paths
from hal0_operator.home.lock import RUNTIME_FOLDER

AT_FDCWD = -100
RENAME_EXCHANGE = 2


def look(paths: Paths) -> Iterator[Finding]:
    yield _home(paths)
    yield _exchange(paths)
    yield from _locks(paths)


def _home(paths: Paths) -> Finding:
    if not os.path.isdir(paths.home):
        return warn("home", f"{paths.home} is no folder", "hal0ctl init writes one; --home names another")
    try:
        descriptor = os.open(paths.home, os.O_RDONLY | os.O_DIRECTORY)
    except OSError as error:
        return fail("home", f"{paths.home}: {error.strerror}", "run as a user who may read it")
    try:
        fcntl.flock(descriptor, fcntl.LOCK_SH | fcntl.LOCK_NB)
    except BlockingIOError:
        return ok("home", f"{paths.home}, locked by a writer just now")
    except OSError as error:
        return fail("home", f"{paths.home}: no flock here ({error.strerror})", "keep the home on a local file system")
    finally:
        os.close(descriptor)
    return ok("home", f"{paths.home}, flock works")


def _exchange(paths: Paths) -> Finding:
    """Tried beside the state, and only there: nothing in a home is touched."""
    parent = paths.state_dir
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    if not os.access(parent, os.W_OK):
        return warn("state", f"{paths.state_dir} cannot be written by this user", "choose another --state-dir")
    with tempfile.TemporaryDirectory(dir=parent, prefix=".hal0-doctor-") as folder:
        one, two = (os.path.join(folder, name) for name in ("one", "two"))
        for name in (one, two):
            os.mkdir(name)
        libc = ctypes.CDLL(None, use_errno=True)
        if libc.renameat2(AT_FDCWD, one.encode(), AT_FDCWD, two.encode(), RENAME_EXCHANGE) == 0:
            return ok("state", f"{paths.state_dir}, exchange of names works")
        code = ctypes.get_errno()
    hint = "use a local file system such as ext4, xfs or btrfs"
    why = "the file system cannot exchange names" if code == errno.EINVAL else os.strerror(code)
    return warn("state", f"{paths.state_dir}: {why}", hint)


def _locks(paths: Paths) -> Iterator[Finding]:
    lock_folder = os.path.join(paths.runtime_dir, RUNTIME_FOLDER)
    files = sorted(glob.glob(os.path.join(glob.escape(lock_folder), "*.lock")))
    held = [text for file in files if (text := _holder(file))]
    for text in held:
        yield ok("operator", f"running for home id {text}")
    if not held:
        yield ok("operator", f"none is running (no lock is held in {lock_folder})")


def _holder(file: str) -> str:
    """Home id and pid of a lock's holder; ``""`` when nobody holds it."""
    try:
        with open(file, encoding="utf-8", errors="replace") as lock:
            try:
                fcntl.flock(lock, fcntl.LOCK_SH | fcntl.LOCK_NB)
            except BlockingIOError:
                return f"{os.path.basename(file).removesuffix('.lock')}, pid {lock.read(20).strip() or 'unknown'}"
    except OSError:
        return ""
    return ""
