"""A home as it is in a revision of the git checkout that it lies in; nothing is checked out, and no hook is run."""

import os
import posixpath
import subprocess
from typing import NamedTuple

from hal0_operator.cli.options import Failed
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, is_slot_file
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.home.scan import FILE_LIMIT, FILES_LIMIT

TIMEOUT_S = 60.0
_ENVIRONMENT = {
    "GIT_OPTIONAL_LOCKS": "0",
    "GIT_TERMINAL_PROMPT": "0",
    "GIT_NO_REPLACE_OBJECTS": "1",
    "GIT_NO_LAZY_FETCH": "1",
    "LC_ALL": "C",
}
_LINK, _SUBMODULE = "120000", "160000"


class _Entry(NamedTuple):
    mode: str
    id: str
    size: int


def files_at(home: str, revision: str) -> HomeFiles:
    """The files of ``home`` as they are in ``revision``.  Raises ``Failed``."""
    commit = _git(home, "rev-parse", "--verify", "--quiet", "--end-of-options", f"{revision}^{{commit}}")
    if commit is None:
        raise Failed(f"{revision!r} is neither a folder nor a revision of the git checkout in {home}")
    folder = (_git(home, "rev-parse", "--show-prefix") or b"").decode("utf-8", "surrogateescape").strip().rstrip("/")
    listed = _git(home, "ls-tree", "-r", "-z", "-l", "--full-tree", f"{commit.decode().strip()}:{folder}")
    if listed is None:
        raise Failed(f"{revision} has no folder {folder}")
    entries = _entries(listed)
    if len(entries) > FILES_LIMIT:
        raise Failed(f"{revision} holds {len(entries)} files of a home, more than {FILES_LIMIT}")
    files = {name: _source(home, name, entry) for name, entry in entries.items()}
    return HomeFiles(files, slots_folder=any(name.startswith(f"{SLOTS_FOLDER}/") for name in files), revision=revision)


def _entries(listed: bytes) -> dict[str, _Entry]:
    """What counts of ``ls-tree``'s ``MODE TYPE ID SIZE<tab>PATH`` lines."""
    found = {}
    for row in filter(None, listed.decode("utf-8", "surrogateescape").split("\0")):
        about, _, name = row.partition("\t")
        mode, _, id, size = about.split()
        folder, file = posixpath.split(name)
        counts = name in (PROFILES_FILE, OVERLAY_FILE) or (folder == SLOTS_FOLDER and is_slot_file(file))
        if counts and mode != _SUBMODULE:
            found[name] = _Entry(mode, id, int(size))
    return found


def _source(home: str, name: str, entry: _Entry) -> SourceFile:
    if entry.mode == _LINK:
        return SourceFile(name, refused="is a link, which is not followed in a revision: commit the file itself")
    if entry.size > FILE_LIMIT:
        return SourceFile(name, refused=f"has more than the {FILE_LIMIT} bytes that a file of a home may have")
    return SourceFile(name, _git(home, "cat-file", "blob", entry.id) or b"")


def _git(home: str, *words: str) -> bytes | None:
    """What git answers; None when it refuses.  Raises ``Failed`` where there is no git."""
    # A hook is run with variables that name another repository than the one of the folder.
    environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")} | _ENVIRONMENT
    words = ("git", "-c", "safe.directory=*", "-c", "core.fsmonitor=false", "-C", home, *words)
    try:
        done = subprocess.run(
            words, env=environ, capture_output=True, timeout=TIMEOUT_S, check=False, stdin=subprocess.DEVNULL
        )
    except (OSError, subprocess.TimeoutExpired) as failed:
        raise Failed(f"git could not be asked about {home}: {failed}") from failed
    return done.stdout if done.returncode == 0 else None
