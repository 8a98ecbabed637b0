"""A file of the home in a person's editor, until it is right or given up."""

import os
import shlex
import shutil
import signal
import subprocess
import sys
import tempfile
from collections.abc import Callable, Sequence

from hal0_operator.cli.options import Failed
from hal0_operator.cli.output import neutral

NOTE = "# hal0ctl: "
FRAME = ("not saved yet: correct what follows, or leave it as it is and nothing is changed", "---")
"""Above and below the faults."""

ROUNDS = 50
"""Openings of one editor; a program that never gets it right is no person."""
PRIVATE = 0o600
FALLBACK = "vi"

Check = Callable[[bytes, int], Sequence[str]]
"""What is wrong with a content, a line for each fault; lines of the file are shown so many further down."""


class Edited:
    """The copy that was edited, at ``path`` until ``discard``: what could not be written is not lost.

    ``content`` is ``None`` when nothing is to be done; ``faults`` says why a faulty one was given up.
    """

    def __init__(self, path: str, content: bytes | None, faults: Sequence[str] = ()) -> None:
        self.path = path
        self.content = content
        self.faults = tuple(faults)

    def discard(self) -> None:
        shutil.rmtree(os.path.dirname(self.path), ignore_errors=True)


def edit(file: str, content: bytes, check: Check) -> Edited:
    """Open a private copy again and again until ``check`` finds nothing, with the faults as comments on top.

    The same text twice, or an empty one, ends it.  Raises ``Failed`` when there is no editor or it fails.
    """
    command = _editor()
    folder = tempfile.mkdtemp(prefix="hal0ctl-")
    try:
        return _rounds(command, os.path.join(folder, os.path.basename(file)), content, check)
    except BaseException:
        shutil.rmtree(folder, ignore_errors=True)
        raise


def _rounds(command: list[str], path: str, content: bytes, check: Check) -> Edited:
    before, notes = content, b""
    faults: Sequence[str] = ()
    for _ in range(ROUNDS):
        _write(path, notes + before)
        _run(command, path)
        after = _read(path, notes)
        if after == before:
            _write(path, after)
            return Edited(path, None, faults)
        if not after.strip():
            _write(path, before)
            return Edited(path, None, [*faults, "the text was emptied"])
        faults = check(after, 0)
        if not faults:
            _write(path, after)
            return Edited(path, after)
        notes = _notes(check(after, len(faults) + len(FRAME)))
        before = after
    return Edited(path, None, faults)


def _notes(faults: Sequence[str]) -> bytes:
    return "".join(f"{NOTE}{neutral(line)}\n" for line in (FRAME[0], *faults, FRAME[1])).encode()


def _read(path: str, notes: bytes) -> bytes:
    """The text without the comments that were put above it.  Raises ``Failed`` where it is gone."""
    try:
        with open(path, "rb") as file:
            data = file.read()
    except OSError as failed:
        raise Failed(f"{path}: {failed.strerror} after the editor ended; nothing was changed") from failed
    lines = data.splitlines(keepends=True)
    last = False
    while notes and lines and lines[0].startswith(NOTE.encode()) and not last:
        last = lines.pop(0).rstrip() == f"{NOTE}{FRAME[1]}".encode()
    return b"".join(lines)


def _write(path: str, data: bytes) -> None:
    descriptor = os.open(path, os.O_WRONLY | os.O_CREAT | os.O_TRUNC | os.O_CLOEXEC, PRIVATE)
    with os.fdopen(descriptor, "wb") as file:
        file.write(data)


def _run(command: list[str], path: str) -> None:
    sys.stdout.flush()
    # Ctrl-C is a key of the editor's; this process gets the signal as well, and must outlive it.
    before = signal.signal(signal.SIGINT, lambda *_: None)
    try:
        code = subprocess.run([*command, path], check=False).returncode
    except OSError as failed:
        raise Failed(f"{command[0]}: {failed.strerror}: set $VISUAL or $EDITOR to an editor") from failed
    finally:
        signal.signal(signal.SIGINT, before)
    if code:
        raise Failed(f"{command[0]} ended with exit code {code}; nothing was changed")


def _editor() -> list[str]:
    """Raises ``Failed``."""
    named = os.environ.get("VISUAL") or os.environ.get("EDITOR")
    if not named and not sys.stdin.isatty():
        raise Failed("no editor: set $VISUAL or $EDITOR, or name what to change with --set KEY=VALUE")
    try:
        words = shlex.split(named or FALLBACK)
    except ValueError as bad:
        raise Failed(f"$VISUAL or $EDITOR {named!r}: {bad}") from bad
    if not words:
        raise Failed("$VISUAL or $EDITOR is blank: set it to an editor")
    return words
