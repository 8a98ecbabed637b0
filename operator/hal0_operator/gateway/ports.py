"""What the gateway needs of the loop."""

from typing import Protocol

from hal0_operator.routing.directory import Directory
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.standing import Standing


class Slots(Protocol):
    """Everything but ``wake`` answers at once, from memory.  ``slot`` is always one whose own container answers."""

    def directory(self) -> Directory: ...

    def stands(self, slot: str) -> Standing: ...

    def began(self, slot: str, container: str) -> None:
        """A request counts as one in flight on this container from now on, also while it waits for its turn."""
        ...

    def ended(self, slot: str, container: str) -> None:
        """Called exactly once for each ``began``, when the container has nothing left to do for the request."""
        ...

    def answered(self, slot: str, container: str) -> None:
        """Bytes of an answer came from this container: a sign of life."""
        ...

    def unanswered(self, slot: str, container: str) -> None:
        """A request had its time there and no answer began."""
        ...

    async def wake(self, slot: str) -> Standing | Failure:
        """Start an idle slot, and return once it may be asked, or cannot be.  Cancelled when the client goes."""
        ...
