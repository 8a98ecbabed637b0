"""A change set as people read it."""

import difflib
from collections.abc import Iterator

from hal0_operator.changes.change_set import FileChange
from hal0_operator.runtimes.secrets import masked_row

NOTHING = "/dev/null"


def unified(change: FileChange) -> Iterator[str]:
    """The rows of a unified diff, without line ends; literal secrets are masked."""
    old, new = _rows(change.old), _rows(change.new)
    before = NOTHING if change.old is None else f"a/{change.file}"
    after = NOTHING if change.new is None else f"b/{change.file}"
    for row in difflib.unified_diff(old, new, before, after, lineterm=""):
        yield masked_row(row)


def _rows(data: bytes | None) -> list[str]:
    return (data or b"").decode(errors="replace").removeprefix("\ufeff").splitlines()
