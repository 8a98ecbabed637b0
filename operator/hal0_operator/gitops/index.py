"""What is exported: a small file beside the exports, newest use first."""

import msgspec

from hal0_operator.gitops import folders
from hal0_operator.seams.git import Revision

FILE = "index.json"
LIMIT = 16_777_216
"""Bytes of an index; a thousand revisions have some 300,000."""


class Index(msgspec.Struct, frozen=True):
    """``source`` says of what the exports are made: of another one they do not count.

    ``stamps``: how each stood when it was written, by commit.
    """

    source: str = ""
    revisions: tuple[Revision, ...] = ()
    stamps: dict[str, str] = {}

    def find(self, commit: str) -> Revision | None:
        return next((revision for revision in self.revisions if revision.commit == commit), None)

    def used(self, revision: Revision, stamp: str) -> "Index":
        """With this one first."""
        others = tuple(other for other in self.revisions if other.commit != revision.commit)
        return Index(self.source, (revision, *others), self.stamps | {revision.commit: stamp})

    def without(self, commits: frozenset[str]) -> "Index":
        stamps = {commit: stamp for commit, stamp in self.stamps.items() if commit not in commits}
        return Index(self.source, tuple(r for r in self.revisions if r.commit not in commits), stamps)


def load(folder: str, source: str) -> Index:
    """The index of exports of this source; an empty one where it is of another, missing or damaged.

    Raises OSError where it is there and cannot be read.
    """
    try:
        with open(f"{folder}/{FILE}", "rb") as file:
            found = msgspec.json.decode(file.read(LIMIT), type=Index)
    except (FileNotFoundError, msgspec.DecodeError, UnicodeDecodeError):
        return Index(source)
    return found if found.source == source else Index(source)


def store(folder: str, index: Index) -> None:
    """Raises OSError; the old one stays then."""
    folders.write_atomic(f"{folder}/{FILE}", msgspec.json.format(msgspec.json.encode(index), indent=1))
