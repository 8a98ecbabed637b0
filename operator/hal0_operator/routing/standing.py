"""How a slot stands at this instant, as far as a request must know."""

import msgspec

from hal0_operator.model.status import Phase


class Standing(msgspec.Struct, frozen=True, kw_only=True):
    """``container`` is the id of the one that may be asked, ``""`` when none may: a probe has passed on it and no
    call of ours that ends it has begun.  ``drains`` is the id of one that still answers the requests that it has, and
    is sent no new ones.

    ``why`` is the first thing in the way, ``retry_s`` the seconds after which trying again may help (``None``:
    waiting does not help).  ``back_s`` is what its last start took, where it is away for a start by our own doing and
    not overdue, else ``None``.  ``wakes``: a request starts it.  ``failed_roles`` are roles of the NPU process that do
    not answer, ``rejected_roles`` those of them that it did not start with.
    """

    phase: Phase
    container: str = ""
    drains: str = ""
    port: int = 0
    why: str = ""
    retry_s: float | None = None
    back_s: float | None = None
    wakes: bool = False
    failed_roles: tuple[str, ...] = ()
    rejected_roles: tuple[str, ...] = ()

    def keeps(self, container: str) -> bool:
        """Whether a request that counts on this container is answered by it, also when others are sent elsewhere."""
        return container in (self.container, self.drains)
