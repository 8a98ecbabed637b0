"""What killed services and monitors leave behind in a Podman, made on purpose."""

import contextlib
import json
import os
import select
import signal
import subprocess
import tempfile
import threading
import time
import tomllib
from collections.abc import Iterator
from pathlib import Path

import tomli_w

from hal0_operator.seams.podman import PodmanFault
from tests.support import podmans
from tests.support.machine import Machine


def storage_only(machine: Machine, name: str, image: str) -> None:
    """A create that was cut short: the name is taken in the storage, and no container has it."""
    # A Podman with another database and the same storage makes exactly that.
    driver, graph, run = machine.podman(
        "info", "--format", "{{.Store.GraphDriverName}} {{.Store.GraphRoot}} {{.Store.RunRoot}}"
    ).split()
    with tempfile.TemporaryDirectory(prefix="hal0-ghost-", dir="/tmp") as folder:
        conf = tomllib.loads(machine.containers_conf.read_text() if machine.containers_conf.exists() else "")
        conf.setdefault("engine", {}).update(static_dir=f"{folder}/static", tmp_dir=f"{folder}/tmp")
        Path(folder, "containers.conf").write_text(tomli_w.dumps(conf))
        storage = {"driver": driver, "graphroot": graph, "runroot": run}
        Path(folder, "storage.conf").write_text(tomli_w.dumps({"storage": storage}))
        environ = {
            "CONTAINERS_CONF": f"{folder}/containers.conf",
            "CONTAINERS_STORAGE_CONF": f"{folder}/storage.conf",
        }
        words = machine.inside("podman", "create", "--name", name, image, **environ)
        subprocess.run(words, check=True, capture_output=True)


def parent(pid: int) -> int:
    return int(Path(f"/proc/{pid}/stat").read_text().rpartition(")")[2].split()[1])


def monitor(pid: int) -> int:
    """The conmon of the container whose main process this is."""
    found = parent(pid)
    assert Path(f"/proc/{found}/comm").read_text() == "conmon\n"
    return found


def kill(*pids: int) -> None:
    """SIGKILL to all of them; returns when they are dead."""
    with contextlib.ExitStack() as opened:
        descriptors = [os.pidfd_open(pid) for pid in pids]
        for descriptor in descriptors:
            opened.callback(os.close, descriptor)
            signal.pidfd_send_signal(descriptor, signal.SIGKILL)
        for descriptor in descriptors:
            await_death(descriptor)


def await_death(descriptor: int, seconds: float = 10) -> None:
    poll = select.poll()
    poll.register(descriptor, select.POLLIN)
    assert poll.poll(seconds * 1000), "the process lives on"


@contextlib.contextmanager
def stopping(machine: Machine, id: str) -> Iterator[None]:
    """Somebody stops this container, which takes its time; the service is killed before the block, and starts after."""
    with podmans.client(machine) as podman:

        def stop() -> None:
            with contextlib.suppress(PodmanFault):
                podman.stop(id, 60)

        running = threading.Thread(target=stop)
        running.start()
        until_state(machine, id, "stopping")
        machine.kill_service()
        running.join()
    yield
    machine.start_service()


@contextlib.contextmanager
def dies(pid: int, seconds: float = 10) -> Iterator[None]:
    """After the block, this process is dead within so many seconds."""
    descriptor = os.pidfd_open(pid)
    try:
        yield
        await_death(descriptor, seconds)
    finally:
        os.close(descriptor)


def until_state(machine: Machine, id: str, state: str, seconds: float = 10) -> None:
    """Return when Podman's list shows the container so."""
    end = time.monotonic() + seconds
    with podmans.client(machine) as podman:
        while (found := next((c.state for c in podman.containers() if c.id == id), "gone")) != state:
            assert time.monotonic() < end, f"{id[:12]} is {found}, not {state}"


def reboot(machine: Machine) -> None:
    """Every process of this Podman ends at once, and what it kept below /run is gone."""
    machine.kill_service()
    rows = json.loads(machine.podman("ps", "--format", "json"))
    kill(*(pid for row in rows for pid in (monitor(row["Pid"]), row["Pid"])))
    runtimes = (f"/run/{runtime}/{row['Id']}" for runtime in ("runc", "crun") for row in rows)
    subprocess.run(machine.inside("rm", "-rf", *machine.run_folders, *runtimes), check=True)
    machine.forget_ports()
    machine.start_service()
