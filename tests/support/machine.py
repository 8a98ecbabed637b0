"""Real Podmans for tests, apart from the machine's own: another store, network and API service.

``own`` runs the installed podman; ``other`` a Podman of another Debian release in a chroot.  A
machine has an index that nobody else on this host has while it lives: it decides its folder, its
subnet and its ports, so several test processes may run side by side.
"""

import contextlib
import fcntl
import hashlib
import http.client
import json
import os
import shutil
import signal
import socket
import subprocess
from collections.abc import Iterator
from pathlib import Path
from typing import IO

from deploy.demo.containers_conf import render, settle
from deploy.demo.hostpython import PYTHON
from tests.images import build
from tests.support import firewall

BASE = Path("/var/tmp/hal0-tests")
CHROOT = Path(__file__).with_name("podman5-chroot.sh")
PORTS = 100
"""Ports of one machine, from 21000; below every ephemeral range."""

OPERATOR = 98
"""Which of them is the operator's own."""

OTHER_INDEX = 15


class Machine:
    """One isolated Podman with the test images loaded.  Close it, or the folder stays until its index is taken again."""

    kind: str
    socket: Path

    def __init__(self, index: int) -> None:
        self.index = index
        self.ports = range(21000 + PORTS * index, 21000 + PORTS * (index + 1))

    @property
    def url(self) -> str:
        return f"unix://{self.socket}"

    @property
    def registry_port(self) -> int:
        """Where a test may serve a registry over HTTP: its images are ``localhost:PORT/…``."""
        return self.ports[-1]

    @property
    def registries(self) -> str:
        """The registries.conf that says so."""
        return f'[[registry]]\nlocation = "localhost:{self.registry_port}"\ninsecure = true\n'

    def podman(self, *args: str, check: bool = True) -> str:
        """Standard output of the Podman command in this store."""
        raise NotImplementedError

    def load(self, archive: Path) -> None:
        """Put the images of an archive into this store."""
        raise NotImplementedError

    @property
    def service_pid(self) -> int:
        """Of the API service."""
        raise NotImplementedError

    def kill_service(self) -> None:
        """SIGKILL the API service alone; containers go on."""
        raise NotImplementedError

    def start_service(self) -> None:
        """Start the API service again, and return when it answers."""
        raise NotImplementedError

    @property
    def containers_conf(self) -> Path:
        raise NotImplementedError

    @property
    def run_folders(self) -> tuple[str, ...]:
        """What is empty after a reboot, where this Podman lives."""
        raise NotImplementedError

    def inside(self, *words: str, **environ: str) -> list[str]:
        """A command where this Podman lives, in place of the process that executes it."""
        raise NotImplementedError

    def command(self) -> list[str]:
        """This store's podman, in place of the process that executes it."""
        raise NotImplementedError

    def wipe(self) -> None:
        """Remove every container, and port rules that a killed service left; images stay."""
        self.podman("rm", "--all", "--force", "--time", "0", check=False)
        self.forget_ports()

    def forget_ports(self) -> None:
        """Nothing to do where the firewall is not the host's.  Its containers must be gone, or stopped."""

    def close(self) -> None:
        raise NotImplementedError


class Own(Machine):
    kind = "own"

    @property
    def subnet(self) -> str:
        return f"10.92.{self.index}."

    @property
    def network(self) -> str:
        return f"hal0t{self.index}"

    def __init__(self, index: int, folder: Path, lock: IO[str]) -> None:
        super().__init__(index)
        self.folder, self._lock = folder, lock
        self.socket = folder / "podman.sock"
        self._conf, self._service = folder / "containers.conf", None
        self._argv = ["podman", "--root", f"{folder}/store", "--runroot", f"{folder}/run", "--tmpdir", f"{folder}/tmp"]
        self._argv += ["--network-config-dir", f"{folder}/networks"]
        self.clean()
        (folder / "networks").mkdir(parents=True)
        (folder / "registries.conf").write_text(self.registries)
        # netavark names its firewall chains by the network's name alone, whichever store it is in; and a new
        # store frees every lock in the shared memory of the machine's own Podman
        apart = {"engine": ['lock_type = "file"'], "network": [f'default_network = "{self.network}"']}
        (folder / f"networks/{self.network}.json").write_text(_network(self.network, self.subnet))
        self._conf.write_text(render(apart, {}))
        self.load(build.archive())
        why, error = settle(self._argv, build.STUB, [PYTHON, "-c", ""], self._conf, apart)
        if error:
            raise RuntimeError(f"this machine's Podman starts no container: {error}")
        self.start_service()

    @property
    def environment(self) -> dict[str, str]:
        """For programs that start Podman themselves."""
        conf = {"CONTAINERS_CONF": str(self._conf)} if self._conf.exists() else {}
        return dict(os.environ) | conf | {"CONTAINERS_REGISTRIES_CONF": f"{self.folder}/registries.conf"}

    def podman(self, *args: str, check: bool = True) -> str:
        done = subprocess.run([*self._argv, *args], env=self.environment, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"podman {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    @property
    def containers_conf(self) -> Path:
        return self._conf

    @property
    def run_folders(self) -> tuple[str, ...]:
        return f"{self.folder}/run", f"{self.folder}/tmp"

    def inside(self, *words: str, **environ: str) -> list[str]:
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"} | environ
        return ["env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]

    def command(self) -> list[str]:
        names = ("CONTAINERS_CONF", "CONTAINERS_REGISTRIES_CONF")
        environ = self.environment
        return self.inside(*self._argv, **{name: environ[name] for name in names if name in environ})

    def forget_ports(self) -> None:
        if os.geteuid() == 0:
            firewall.forget_iptables(self.network)
            firewall.forget_nftables(self.subnet)

    def load(self, archive: Path) -> None:
        self.podman("load", "--quiet", "--input", str(archive))

    def start_service(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = [*self._argv, "system", "service", "--time=0"]
        with _listen(self.socket) as listener, (self.folder / "service.log").open("ab") as log:
            # as systemd hands a socket over: clients may connect before the service runs
            activate = ["sh", "-c", 'exec 3<&0 </dev/null; LISTEN_FDS=1 LISTEN_PID=$$ exec "$@"', "sh"]
            self._service = subprocess.Popen(
                [*activate, *command],
                env=self.environment,
                stdin=listener,
                stdout=log,
                stderr=log,
                start_new_session=True,
            )
            (self.folder / "service.pid").write_text(str(self._service.pid))
            ping(self.socket)

    @property
    def service_pid(self) -> int:
        return self._service.pid

    def kill_service(self) -> None:
        self._service.kill()
        self._service.wait()

    def clean(self) -> None:
        """End what an earlier, killed test process left under this index."""
        if not self.folder.exists():
            self.folder.mkdir(parents=True)
            return
        with contextlib.suppress(OSError, ValueError):
            pid = int((self.folder / "service.pid").read_text())
            if str(self.folder) in Path(f"/proc/{pid}/cmdline").read_text():
                os.kill(pid, signal.SIGTERM)
        self.wipe()
        for pid in _left(self.folder):  # of containers that this store no longer knows
            with contextlib.suppress(ProcessLookupError):
                os.kill(pid, signal.SIGKILL)
        subprocess.run(["umount", "--lazy", f"{self.folder}/store/overlay"], capture_output=True, check=False)
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True, exist_ok=True)

    def close(self) -> None:
        self.wipe()
        self._service.terminate()
        self._service.wait()
        self.clean()
        subprocess.run(["ip", "link", "delete", self.network], capture_output=True, check=False)
        self._lock.close()


class Other(Machine):
    """The Podman of another Debian release (``trixie``: 5.4) in a chroot; one per host at a time."""

    kind = "other"
    subnet = "10.93.0."

    def __init__(self, index: int, folder: Path, lock: IO[str], suite: str = "trixie") -> None:
        super().__init__(index)
        self._lock = lock
        self._environment = dict(os.environ) | {
            "PODMAN5_DIR": str(folder),
            "PODMAN5_SUITE": suite,
            "PODMAN5_SUBNET": f"{self.subnet}0/24",
        }
        self.socket = Path(self._script("up").strip())
        (folder / "root/etc/containers/registries.conf").write_text(self.registries)
        self.wipe()
        self.load(build.archive())

    def _script(self, *args: str, check: bool = True, stdin: IO[bytes] | int = subprocess.DEVNULL) -> str:
        command = [str(CHROOT), *args]
        done = subprocess.run(command, env=self._environment, stdin=stdin, capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"{' '.join(command)}: {done.stderr.strip()}")
        return done.stdout

    def podman(self, *args: str, check: bool = True) -> str:
        return self._script("podman", *args, check=check)

    @property
    def containers_conf(self) -> Path:
        return self.socket.parent.parent / "root/etc/containers/containers.conf"

    @property
    def run_folders(self) -> tuple[str, ...]:
        return "/run/containers", "/run/libpod", "/dev/shm/libpod_lock"

    def inside(self, *words: str, **environ: str) -> list[str]:
        holder = (self.socket.parent.parent / "holder.pid").read_text().strip()
        settings = {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin", "HOME": "/root"} | environ
        enter = ["nsenter", "--target", holder, "--mount", "--root", "--wd", "--"]
        return [*enter, "env", "-i", *(f"{name}={value}" for name, value in settings.items()), *words]

    def command(self) -> list[str]:
        return self.inside("podman")

    def forget_ports(self) -> None:
        firewall.forget_nftables(self.subnet)

    def load(self, archive: Path) -> None:
        with archive.open("rb") as file:
            self._script("load", stdin=file)

    @property
    def service_pid(self) -> int:
        return int((self.socket.parent.parent / "service.pid").read_text())

    def kill_service(self) -> None:
        self._script("kill")

    def start_service(self) -> None:
        self._script("serve")

    def close(self) -> None:
        self._script("down")
        self._lock.close()


def own() -> Own:
    index, lock = _free_index()
    return Own(index, BASE / f"own-{index}", lock)


def other(suite: str = "trixie") -> Other:
    """Waits while another process uses it: the first call on a host builds it (35 s), later ones take 1 s."""
    lock = _open_lock(f"chroot-{suite}")
    fcntl.flock(lock, fcntl.LOCK_EX)
    return Other(OTHER_INDEX, BASE / f"chroot-{suite}", lock, suite)


def _free_index() -> tuple[int, IO[str]]:
    for index in range(OTHER_INDEX):
        lock = _open_lock(f"own-{index}")
        with contextlib.suppress(BlockingIOError):
            fcntl.flock(lock, fcntl.LOCK_EX | fcntl.LOCK_NB)
            if not _listens(21000 + PORTS * index + OPERATOR):
                return index, lock
        lock.close()
    raise RuntimeError(f"{OTHER_INDEX} test machines are in use below {BASE}")


def _listens(port: int) -> bool:
    """An operator outlived the killed test process that had this index before."""
    with socket.socket() as trial:
        return trial.connect_ex(("127.0.0.1", port)) == 0


def _open_lock(name: str) -> IO[str]:
    BASE.mkdir(parents=True, exist_ok=True)
    return (BASE / f"{name}.lock").open("w")


@contextlib.contextmanager
def _listen(path: Path) -> Iterator[socket.socket]:
    with socket.socket(socket.AF_UNIX) as listener:
        listener.bind(str(path))
        listener.listen(128)
        yield listener


class _UnixConnection(http.client.HTTPConnection):
    def __init__(self, path: Path, timeout: float) -> None:
        super().__init__("podman", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = socket.socket(socket.AF_UNIX)
        self.sock.settimeout(self.timeout)
        self.sock.connect(str(self._path))


def ping(path: Path, timeout: float = 30) -> None:
    """Return when the API service behind this socket answers; raises OSError after ``timeout`` seconds."""
    with contextlib.closing(_UnixConnection(path, timeout)) as connection:
        connection.request("GET", "/_ping")
        answer = connection.getresponse()
        if answer.read() != b"OK":
            raise ConnectionError(f"{path}: {answer.status}")


def _network(name: str, subnet: str) -> str:
    """A default network with a name, a bridge and a subnet of its own."""
    network = {
        "name": name,
        "id": hashlib.sha256(name.encode()).hexdigest(),
        "driver": "bridge",
        "network_interface": name,
        "created": "2025-01-01T00:00:00Z",
        "subnets": [{"subnet": f"{subnet}0/24", "gateway": f"{subnet}1"}],
        "ipv6_enabled": False,
        "internal": False,
        "dns_enabled": False,
        "ipam_options": {"driver": "host-local"},
    }
    return json.dumps(network)


def _left(folder: Path) -> Iterator[int]:
    """Monitors of this store's containers, and processes whose root is a layer of it."""
    for process in Path("/proc").glob("[0-9]*"):
        with contextlib.suppress(OSError):
            command = (process / "cmdline").read_bytes()
            monitors = command.partition(b"\0")[0].endswith(b"conmon") and str(folder).encode() in command
            if monitors or _root_is_below(process, folder):
                yield int(process.name)


def _root_is_below(process: Path, folder: Path) -> bool:
    mounts = (process / "mountinfo").read_text(errors="replace").splitlines()
    return any(line.split(" ", 5)[4] == "/" and f"={folder}/" in line for line in mounts)
