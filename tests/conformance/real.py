"""A real Podman as ground: containers of a few MB that run busybox's shell."""

import contextlib
import itertools
import os
import shutil
import signal
import socket
import subprocess
import tarfile
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator, Sequence
from pathlib import Path

import tomli_w

from hal0_operator.model.world import Container
from hal0_operator.podman.client import Client
from hal0_operator.seams.podman import PodmanFault
from tests.conformance.ground import Ground
from tests.support.machine import Machine
from tests.support.rootless import Rootless

IMAGE = "localhost/hal0-conformance:1"
NO_PROGRAM = "localhost/hal0-conformance:broken"
LIMIT_S = 10
SHELL = "/bin/sh"
APPLETS = ("sh", "cat", "echo", "grep", "id", "kill", "ls", "sleep", "touch", "httpd", "wget")


class RealGround(Ground):
    def __init__(self, machine: Machine, podman: Client) -> None:
        self.machine, self.podman = machine, podman
        self.image, self.no_program = IMAGE, NO_PROGRAM
        self._ports = itertools.cycle(machine.ports)
        # Below /tmp, which the other Podman's root shares with the host's.
        self.folder = Path(tempfile.mkdtemp(prefix="hal0-conformance-", dir="/tmp"))
        self.folder.chmod(0o755)
        archive = self.folder / "root.tar"
        _root_file_system(archive)
        machine.podman("import", "-c", f'ENTRYPOINT ["{SHELL}","-c"]', str(archive), IMAGE)
        machine.podman("import", "-c", 'ENTRYPOINT ["/bin/nonesuch"]', str(archive), NO_PROGRAM)

    def close(self) -> None:
        shutil.rmtree(self.folder)

    def serving(self) -> tuple[str, ...]:
        return ("trap 'exit 0' TERM; sleep 1000 & wait",)

    def stubborn(self) -> tuple[str, ...]:
        return ("trap '' TERM; echo deaf; while :; do sleep 1; done",)

    def saying(self, out: Sequence[str], err: Sequence[str] = (), code: int = 0) -> tuple[str, ...]:
        words = [f"echo '{line}'" for line in out] + [f"echo '{line}' >&2" for line in err]
        return ("; ".join([*words, f"exit {code}"]),)

    def port(self) -> int:
        for port in self._ports:
            with socket.socket() as trial:
                if trial.connect_ex(("127.0.0.1", port)):
                    return port
        raise AssertionError("unreachable: the cycle has no end")

    @contextlib.contextmanager
    def listening(self, port: int) -> Iterator[None]:
        with socket.create_server(("127.0.0.1", port)):
            yield

    def make_folder(self) -> str:
        made = tempfile.mkdtemp(dir=self.folder)
        Path(made).chmod(0o777)  # a rootless container's root is an ordinary user here
        return made

    def drop_folder(self, path: str) -> None:
        shutil.rmtree(path)

    def kill(self, id: str) -> None:
        os.kill(self.settled(id, "running").pid, signal.SIGKILL)

    def kill_monitor(self, id: str) -> None:
        pid = self.settled(id, "running").pid
        monitor = int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])
        assert Path(f"/proc/{monitor}/comm").read_text() == "conmon\n"
        for victim in (monitor, pid):
            os.kill(victim, signal.SIGKILL)
        _gone(pid)

    def foreign(self, name: str) -> str:
        return self.machine.podman("create", "--name", name, IMAGE, "sleep 1000").strip()

    def leftover(self, name: str) -> None:
        # A Podman with another database and the same storage: exactly what an interrupted create leaves.
        ghost = self.folder / "ghost"
        ghost.mkdir(exist_ok=True)
        ghost.chmod(0o777)
        driver, graph, run = self.machine.podman(
            "info", "--format", "{{.Store.GraphDriverName}} {{.Store.GraphRoot}} {{.Store.RunRoot}}"
        ).split()
        conf = tomllib.loads(self._containers_conf())
        conf.setdefault("engine", {}).update(static_dir=f"{ghost}/static", tmp_dir=f"{ghost}/tmp")
        (ghost / "containers.conf").write_text(tomli_w.dumps(conf))
        (ghost / "storage.conf").write_text(
            tomli_w.dumps(
                {"storage": {"driver": driver, "graphroot": graph, "runroot": run, "rootless_storage_path": graph}}
            )
        )
        environ = {"CONTAINERS_CONF": f"{ghost}/containers.conf", "CONTAINERS_STORAGE_CONF": f"{ghost}/storage.conf"}
        subprocess.run(
            self._inside("podman", "create", "--name", name, IMAGE, "true", **environ), check=True, capture_output=True
        )

    def _containers_conf(self) -> str:
        folder = self.machine.socket.parent
        chroot = folder.parent / "root/etc/containers/containers.conf"
        conf = chroot if self.machine.kind == "other" else folder / "containers.conf"
        return conf.read_text() if conf.exists() else ""

    def _inside(self, *command: str, **environ: str) -> list[str]:
        """A command where this Podman lives."""
        if isinstance(self.machine, Rootless):
            return self.machine.inside(*command, **environ)
        assigned = [f"{k}={v}" for k, v in (environ | {"PATH": "/usr/sbin:/usr/bin:/sbin:/bin"}).items()]
        plain = ["env", "-i", *assigned, *command]
        if self.machine.kind != "other":
            return plain
        holder = (self.machine.socket.parent.parent / "holder.pid").read_text().strip()
        return ["nsenter", "--target", holder, "--mount", "--root", "--wd", "--", *plain]

    def interrupted_stop(self, id: str) -> None:
        stopping = threading.Thread(target=self._stop_and_fail, args=(id,))
        stopping.start()
        self.settled(id, "stopping")
        self.kill_service()
        stopping.join(LIMIT_S)
        self.start_service()

    def _stop_and_fail(self, id: str) -> None:
        with contextlib.suppress(PodmanFault):
            self.podman.stop(id, 60)

    def kill_service(self) -> None:
        self.machine.kill_service()
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:  # its last connections are reset while it dies
            with socket.socket(socket.AF_UNIX) as trial:
                if trial.connect_ex(str(self.machine.socket)):
                    return
        raise AssertionError("the killed service still listens")

    def start_service(self) -> None:
        self.machine.start_service()

    def wipe(self) -> None:
        # Stopping ones are stopped first: 4.3 orphans their processes when they are removed as they are.
        for container in self.podman.containers():
            if container.state == "stopping":
                self.podman.stop(container.id, 0)
            self.podman.remove(container.id, 0)
        self.machine.wipe()

    def settled(self, id: str, *states: str) -> Container:
        end = time.monotonic() + LIMIT_S
        while time.monotonic() < end:
            found = self.find(id)
            if found is not None and found.state in states:
                return found
        raise AssertionError(f"{id[:12]} is {found.state if found else 'gone'}, not {' or '.join(states)}")


def _gone(pid: int) -> None:
    end = time.monotonic() + LIMIT_S
    while Path(f"/proc/{pid}").exists() and time.monotonic() < end:
        os.sched_yield()


def _root_file_system(archive: Path) -> None:
    busybox = shutil.which("busybox")
    if busybox is None:
        raise RuntimeError("the conformance suite needs a static busybox: deploy/setup test gets it")
    with tarfile.open(archive, "w") as tar:
        for folder in ("bin", "dev", "etc", "proc", "sys", "tmp", "www"):
            info = tarfile.TarInfo(folder)
            info.type, info.mode = tarfile.DIRTYPE, 0o755
            tar.addfile(info)
        tar.add(busybox, "bin/busybox")
        for applet in APPLETS:
            info = tarfile.TarInfo(f"bin/{applet}")
            info.type, info.linkname = tarfile.SYMTYPE, "busybox"
            tar.addfile(info)
