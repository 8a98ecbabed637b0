"""What the surfaces may ask about the repository that a home comes from."""

from collections import Counter
from typing import Literal, Protocol

import msgspec

Delivery = Literal["accepted", "replayed", "limited", "wrong"]
"""What became of a call of the webhook."""


class SourceFigures(msgspec.Struct, frozen=True, kw_only=True):
    """Of a home that follows git: ``syncs`` and ``webhooks`` by result; ``commit``, short, is in force.

    ``refused``: the newest revision is not.
    """

    syncs: dict[tuple[str], int] = {}
    webhooks: dict[tuple[str], int] = {}
    age_seconds: float = 0
    commit: str = ""
    refused: bool = False
    suspended: bool = False
    held: bool = False


class Remote(Protocol):
    """Wishes raise ``loop.view.Refused``; each answers with what a person should know."""

    def sync(self) -> str:
        """Look at the repository now."""
        ...

    async def synced(self) -> None:
        """Return once a look that was begun after this call was decided and acted on."""
        ...

    def suspend(self, by: str, reason: str) -> str: ...
    def resume(self) -> str: ...
    def rollback(self, revision: str, by: str) -> str:
        """Put a kept revision into force, and hold it; ``""``: the one before that in force or held."""
        ...

    def delivered(self, delivery: Delivery) -> None:
        """A call of the webhook: counted, and a hint when it was accepted."""
        ...

    def figures(self) -> SourceFigures: ...


def counted(counter: "Counter[str]") -> dict[tuple[str], int]:
    """A counter by label values."""
    return {(result,): count for result, count in counter.items()}
