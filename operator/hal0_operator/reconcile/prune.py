"""The prune guard: when so many slot files vanish that it is more likely an accident."""

from collections.abc import Iterable

import msgspec


class Vanished(msgspec.Struct, frozen=True):
    """Slots whose files went and that are kept all the same, and why; empty when nothing is held.

    ``counted`` are the slots that it was judged by: whoever holds hands them to the next judgement.
    """

    slots: frozenset[str] = frozenset()
    why: str = ""
    counted: frozenset[str] = frozenset()


def guard(
    counted: Iterable[str], present: Iterable[str], *, slots_folder: bool, held: frozenset[str] = frozenset()
) -> Vanished:
    """``counted`` are admitted slots that own a container or are enabled, ``present`` those with a file.

    Held when all of the counted vanished, when three or more and over half of them did, or when
    the ``slots`` folder itself is missing.  ``held`` are those that a hold in force was judged by:
    slots that were added since do not weaken it, or it would end at the next look at the same files.
    """
    now = frozenset(counted)
    gone = now.difference(present)
    if not gone:
        return Vanished()
    known = held | gone if held else now
    if not slots_folder:
        why = "the slots folder is missing"
    elif gone == known:
        why = "all slot files are gone" if len(known) > 1 else "the last slot file is gone"
    elif len(gone) >= 3 and 2 * len(gone) > len(known):
        why = f"{len(gone)} of {len(known)} slot files are gone"
    else:
        return Vanished()
    names = ", ".join(sorted(gone))
    message = f"{why}: nothing is removed ({names}); `hal0ctl resume --prune` approves it"
    return Vanished(gone, message, known)
