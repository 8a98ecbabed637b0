"""The clone: a bare repository that is a cache and nothing else.  What looks odd in it is thrown away, not mended."""

import contextlib
import errno
import fcntl
import hashlib
import os
import stat as modes

from hal0_operator.gitops import folders
from hal0_operator.gitops.limits import PACKS

LOCK = "hal0.lock"
HEAD = "ref: refs/heads/none\n"
CONFIG = "[core]\n\trepositoryformatversion = {version}\n\tbare = true\n{more}"
SHA256 = "[extensions]\n\tobjectformat = sha256\n"
KNOWN = frozenset({"HEAD", "config", "objects", "refs", "shallow", "packed-refs", LOCK})
"""All that may stand in the clone; git adds nothing else with the calls that are made."""
SHA256_DIGITS = 64


class Clone:
    """One clone below ``folder``, by the address that it is of.  Calls raise OSError.

    Each new one has a name that none had before: a git that outlived its operator writes by that name, and what it
    writes then is nobody's.
    """

    def __init__(self, folder: str, url: str) -> None:
        self._parent, self._id = folder, hashlib.sha256(url.encode()).hexdigest()[:16]
        self.path = ""
        self._lock = -1

    def open(self, digits: int) -> int:
        """A clone that can be fetched into, made anew where the one that is there cannot be trusted.

        ``digits`` of an id say which hash it is for.  Answers with the descriptor of its lock, which every process
        that works in the clone holds.  Everything else below ``folder`` is removed.
        """
        if self._holds_lock() and self._sound(digits):
            return self._lock
        self.close()
        os.makedirs(self._parent, mode=0o700, exist_ok=True)
        for name in folders.names(self._parent):
            if self._lock < 0 and name.startswith(self._id):
                self.path = f"{self._parent}/{name}"
                if self._sound(digits) and self._take_lock():
                    continue
            _try_to_remove(f"{self._parent}/{name}")
        if self._lock < 0:
            self.path = f"{self._parent}/{self._id}-{os.urandom(4).hex()}"
            self._make(digits)
            if not self._take_lock():
                raise OSError(errno.EAGAIN, "another process works in it", self.path)
        return self._lock

    def discard(self) -> None:
        """Throw the clone away."""
        self.close()
        if self.path:
            _try_to_remove(self.path)

    def close(self) -> None:
        if self._lock >= 0:
            os.close(self._lock)
            self._lock = -1

    def crowded(self) -> bool:
        """Whether it holds more packs than are worth keeping."""
        return len({name.partition(".")[0] for name in folders.names(f"{self.path}/objects/pack")}) > PACKS

    def largest(self) -> int:
        """Bytes of the largest pack, whole or not."""
        packs = f"{self.path}/objects/pack"
        return max((os.lstat(f"{packs}/{name}").st_size for name in folders.names(packs)), default=0)

    def _make(self, digits: int) -> None:
        for name in ("", "/objects", "/objects/pack", "/refs"):
            os.mkdir(self.path + name, 0o700)
        for name, text in (("HEAD", HEAD), ("config", _config(digits))):
            folders.write_file(os.fsencode(f"{self.path}/{name}"), text.encode())

    def _sound(self, digits: int) -> bool:
        """Whether it is ours, with our configuration, nothing that git would read besides, and no leftovers."""
        try:
            found = os.lstat(self.path)
            if not modes.S_ISDIR(found.st_mode) or found.st_uid != os.geteuid():
                return False
            if not set(os.listdir(self.path)) <= KNOWN or os.path.lexists(f"{self.path}/objects/info"):
                return False
            written = _is(f"{self.path}/HEAD", HEAD) and _is(f"{self.path}/config", _config(digits))
            return written and not self._leftovers()
        except OSError:
            return False

    def _leftovers(self) -> bool:
        """What a git that was killed leaves: locks, and packs that are not whole."""
        packs = os.listdir(f"{self.path}/objects/pack")
        return any(name.startswith("tmp_") or name.endswith(".lock") for name in packs) or any(
            name.endswith(".lock")
            for folder, _, files in os.walk(f"{self.path}/refs")
            for name in (*files, os.path.basename(folder))
        )

    def _holds_lock(self) -> bool:
        """Whether the lock that is held is that of the folder that is there now."""
        try:
            return self._lock >= 0 and os.path.samestat(os.fstat(self._lock), os.lstat(f"{self.path}/{LOCK}"))
        except OSError:
            return False

    def _take_lock(self) -> bool:
        self.close()
        flags = os.O_RDWR | os.O_CREAT | os.O_NOFOLLOW | os.O_CLOEXEC
        descriptor = os.open(f"{self.path}/{LOCK}", flags, 0o600)
        try:
            fcntl.flock(descriptor, fcntl.LOCK_EX | fcntl.LOCK_NB)
        except BlockingIOError:
            os.close(descriptor)
            return False
        self._lock = descriptor
        return True


def _try_to_remove(path: str) -> None:
    """What somebody still writes to may stay; a later call removes it."""
    with contextlib.suppress(OSError):
        folders.remove(path)


def _config(digits: int) -> str:
    long = digits == SHA256_DIGITS
    return CONFIG.format(version=int(long), more=SHA256 if long else "")


def _is(path: str, text: str) -> bool:
    descriptor = os.open(path, os.O_RDONLY | os.O_NOFOLLOW | os.O_NONBLOCK | os.O_CLOEXEC)
    try:
        return os.read(descriptor, len(text) + 1) == text.encode()
    finally:
        os.close(descriptor)
