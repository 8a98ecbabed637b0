"""A remote repository, and the revisions of it that are kept here as folders."""

from typing import Literal, Protocol

import msgspec

GitFaultKind = Literal[
    "unreachable",
    "auth",
    "host_key",
    "no_repository",
    "no_ref",
    "no_path",
    "timeout",
    "too_large",
    "unverified",
    "refused",
    "local",
]


class GitFault(Exception):
    """A call that did not come about; ``args[0]`` says what, why and what to do, and holds no credential.

    ``unreachable``: network or name.  ``no_ref`` and ``no_path``: the branch, tag, commit or folder is not there.
    ``too_large``: a bound on bytes, files or depth.  ``unverified``: no signature that counts.  ``refused``:
    something in the revision that is never followed (a link that leaves it).  ``local``: this machine failed it.
    """

    def __init__(self, kind: GitFaultKind, message: str) -> None:
        super().__init__(message)
        self.kind = kind


class Revision(msgspec.Struct, frozen=True):
    """``commit`` is the full id; ``committed_at`` RFC 3339 in UTC; ``signer`` who signed it, where that is verified."""

    commit: str
    author: str
    committed_at: str
    subject: str
    signer: str = ""


class Git(Protocol):
    """Blocking calls, one at a time.  Each raises ``GitFault``; whatever a killed one left is repaired by the next."""

    def tip(self) -> str:
        """The commit that the configured branch, tag or commit names now; one ``ls-remote``."""

    def fetch(self, commit: str) -> Revision:
        """Have this commit here, verified where that is asked for.  At once when it is."""

    def export(self, commit: str) -> str:
        """The read-only folder of the home in this commit, made whole or not at all.  At once when it is there."""

    def kept(self) -> tuple[Revision, ...]:
        """The revisions that are exported, newest use first."""

    def prune(self, keep: int, needed: frozenset[str]) -> None:
        """Remove exports that are not ``needed``, the longest unused first, until ``keep`` are left."""
