"""Bounds on what a repository may make this machine fetch, hold and write."""

from typing import NamedTuple


class Limits(NamedTuple):
    """``fetched`` bytes of one pack; ``memory`` bytes of git's address space while it fetches; ``name`` of one name.

    ``file``, ``total`` and ``files`` as ``home.scan`` has them: bytes of one file, of all together, and files in
    ``slots``.  ``tree`` bytes of a folder's listing, ``commit`` of a commit; ``links`` that are followed in a row.
    """

    fetched: int = 268_435_456
    memory: int = 4_294_967_296
    file: int = 262_144
    total: int = 67_108_864
    files: int = 20_000
    tree: int = 16_777_216
    commit: int = 1_048_576
    links: int = 40
    name: int = 255


LISTING = 1_073_741_824
"""Bytes of git's address space while it asks what a remote has: a server may name branches without end."""
ANSWER = 1_048_576
"""Bytes of what git says to us; two lines are expected."""
COMPLAINT = 16_384
"""Bytes that are kept of what git complains about."""
TOKEN = 8_192
"""Bytes of a token file."""
PACKS = 20
"""Packs in the clone after which it is made anew: git's own tidying is switched off."""
