"""Real processes that play parts: a monitor as Podman's conmon looks to others, and what it monitors."""

import contextlib
import os
import select
import subprocess
import sys
import tempfile
from collections.abc import Iterator

CHILD = "print('child', flush=True); import sys; sys.stdin.read()"
CONMON = """
import socket, subprocess, sys
port, child = int(sys.argv[sys.argv.index("--port") + 1]), sys.argv[sys.argv.index("--child") + 1]
listener = None
if port:
    listener = socket.create_server(("127.0.0.1", port))
started = subprocess.Popen([sys.argv[1], "-c", child], stdin=subprocess.PIPE, stdout=subprocess.PIPE)
started.stdout.readline()
print(started.pid, flush=True)
sys.stdin.read()
"""


class Monitor:
    """``pid`` is the monitor's, ``child`` its container's first process."""

    def __init__(self, process: subprocess.Popen, child: int) -> None:
        self.process, self.pid, self.child = process, process.pid, child


@contextlib.contextmanager
def conmon(id: str, name: str, port: int = 0, child: str = CHILD) -> Iterator[Monitor]:
    """A process whose arguments are those of a conmon of container ``id``, with one child."""
    with script(CONMON) as path:
        argv = [
            "conmon",
            path,
            sys.executable,
            "--api-version",
            "1",
            "-c",
            id,
            "-u",
            id,
            "-n",
            name,
            "--port",
            str(port),
            "--child",
            child,
        ]
        process = pretending(argv)
        try:
            yield Monitor(process, int(process.stdout.readline()))
        finally:
            process.kill()
            process.wait()
            process.stdin.close()
            process.stdout.close()


def pretending(argv: list[str]) -> subprocess.Popen:
    """An interpreter under a name of another program; it must be told where its library is."""
    home = {**os.environ, "PYTHONHOME": sys.base_prefix}
    return subprocess.Popen(
        argv, executable=sys.executable, env=home, stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True
    )


@contextlib.contextmanager
def script(text: str) -> Iterator[str]:
    """A program in a file, since an interpreter's own ``-c`` would look like the container's."""
    with tempfile.NamedTemporaryFile("w", suffix=".py") as file:
        file.write(text)
        file.flush()
        yield file.name


@contextlib.contextmanager
def waiting() -> Iterator[subprocess.Popen]:
    """A process that waits for its stdin to end."""
    process = subprocess.Popen([sys.executable, "-c", CHILD], stdin=subprocess.PIPE, stdout=subprocess.PIPE, text=True)
    try:
        process.stdout.readline()
        yield process
    finally:
        process.kill()
        process.wait()
        process.stdin.close()
        process.stdout.close()


def gone(pid: int, within_s: float = 5) -> bool:
    """Whether a process ended in time, by its pidfd."""
    try:
        descriptor = os.pidfd_open(pid)
    except ProcessLookupError:
        return True
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    try:
        return bool(poll.poll(within_s * 1000))
    finally:
        os.close(descriptor)
