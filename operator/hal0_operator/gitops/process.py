"""One child process, bounded in time and in what it says; its whole group ends with it."""

import contextlib
import os
import selectors
import signal
import subprocess
import time
from collections.abc import Mapping, Sequence
from typing import NamedTuple

CHUNK = 65_536
DRAIN_S = 1.0
"""For the last words in the pipes once the whole group is dead."""


class Answer(NamedTuple):
    """``code`` as of ``subprocess``; ``err`` the last bytes of it, as text."""

    code: int
    out: bytes
    err: str


class TimedOut(Exception):
    """It did not end in time and was killed."""


class TooMuch(Exception):
    """It said more than it may and was killed."""


class Bounds(NamedTuple):
    """Seconds, and bytes of each stream: too much ``out`` is a fault, of ``err`` the end is kept."""

    timeout_s: float
    out: int
    err: int


def start(
    argv: Sequence[str], env: Mapping[str, str], *, stdin: int, held: tuple[int, ...] = ()
) -> subprocess.Popen[bytes]:
    """A child in a session of its own, so without a terminal; ``held`` descriptors stay open in it and below it.

    Raises OSError where there is no such program.
    """
    return subprocess.Popen(
        argv,
        env=env,
        cwd="/",
        stdin=stdin,
        stdout=subprocess.PIPE,
        stderr=subprocess.PIPE,
        start_new_session=True,
        pass_fds=held,
    )


def end(child: subprocess.Popen[bytes]) -> int:
    """Kill whatever is left of the child's group, and reap the child; its code."""
    if child.returncode is None:  # not reaped, so the group's number is still its own
        with contextlib.suppress(ProcessLookupError, PermissionError):
            os.killpg(child.pid, signal.SIGKILL)
    code = child.wait()
    for stream in (child.stdin, child.stdout, child.stderr):
        if stream is not None:
            with contextlib.suppress(OSError):
                stream.close()
    return code


def run(argv: Sequence[str], env: Mapping[str, str], bounds: Bounds, held: tuple[int, ...] = ()) -> Answer:
    """Run to the end.  Raises ``TimedOut``, ``TooMuch`` and OSError; nothing of the child is left then."""
    child = start(argv, env, stdin=subprocess.DEVNULL, held=held)
    try:
        out, err = _collect(child, bounds)
        code = child.wait()
    finally:
        end(child)
    return Answer(code, out, err.decode("utf-8", "replace"))


def _collect(child: subprocess.Popen[bytes], bounds: Bounds) -> tuple[bytes, bytes]:
    """What it says until it ends.  A child of it that still holds a pipe is killed then, not waited for."""
    assert child.stdout is not None
    assert child.stderr is not None
    out, err = bytearray(), bytearray()
    until = time.monotonic() + bounds.timeout_s
    ended = os.pidfd_open(child.pid)
    with contextlib.closing(selectors.DefaultSelector()) as selector:
        try:
            selector.register(child.stdout, selectors.EVENT_READ, out)
            selector.register(child.stderr, selectors.EVENT_READ, err)
            selector.register(ended, selectors.EVENT_READ, None)
            while len(selector.get_map()) > 0:
                left = until - time.monotonic()
                ready = selector.select(max(left, 0))
                if not ready and left <= 0:
                    raise TimedOut
                for key, _ in ready:
                    if key.data is None:
                        selector.unregister(ended)
                        _kill_group(child)
                        until = min(until, time.monotonic() + DRAIN_S)
                    elif chunk := os.read(key.fd, CHUNK):
                        key.data.extend(chunk)
                    else:
                        selector.unregister(key.fileobj)
                del err[: max(len(err) - bounds.err, 0)]
                if len(out) > bounds.out:
                    raise TooMuch
        finally:
            os.close(ended)
    return bytes(out), bytes(err)


def _kill_group(child: subprocess.Popen[bytes]) -> None:
    """The child has ended and is not reaped, so its number names no other group."""
    with contextlib.suppress(ProcessLookupError, PermissionError):
        os.killpg(child.pid, signal.SIGKILL)
