"""The folder ``.hal0`` of a home: what its writers keep there, and nobody else."""

from hal0_operator.seams.fs import Fs

STATE = ".hal0"
HOME_LOCK = ".hal0/lock"
IGNORE = ".hal0/.gitignore"
"""Says ``*``: nothing of the folder is part of what a person commits."""
STAGE = ".hal0/stage"
"""New contents before a commit, old ones after it."""
JOURNAL = ".hal0/journal"
"""By its name a change set is committed."""
UNCOMMITTED = ".hal0/journal.new"


def is_own(fs: Fs, root: str) -> bool:
    """Whether a home has that folder, and not a link or a file in its place.  Raises OSError."""
    found = fs.stat(f"{root}/{STATE}")
    return found is not None and found.kind == "dir"
