"""Journals that no writer of this program made."""

from pathlib import Path
from typing import Any

import msgspec

from hal0_operator.home.commit import Recovered, writing
from hal0_operator.home.journal import content_digest
from hal0_operator.host.fs import HostFs
from tests.home.change_sets import OLD, never

CHAT = "slots/chat.toml"
STAGE = "0123456789abcdef-0"


def entry(**more: Any) -> dict[str, Any]:
    old, new = content_digest(OLD[CHAT]), content_digest(b"evil\n")
    return {"file": CHAT, "path": CHAT, "old": old, "new": new, "stage": STAGE} | more


def plant(home: Path, *entries: dict[str, Any], staged: bytes | None = b"evil\n", **more: Any) -> None:
    """A journal that was not written by this program."""
    (home / ".hal0/stage").mkdir(parents=True)
    if staged is not None:
        (home / ".hal0/stage" / STAGE).write_bytes(staged)
    (home / ".hal0/journal").write_bytes(msgspec.json.encode({"schema": 1, "entries": entries} | more))


def recovered(home: Path) -> Recovered | None:
    """What the next writer finds of a change set that was not finished."""
    with writing(HostFs(), str(home), never) as held:
        return held.recovered
