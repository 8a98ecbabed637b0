"""Home, state and locks: what the file systems can do, and who holds what."""

import contextlib
import fcntl
import glob
import os
import shutil
import tempfile
from collections.abc import Iterator

from hal0_operator.cli import inputs
from hal0_operator.cli.diagnosis.finding import Finding, fail, ok, warn
from hal0_operator.cli.following import followed, located
from hal0_operator.cli.options import Failed, Paths
from hal0_operator.home.lock import RUNTIME_FOLDER
from hal0_operator.home.state import STATE


def look(paths: Paths) -> Iterator[Finding]:
    repository = _repository(paths)
    if repository:
        yield _followed(paths, repository)
    else:
        yield _home(paths)
        yield from _exchange(paths)
    yield _state(paths)
    yield from _locks(paths)


def _repository(paths: Paths) -> str:
    """The repository that the settings follow, as it is named to people; settings with faults are told elsewhere."""
    with contextlib.suppress(Failed):
        return followed(paths, inputs.settings(paths))
    return ""


def _followed(paths: Paths, repository: str) -> Finding:
    if shutil.which("git") is None:
        return fail("home", f"follows {repository}, but git is not installed", "install the package git")
    try:
        folder = located(paths, inputs.settings(paths)).home
    except Failed as none:
        return warn("home", f"follows {repository}: {none}", "hal0ctl get source says why, while the operator runs")
    return ok("home", f"follows {repository}, its last revision is in {folder}")


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


def _state(paths: Paths) -> Finding:
    parent = paths.state_dir
    while not os.path.isdir(parent):
        parent = os.path.dirname(parent)
    if not os.access(parent, os.W_OK):
        return warn("state", f"{paths.state_dir} cannot be written by this user", "choose another --state-dir")
    return ok("state", f"{paths.state_dir} can be written")


def _exchange(paths: Paths) -> Iterator[Finding]:
    """Whether a change set can be put in place without a moment in which a person's save could be lost."""
    beside = _writable_beside(paths.home)
    if not beside:
        return
    try:
        with tempfile.TemporaryDirectory(dir=beside, prefix=".hal0-doctor-") as folder:
            one, two = (os.path.join(folder, name) for name in ("one", "two"))
            for name in (one, two):
                os.mkdir(name)
            inputs.files().exchange(one, two)
    except OSError as error:
        hint = "change sets then look right before they rename; a local file system such as ext4, xfs or btrfs is safer"
        yield warn("home", f"{paths.home}: {error.strerror}", hint)
        return
    yield ok("home", f"{paths.home}, files can be exchanged")


def _writable_beside(home: str) -> str:
    """A folder on the home's file system in which a try disturbs nobody: the writers' own, else the home's parent."""
    own = os.path.join(home, STATE)
    if os.path.isdir(own) and not os.path.islink(own) and os.access(own, os.W_OK):
        return own
    parent = os.path.dirname(os.path.realpath(home))
    same = os.path.isdir(home) and os.stat(parent).st_dev == os.stat(home).st_dev
    return parent if same and os.access(parent, os.W_OK) else ""


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
