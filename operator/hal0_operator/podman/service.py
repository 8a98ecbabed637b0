"""Which Podman service to talk to: the one that is named, the machine's own, or a private child.

A private service is ended by SIGTERM only.  Killed in the middle of a start it leaves a port rule behind that
makes the port dead for every later container.
"""

import shutil
import socket
import subprocess
import tempfile
import threading
import time
from collections.abc import Mapping
from contextlib import suppress
from pathlib import Path
from typing import IO

from hal0_operator.model.userinfo import starred
from hal0_operator.podman.client import Client
from hal0_operator.podman.transport import Unavailable
from hal0_operator.seams.podman import PodmanFault

SCHEMES = ("unix://", "tcp://", "http+unix://", "ssh://", "http+ssh://")
IDLE_S = 30
"""An unused private service ends by itself: it must not outlive an operator that was killed."""
START_S = 10.0
LOOK_AGAIN_S = 0.002
"""A service is up after 30 to 80 ms, and a look at its socket costs some microseconds."""
END_S = 5.0
PATH_BYTES = 107
"""What the kernel takes as a socket's path."""

__all__ = ["PrivateService", "Unavailable", "connect", "sockets"]


def sockets(environ: Mapping[str, str]) -> tuple[str, ...]:
    """Where services of the machine listen, the user's own first."""
    runtime = environ.get("XDG_RUNTIME_DIR")
    own = (f"{runtime}/podman/podman.sock",) if runtime else ()
    return (*own, "/run/podman/podman.sock")


def connect(url: str | None, state_dir: Path, environ: Mapping[str, str]) -> tuple[Client, "PrivateService | None"]:
    """A client, and the private service when it is one (to be closed at the end).

    A named service is taken as it is, listening or not.  Raises Unavailable when the name is none or
    there is no service and no Podman to start one with.
    """
    if url is not None:
        if not url.startswith(SCHEMES):
            shown = starred(url)
            raise Unavailable(f"--podman-url {shown!r}: no address of a service; write unix:///PATH or tcp://HOST:PORT")
        return Client(url), None
    for path in sockets(environ):
        client = Client(f"unix://{path}")
        with suppress(PodmanFault):
            client.version()
            return client, None
        client.close()
    service = PrivateService(state_dir / "podman.sock", environ)
    service.ensure()
    return Client(service.url, service.ensure), service


class PrivateService:
    """``podman system service`` as a child; ``ensure`` starts it, and again whenever it is gone."""

    def __init__(self, path: Path, environ: Mapping[str, str]) -> None:
        self._path = path
        self._environ = environ
        self._lock = threading.Lock()
        self._child: subprocess.Popen[bytes] | None = None
        self._closed = False

    @property
    def url(self) -> str:
        return f"unix://{self._path}"

    def ensure(self) -> None:
        """Return once it answers; at once when it does.  Raises Unavailable.

        One that a killed operator left behind is used for as long as it lives: on its way out it
        unlinks the socket's path, whoever listens there by then.
        """
        with self._lock:
            if self._closed:
                raise Unavailable("the private Podman service was ended")
            if self._answers():
                return
            self._end()
            self._start()

    def close(self) -> None:
        with self._lock:
            self._closed = True
            self._end()

    def _end(self) -> None:
        """SIGTERM, and wait a moment: the service finishes the calls in flight by itself."""
        if self._child is not None:
            self._child.terminate()
            with suppress(subprocess.TimeoutExpired):
                self._child.wait(END_S)

    def _start(self) -> None:
        if len(bytes(self._path)) > PATH_BYTES:
            raise Unavailable(
                f"{self._path}: longer than the {PATH_BYTES} bytes of a socket's path; use a shorter --state-dir"
            )
        program = shutil.which("podman", path=self._environ.get("PATH"))
        if program is None:
            looked = ", ".join(sockets(self._environ))
            raise Unavailable(
                f"Podman is not installed: there is no podman in PATH, and nothing answers at {looked}; install it "
                "(apt-get install podman) or name a service with --podman-url"
            )
        self._path.parent.mkdir(parents=True, exist_ok=True)
        self._path.unlink(missing_ok=True)
        with tempfile.TemporaryFile() as said:
            # A session of its own: Ctrl-C on the operator's terminal is for the operator.
            self._child = subprocess.Popen(
                (program, "system", "service", f"--time={IDLE_S}", self.url),
                env=dict(self._environ),
                stdin=subprocess.DEVNULL,
                stdout=subprocess.DEVNULL,
                stderr=said,
                start_new_session=True,
            )
            self._await(self._child, said)

    def _await(self, child: subprocess.Popen[bytes], said: IO[bytes]) -> None:
        end = time.monotonic() + START_S
        while time.monotonic() < end:
            if self._answers():
                return
            with suppress(subprocess.TimeoutExpired):
                child.wait(LOOK_AGAIN_S)
                break
        said.seek(0)
        lines = said.read().decode(errors="replace").strip().splitlines() or ["it said nothing"]
        raise Unavailable(
            f"podman system service does not answer at {self._path}: {lines[-1]}; see what podman info says"
        )

    def _answers(self) -> bool:
        with socket.socket(socket.AF_UNIX) as looking:
            looking.settimeout(1)
            try:
                looking.connect(str(self._path))
            except OSError:
                return False
            return True
