"""Reading a revision of a git repository: a folder that nobody changes, and that another takes the place of."""

import msgspec

from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.home.read import Reader, Reading, source
from hal0_operator.home.scan import Scan, scan
from hal0_operator.seams.fs import Fs, Stat

NOTHING_YET = "no revision of the repository is here yet"
LATER_S = 3600.0
"""There is nothing to look for again: ``point`` comes with a hint."""
AGAIN_S = 1.0


class ExportedReader(Reader):
    """``home`` is the repository as it is named to people; ``point`` says which revision is to be read.

    A revision is read once, whole, and never again: what somebody does to its folder later is not the repository's.
    A file that is one with that of the revision before is not read again.
    ``failing``: the machine could not read it at the last look.
    """

    def __init__(self, fs: Fs, home: str) -> None:
        super().__init__(fs, home)
        self._at = ("", "")
        self._whole: HomeFiles | None = None
        self._before: dict[str, tuple[Stat, SourceFile]] = {}
        self._stand_in: HomeFiles | None = None
        self.failing = False

    @property
    def commit(self) -> str:
        """The revision that is to be read; ``""`` before the first."""
        return self._at[1]

    @property
    def settles(self) -> bool:
        """A look will be decided."""
        return bool(self._at[0]) or self._stand_in is not None

    def has(self, commit: str) -> bool:
        """It is the one that is to be read, and nothing was amiss with it so far."""
        return commit == self.commit and not self.failing

    def point(self, folder: str, commit: str) -> None:
        """Read this folder from the next look on; one assignment, so a look sees the one or the other."""
        self.failing = False
        self._at = (folder, commit)

    def point_at_none(self) -> None:
        """Nothing that was in force can be read here any more: nothing of it changes, and that is said."""
        self._stand_in = HomeFiles({}, lost=f"{NOTHING_YET}; the last one stays in force until one is fetched")

    def look(self, now: float) -> Reading:
        """As a folder's reader, but without waiting for it to stand still."""
        folder, commit = self._at
        if not folder and self._stand_in is not None:
            return Reading(self._stand_in, settled=True)
        if not folder:
            files = HomeFiles({}, busy=NOTHING_YET)
            return Reading(files, settled=False, again_at=now + LATER_S)
        if self._whole is None or self._whole.revision != commit:
            seen, found, whole = self._read_folder(folder, commit)
            self.failing = not whole
            if not whole:
                shown = msgspec.structs.replace(self._whole or HomeFiles({}), busy=f"{folder} cannot be read")
                return Reading(shown, settled=False, again_at=now + AGAIN_S)
            self._whole = files = self._same(found)
            self._before = {file: (stat, files.files[file]) for file, stat in seen.files.items()}
        self._files = self._whole
        return Reading(self._whole, settled=True)

    def now(self, *, held: bool = False) -> HomeFiles:
        """The revision that is in force or is about to be; nobody writes it, so nothing is to be ``held``."""
        del held
        folder, commit = self._at
        if self._whole is not None and self._whole.revision == commit:
            return self._whole
        return self._read_folder(folder, commit)[1] if folder else HomeFiles({}, busy=NOTHING_YET)

    def _read_folder(self, folder: str, commit: str) -> tuple[Scan, HomeFiles, bool]:
        """What a look found, the files, and whether each was read that can be."""
        found = scan(self.fs, folder)
        files = {file: self._read_before(found, file) or source(self.fs, found, file) for file in found.names}
        unread = any(text.refused and file not in found.refused for file, text in files.items())
        whole = bool(found.root) and not found.failed and not unread
        return found, HomeFiles(files, slots_folder=found.slots_folder, revision=commit), whole

    def _read_before(self, found: Scan, file: str) -> SourceFile | None:
        """The text of the revision before, where both have one file under two names."""
        now, before = found.files.get(file), self._before.get(file)
        if now is None or before is None or file in found.refused:
            return None
        stat, text = before
        # another name of a file that nobody wrote to changes nothing but its ctime
        same = stat[:4] == now[:4] and stat.kind == now.kind
        return text if same and not text.refused else None
