"""Bodies of the API that are not a struct of the model already; no web library is needed here."""

from collections.abc import Iterable
from typing import Any, Literal

import msgspec

from hal0_operator.changes.change_set import FileChange
from hal0_operator.loop.view import Change, SlotDetail
from hal0_operator.model.problem import Problem, Severity
from hal0_operator.model.status import Event, HeldSlot, PlannedAction, SlotStatus, SourceStatus


class ProblemBody(msgspec.Struct, frozen=True):
    """A problem with its address; lines and columns count from 1, ``path`` is dotted."""

    severity: Severity
    code: str
    file: str
    line: int | None
    column: int | None
    path: str
    message: str
    hint: str


def problem_body(problem: Problem) -> ProblemBody:
    return ProblemBody(
        severity=problem.severity,
        code=problem.code,
        file=problem.file,
        line=problem.at.line if problem.at else None,
        column=problem.at.column if problem.at else None,
        path=".".join(problem.path),
        message=problem.message,
        hint=problem.hint,
    )


class Items(msgspec.Struct, frozen=True):
    items: tuple[SlotStatus, ...]


class EventItems(msgspec.Struct, frozen=True):
    items: tuple[Event, ...]


class Gone(msgspec.Struct, frozen=True):
    """A slot that is no longer listed."""

    name: str


class FlagBody(msgspec.Struct, frozen=True, rename={"source": "from"}):
    """One token or flag of a container's command line, and where it comes from."""

    token: str
    source: str


class SlotBody(SlotStatus, frozen=True, rename="camel", kw_only=True):
    """An item of the list with all that ``describe`` shows."""

    argv: tuple[FlagBody, ...] = ()
    problems: tuple[ProblemBody, ...] = ()
    last_exit_lines: tuple[str, ...] = ()
    suspended_by: str = ""
    events: tuple[Event, ...] = ()


def slot_body(detail: SlotDetail) -> SlotBody:
    return SlotBody(
        **{name: getattr(detail.status, name) for name in SlotStatus.__struct_fields__},
        argv=tuple(FlagBody(token, source) for token, source in detail.argv),
        problems=tuple(map(problem_body, detail.problems)),
        last_exit_lines=detail.last_exit_lines,
        suspended_by=detail.suspended_by,
        events=detail.events,
    )


class SourceBody(SourceStatus, frozen=True, kw_only=True):
    """Where the home comes from, with every problem of its last reading."""

    problems: tuple[ProblemBody, ...] = ()


def source_body(source: SourceStatus, problems: Iterable[Problem]) -> SourceBody:
    return SourceBody(
        **{name: getattr(source, name) for name in SourceStatus.__struct_fields__},
        problems=tuple(map(problem_body, problems)),
    )


class ProfileBody(msgspec.Struct, frozen=True, kw_only=True):
    """A profile of the catalogue.

    ``resolved_flags`` is ``flags`` with the model store filled in and the flags of speculative
    decoding appended.  ``used_by`` are names of slots.
    """

    name: str
    image: str
    flags: str
    resolved_flags: str
    mtp: bool
    device_class: str
    backend: str | None
    runtime_family: str
    slot_types: tuple[str, ...]
    seed: bool
    cloned_from: str
    intent: str
    quant: str
    bench: dict[str, float | None]
    used_by: tuple[str, ...]


class ProfileItems(msgspec.Struct, frozen=True):
    items: tuple[ProfileBody, ...]


class SelectionBody(msgspec.Struct, frozen=True, kw_only=True):
    """A child of a capability group, with the slot that serves it."""

    enabled: bool
    device: str | None
    model: str | None
    provider: str | None
    slot: str
    phase: str | None


class Selections(msgspec.Struct, frozen=True):
    selections: dict[str, dict[str, SelectionBody]]


class Ack(msgspec.Struct, frozen=True):
    """A wish was taken; ``message`` says what else to know, mostly nothing."""

    message: str = ""


class RestartedBody(msgspec.Struct, frozen=True):
    slots: tuple[str, ...]


class ReconcileBody(msgspec.Struct, frozen=True):
    """``settled``: nothing is left to do but waiting.  ``admitted`` is the snapshot in force."""

    settled: bool
    admitted: str


class LogBody(msgspec.Struct, frozen=True):
    """Oldest first."""

    lines: tuple[str, ...]


class HealthBody(msgspec.Struct, frozen=True):
    ok: bool
    reason: str = ""


class FileBody(msgspec.Struct, frozen=True):
    """A file that a change set alters; ``diff`` is a unified one, with literal secrets masked."""

    file: str
    change: Literal["created", "changed", "deleted"]
    diff: str


class ChangeBody(msgspec.Struct, frozen=True, rename="camel", kw_only=True):
    """What a wish came to.

    ``actions`` and ``held`` are what the loop does then.  ``committed`` is False for a dry run, and when nothing
    had to change.  ``byHand`` could not be written because of a file's layout; ``overlaid`` are files whose newer
    save by a person was kept; ``unfinished`` says why a committed change does not stand in the files yet.
    """

    committed: bool
    dry_run: bool
    files: tuple[FileBody, ...]
    actions: tuple[PlannedAction, ...]
    held: tuple[HeldSlot, ...]
    problems: tuple[ProblemBody, ...]
    by_hand: tuple[str, ...]
    overlaid: tuple[str, ...]
    unfinished: str
    generation: str


def change_body(change: Change, *, dry_run: bool) -> ChangeBody:
    written = change.written
    proposal = written.proposal
    return ChangeBody(
        committed=written.committed,
        dry_run=dry_run,
        files=tuple(map(file_body, proposal.change_set.changes)),
        actions=change.follows.actions,
        held=change.follows.held,
        problems=tuple(map(problem_body, proposal.problems)),
        by_hand=proposal.by_hand,
        overlaid=written.overlaid,
        unfinished=written.unfinished,
        generation=change.generation,
    )


def file_body(change: FileChange) -> FileBody:
    """One file of a change set."""
    from hal0_operator.changes.diff import unified  # noqa: PLC0415 - for whoever writes

    kind: Literal["created", "changed", "deleted"] = "created" if change.old is None else "changed"
    return FileBody(change.file, "deleted" if change.new is None else kind, "\n".join(unified(change)))


class ErrorDetail(msgspec.Struct, frozen=True):
    code: str
    message: str
    type: str
    details: dict[str, Any]


class ErrorBody(msgspec.Struct, frozen=True):
    """Every error, on every path."""

    error: ErrorDetail


class SuspendWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``by`` is who asks, for people; ``reason`` is shown until resumed."""

    reason: str = ""
    by: str = "api"


class RollbackWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``revision`` begins the id of a kept commit; empty for the one that was in force before."""

    revision: str = ""
    by: str = "api"


class PlainWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """A wish whose address says all of it: an object without keys."""


class RestartWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    """``pull`` fetches the image first, so that a moved tag is followed."""

    pull: bool = False


class OutdatedWish(msgspec.Struct, frozen=True, forbid_unknown_fields=True):
    outdated: Literal[True]
