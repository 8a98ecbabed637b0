"""Links for which a revision is refused as a whole, looked for in a checkout.

A home that is a folder passes some of them over: an editor makes links to nothing, and they come and go.
"""

import contextlib
import posixpath
from collections.abc import Iterator

from hal0_operator.desired.links import CIRCLE, NOWHERE, OUTSIDE
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, SLOTS_FOLDER, is_slot_file, shown
from hal0_operator.home.links import Astray, Found, root_of, walk
from hal0_operator.seams.fs import Fs

_WHY = {
    Astray.DANGLES: NOWHERE,
    Astray.CIRCLES: CIRCLE,
    Astray.LEAVES: OUTSIDE,
}
_ABSOLUTE = (
    "is a link with an absolute target, which leaves a checkout: make it relative, or copy the file into the home"
)


def dead_links(fs: Fs, home: str) -> dict[str, str]:
    """What is wrong with each counted file of the home, or ``slots``, that is such a link; paths are relative to it.

    What cannot be looked at is left out: a reading says so.
    """
    root = root_of(fs, home)
    if root is None:
        return {}
    found: dict[str, str] = {}
    with contextlib.suppress(OSError):
        for name in _links(fs, root):
            target = walk(fs, root, name)
            if isinstance(target, Astray):
                absolute = target is Astray.LEAVES and isinstance(walk(fs, root, name, (root, home)), Found)
                found[shown(name)] = _ABSOLUTE if absolute else _WHY[target]
    return found


def _links(fs: Fs, root: str) -> Iterator[str]:
    for name in (PROFILES_FILE, OVERLAY_FILE, SLOTS_FOLDER):
        stat = fs.stat(posixpath.join(root, name))
        if stat is not None and stat.kind == "link":
            yield name
    slots = walk(fs, root, SLOTS_FOLDER)
    if isinstance(slots, Found) and slots.stat.kind == "dir":
        for name, stat in fs.scan(slots.path):
            if is_slot_file(name) and stat.kind == "link":
                yield f"{SLOTS_FOLDER}/{name}"
