"""What the loop remembers about a slot across its own restarts."""

import msgspec

from hal0_operator.model.launch import LaunchInputs


class LastGood(msgspec.Struct, frozen=True):
    """The last inputs that were Ready, with the image that served them."""

    inputs: LaunchInputs
    image_id: str


class Rejected(msgspec.Struct, frozen=True):
    """A digest that failed, with why; tried again only when asked."""

    digest: str
    reason: str
    message: str


class LastExit(msgspec.Struct, frozen=True):
    """How the previous container ended, and its decisive line.

    ``too_slow`` is set when it did not end by itself: it was not Ready in time.
    """

    container: str
    exit_code: int
    line: str = ""
    lines: tuple[str, ...] = ()
    too_slow: str = ""

    @property
    def told(self) -> str:
        """``exit code 1: the decisive line``."""
        how = self.too_slow or f"exit code {self.exit_code}"
        return f"{how}: {self.line}" if self.line else how


class SlotMemory(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """``port`` is the chosen one of a slot that names none; ``container`` the id we last created."""

    last_good: LastGood | None = None
    rejected: Rejected | None = None
    last_exit: LastExit | None = None
    port: int | None = None
    container: str = ""

    def forgiven(self) -> "SlotMemory":
        """Without the rejection: a restart was asked for."""
        return msgspec.structs.replace(self, rejected=None)


class Memory(msgspec.Struct, frozen=True, omit_defaults=True):
    """By slot."""

    slots: dict[str, SlotMemory] = {}


class Override(msgspec.Struct, frozen=True, omit_defaults=True):
    """``hal0ctl suspend``: who, when (RFC 3339), why.  The file's own key is not an override."""

    by: str
    since: str
    reason: str = ""


class Hold(msgspec.Struct, frozen=True, omit_defaults=True):
    """``hal0ctl rollback``: the full id of the commit that is in force until resumed, who, and when (RFC 3339)."""

    commit: str
    by: str
    since: str


class Overrides(msgspec.Struct, frozen=True, omit_defaults=True):
    """``suspended`` by slot; ``prune_approved`` is the snapshot whose vanished files were approved.

    Of a git repository: ``source_suspended`` stops looking at it, ``hold`` stops following it.
    """

    suspended: dict[str, Override] = {}
    prune_approved: str = ""
    source_suspended: Override | None = None
    hold: Hold | None = None
