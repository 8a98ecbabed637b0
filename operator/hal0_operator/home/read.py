"""Reading a home: only what stands still counts, and what has not changed is not read again."""

import contextlib
from collections.abc import Iterator

import msgspec

from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.home import git
from hal0_operator.home.journal import Laid, laid_over
from hal0_operator.home.lock import LockHeld, read_lock
from hal0_operator.home.scan import FILE_LIMIT, Scan, scan
from hal0_operator.seams.fs import Fs

SETTLE_S = 0.03
"""Between the two looks that must see the same.  Files are read at the second one only, so that
none can have changed within one tick (4 to 10 ms) of the file system's clock after it was read."""
UNFINISHED_S = 2.0
"""How long a file without a final newline must stand still: it looks like one half written."""
PATIENCE_S = 60.0
"""The longest wait for git to move, or for a home in which something changes at every look."""
GIT_POLL_S = 0.2
LOCK_POLL_S = 0.05
ONCE_TRIES = 3


class Reading(msgspec.Struct, frozen=True):
    """What a look came to.

    ``settled``: ``files`` is the home as it is now, the same object as long as nothing changes.
    Else it is the last settled reading (an empty one that is ``busy`` before the first), and one
    must look again at ``again_at`` (monotonic seconds), or at any hint before.
    """

    files: HomeFiles
    settled: bool
    again_at: float | None = None


class Reader:
    """Remembers its looks.  It never waits, never sleeps and never raises."""

    def __init__(self, fs: Fs, home: str) -> None:
        self.fs = fs
        self.home = home
        self._seen: Scan | None = None
        self._changed_at = 0.0
        self._since: dict[str, float] = {}
        self._git: tuple[git.Work, Scan] | None = None
        self._git_since = 0.0
        self._settled: Scan | None = None
        self._counted: Scan | None = None
        self._unsettled_at: float | None = None
        self._texts: dict[str, SourceFile] = {}
        self._files: HomeFiles | None = None

    def look(self, now: float) -> Reading:
        """Look once, at ``now`` (monotonic seconds)."""
        found = scan(self.fs, self.home)
        self._note(found, now)
        work = git.at_work(self.fs, found.root) if found.root else None
        if self._git_moves(work, found, now):
            return self._wait(f"git is at work in the home ({work.names if work else ''})", now + GIT_POLL_S)
        if found == self._settled and self._files is not None:
            self._unsettled_at = None
            return Reading(self._files, settled=True)
        self._unsettled_at = now if self._unsettled_at is None else self._unsettled_at
        patient = now < self._unsettled_at + PATIENCE_S
        still_at = self._changed_at + SETTLE_S
        if patient and now < still_at:
            return self._wait("", still_at)
        try:
            with _shared(self.fs, found.root):
                return self._read(found, now, patient)
        except LockHeld as held:
            return self._wait(str(held), now + LOCK_POLL_S)

    def now(self, *, held: bool = False) -> HomeFiles:
        """The home as it is at this moment, without the wait until it stands still; no look notices.

        ``held``: the caller holds the write lock.
        """
        if not held:
            return self._same(read_once(self.fs, self.home))
        found = scan(self.fs, self.home)
        fresh = {file: source(self.fs, found, file) for file in self._changed(found)}
        texts = {file: fresh.get(file) or self._texts[file] for file in found.names}
        return self._same(HomeFiles(texts, slots_folder=found.slots_folder))

    def adopt(self, files: HomeFiles) -> None:
        """What was just written counts as read: the next look decodes none of it anew."""
        self._files = files

    def _same(self, files: HomeFiles) -> HomeFiles:
        """The same objects for what has not changed since the last settled look."""
        shown = self._files.files if self._files else {}
        same = {file: shown[file] if shown.get(file) == text else text for file, text in files.files.items()}
        return msgspec.structs.replace(files, files=same)

    def _note(self, found: Scan, now: float) -> None:
        """Remember since when each file, and the home as a whole, has stood still."""
        before = self._seen
        if before == found:
            return
        self._seen = found
        self._changed_at = now
        old = before.files if before else {}
        self._since = {file: self._since[file] if old.get(file) == stat else now for file, stat in found.files.items()}

    def _git_moves(self, work: git.Work | None, found: Scan, now: float) -> bool:
        """Whether to wait for git; what nothing moves for a minute is left over, or waits for a person."""
        if work is None:
            self._git = None
            return False
        if self._git != (work, found):
            self._git = (work, found)
            self._git_since = now
        return now < self._git_since + PATIENCE_S

    def _wait(self, busy: str, until: float) -> Reading:
        files = self._files or HomeFiles({}, busy="the home is being read for the first time")
        return Reading(msgspec.structs.replace(files, busy=busy) if busy else files, settled=False, again_at=until)

    def _read(self, found: Scan, now: float, patient: bool) -> Reading:
        """Read what changed, and count it when it is finished and nothing moved meanwhile."""
        fresh = {file: source(self.fs, found, file) for file in self._changed(found)}
        texts = {file: fresh.get(file) or self._texts[file] for file in found.names}
        try:
            laid = laid_over(self.fs, found, texts)
        except OSError as error:
            return self._wait(_unread(error), now + LOCK_POLL_S)
        after = scan(self.fs, self.home)
        if after != found:
            self._note(after, now)
            if patient:
                return self._wait("", now + SETTLE_S)
        unfinished = {
            file: self._since[file] + UNFINISHED_S
            for file, text in fresh.items()
            if not text.refused and not text.data.endswith(b"\n") and file in self._since
        }
        ready_at = max(unfinished.values(), default=now)
        if patient and now < ready_at:
            names = ", ".join(sorted(file for file, at in unfinished.items() if now < at))
            return self._wait(f"{names} may still be being written: it has no final newline", ready_at)
        return self._settle(found, texts, laid)

    def _changed(self, found: Scan) -> list[str]:
        """Files whose text may differ from the counted one."""
        last = self._texts
        counted = self._counted.files if self._counted else {}
        return [
            file
            for file in found.names
            if file not in last
            or counted.get(file) != found.files.get(file)
            or last[file].refused != found.refused.get(file, "")
        ]

    def _settle(self, found: Scan, texts: dict[str, SourceFile], laid: Laid) -> Reading:
        # A touched file, or one rewritten with the same text, needs no decoding.
        shown = self._files.files if self._files else {}
        files = {file: shown[file] if shown.get(file) == text else text for file, text in laid.texts.items()}
        failed = any(text.refused and file not in found.refused for file, text in (*texts.items(), *files.items()))
        self._texts = texts if laid.pending else files
        self._counted = found
        # What could not be read is tried again at every look, although its stat does not change.
        self._settled = None if failed else found
        self._unsettled_at = None
        now = _home_files(files, laid)
        if self._files is None or not _identical(self._files, now):
            self._files = now
        return Reading(self._files, settled=True)


def _identical(one: HomeFiles, other: HomeFiles) -> bool:
    """Nothing is to be decided anew.  Equal texts are the same objects by now."""
    if (one.slots_folder, one.pending, one.busy) != (other.slots_folder, other.pending, other.busy):
        return False
    return one.files.keys() == other.files.keys() and all(one.files[name] is text for name, text in other.files.items())


def _home_files(files: dict[str, SourceFile], laid: Laid) -> HomeFiles:
    return HomeFiles(files, slots_folder=laid.slots_folder, pending=laid.pending)


def _unread(error: OSError) -> str:
    return f"a committed change set cannot be read ({error.strerror or error})"


def read_once(fs: Fs, home: str) -> HomeFiles:
    """The home as it is at this moment, with every check but the wait until it stands still."""
    busy = "a change set is being written"
    for last_try in (*[False] * (ONCE_TRIES - 1), True):
        found = scan(fs, home)
        with contextlib.suppress(LockHeld), _shared(fs, found.root):
            files = {file: source(fs, found, file) for file in found.names}
            try:
                laid = laid_over(fs, found, files)
            except OSError as error:
                busy = _unread(error)
                continue
            if last_try or scan(fs, home) == found:
                return _home_files(dict(laid.texts), laid)
    return HomeFiles({}, slots_folder=False, busy=busy)


def source(fs: Fs, found: Scan, file: str) -> SourceFile:
    """One counted file's text, or why there is none."""
    if file in found.refused:
        return SourceFile(file, refused=found.refused[file])
    try:
        data = fs.read(found.path(file), FILE_LIMIT, below=found.root)
    except OSError as error:
        return SourceFile(file, refused=f"cannot be read: {error.strerror or error}")
    if len(data) > FILE_LIMIT:
        return SourceFile(file, refused=f"has more than the {FILE_LIMIT} bytes that a file of a home may have")
    return SourceFile(file, data)


@contextlib.contextmanager
def _shared(fs: Fs, root: str) -> Iterator[None]:
    """Keep writers of change sets out, where there are any.  Raises ``LockHeld``.

    A home in which the first writer ever appears while it is read has changed by then, which the
    look after the reading sees.
    """
    try:
        held = read_lock(fs, root) if root else None
    except OSError:  # a reader without rights to the lock is as good as one without a lock
        held = None
    try:
        yield
    finally:
        if held is not None:
            held.release()
