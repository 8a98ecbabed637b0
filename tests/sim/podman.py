"""The simulated Podman: containers, processes and ports as a state machine, told the time.

Each call is an instant.  Its oddities are those that real Podmans were measured to have, and the
conformance suite holds both against the same cases.  It serves the operator's simulator, which
decides when a call takes effect, when it answers, and what is killed in between.
"""

import itertools
from collections.abc import Callable, Iterator

import msgspec

from hal0_operator.model.action import Fault
from hal0_operator.model.container import LABEL_HOME, LABEL_MANAGED, LABEL_NPU, LABEL_SLOT, MANAGED_BY, ContainerSpec
from hal0_operator.model.world import Container, NameHolder, State
from hal0_operator.seams.podman import Cancel, PodmanEvent, PodmanFault

SETTLE_S = 0.15
"""How long a list may go on calling a dead container running."""


class Process(msgspec.Struct):
    """A container's process with its monitor; ``box`` is an id that Podman may no longer know."""

    pid: int
    box: str
    name: str
    ports: tuple[int, ...]
    npu: bool
    alive: bool = True
    monitored: bool = True


class Box(msgspec.Struct):
    """A container as Podman stores it.  ``shows_at``: when a list admits that it died."""

    id: str
    spec: ContainerSpec
    state: State = "created"
    process: Process | None = None
    exit_code: int = 0
    started_at: float = 0
    exited_at: float = 0
    shows_at: float = 0
    half_started: bool = False
    lines: tuple[str, ...] = ()

    @property
    def slot(self) -> str:
        return self.spec.labels.get(LABEL_SLOT, "")

    @property
    def home(self) -> str:
        return self.spec.labels.get(LABEL_HOME, "")

    @property
    def takes_npu(self) -> bool:
        return self.spec.labels.get(LABEL_NPU) == "1"

    @property
    def running(self) -> bool:
        return self.process is not None and self.process.alive


class SimPodman:
    """``now`` is the simulated clock.  ``died`` hears of each process's end, ``heard`` of each event.

    ``foreign`` are ports that other programs listen on.  ``behave`` is called with each started box,
    ``exit_code`` says how one ends that is stopped (137: by the kill after the grace), ``orphaned``
    whether the process of one that is removed lives on.  ``modern`` is 5.x, else it is 4.3.
    """

    def __init__(self, now: Callable[[], float]) -> None:
        self.now = now
        self.boxes: dict[str, Box] = {}
        self.leftovers: dict[str, str] = {}
        self.processes: list[Process] = []
        self.images_here: dict[str, str] = {}
        self.pullable: dict[str, str] = {}
        self.foreign: dict[int, str] = {}
        self.absent_files: set[str] = set()
        self.absent_nodes: set[str] = set()
        self.broken_programs: set[str] = set()
        self.behave: Callable[[Box], None] = lambda _box: None
        self.exit_code: Callable[[Box], int] = lambda _box: 0
        self.died: Callable[[Process], None] = lambda _process: None
        self.heard: Callable[[PodmanEvent], None] = lambda _event: None
        self.orphaned: Callable[[Box], bool] = lambda box: box.state == "stopping"
        self.modern = False
        self._ids = itertools.count(1)
        self._pids = itertools.count(1000)

    # ── the protocol ───────────────────────────────────────────────────────────────────────────

    def version(self) -> str:
        return "simulated"

    def containers(self) -> tuple[Container, ...]:
        return tuple(self._row(box) for box in self.boxes.values() if _managed(box))

    def holders(self, name: str) -> tuple[NameHolder, ...]:
        found = [
            NameHolder(b.id, name, self._state(b), b.spec.labels) for b in self.boxes.values() if b.spec.name == name
        ]
        if name in self.leftovers:
            found.append(NameHolder(self.leftovers[name], name, "storage"))
        return tuple(found)

    def images(self) -> dict[str, str]:
        return {**self.images_here, **{id: id for id in self.images_here.values()}}

    def create(self, spec: ContainerSpec) -> str:
        if any(box.spec.name == spec.name for box in self.boxes.values()) or spec.name in self.leftovers:
            raise fault("name_in_use", f"the container name {spec.name} is already in use", 500)
        if spec.image not in self.images():
            raise fault("image_unknown", f"{spec.image}: image not known", 404)
        if not self.nodes_here(spec):
            raise fault("device_missing", f"stat {spec.devices[0].path}: no such file or directory", 500)
        self._check_mounts(spec)
        id = f"{next(self._ids):064x}"
        self.boxes[id] = Box(id, spec)
        self.event("create", self.boxes[id])
        return id

    def start(self, id: str) -> bool:
        box = self._known(id)
        if box.state == "running" and (self._looks_running(box) or box.running):
            return False
        if box.state == "stopping" or box.half_started or box.state in ("paused", "removing"):
            raise fault("state_improper", "container state improper: must be in Created or Stopped state", 500)
        self._check_mounts(box.spec)
        if (holder := self.holds_port(box.spec.host_port)) is not None:
            raise fault("port_in_use", f"address already in use ({holder})", 500)
        if box.spec.image in self.broken_programs:
            raise fault("command_missing", "OCI runtime attempted to invoke a command that was not found", 500)
        box.process = self.process(id, box.spec.name, (box.spec.host_port,), npu=box.takes_npu)
        box.state, box.started_at, box.exited_at, box.exit_code = "running", self.now() + 1, 0, 0
        self.event("start", box)
        self.behave(box)
        return True

    def stop(self, id: str, grace_s: float) -> bool:
        del grace_s
        box = self._known(id)
        if not box.running and box.state not in ("running", "stopping"):
            return False
        self.end(box, self.exit_code(box), settle=0)
        lost = box.process is not None and not box.process.monitored
        # Without its conmon nobody tells Podman of the end: 4.3 goes on waiting for it.
        box.state = "stopping" if lost and not self.modern else "exited"
        if lost and self.modern:
            raise fault("conmon_gone", "conmon exited prematurely, exit code could not be retrieved", 500)
        return True

    def remove(self, id: str, grace_s: float) -> None:
        del grace_s
        self.leftovers.pop(id, None)
        box = self.boxes.get(id) or next((b for b in self.boxes.values() if b.spec.name == id), None)
        if box is None:
            return
        if box.running and not self.orphaned(box):
            self.end(box, 137, settle=0)
        del self.boxes[box.id]
        self.event("remove", box)

    def address(self, id: str) -> str:
        return "10.88.0.2" if self._known(id).running else ""

    def pull(self, image: str, progress: Callable[[str], None], cancel: list[Cancel]) -> str:
        del cancel
        progress("100 %")
        if image not in self.pullable:
            raise fault("pull_failed", f"{image}: manifest unknown", 500)
        self.images_here[image] = self.pullable[image]
        return self.pullable[image]

    def logs(self, id: str, lines: int) -> tuple[str, ...]:
        return self._known(id).lines[-lines:]

    def follow_logs(self, id: str, lines: int, cancel: list[Cancel]) -> Iterator[str]:
        del cancel
        yield from self.logs(id, lines)

    def events(self, since_nano: int, cancel: list[Cancel]) -> Iterator[PodmanEvent]:
        """Events reach the simulator through ``heard``; a stream is never quiet for long in it."""
        del since_nano, cancel
        yield from ()

    # ── what happens to it ─────────────────────────────────────────────────────────────────────

    def end(self, box: Box, code: int, *, settle: float = SETTLE_S) -> None:
        """The container's process ends; a list shows it only once Podman has settled."""
        process = box.process
        if process is None or not process.alive:
            return
        process.alive = False
        box.exit_code, box.exited_at = code, self.now() + 1
        box.shows_at = self.now() + settle
        if not process.monitored:
            # Without its conmon nobody tells Podman: it says running for ever.
            box.shows_at = float("inf")
        self.died(process)
        self.event("died", box)

    def process(self, id: str, name: str, ports: tuple[int, ...], *, npu: bool) -> Process:
        made = Process(next(self._pids), id, name, ports, npu)
        self.processes = [*filter(lambda known: known.alive, self.processes), made]
        return made

    def kill(self, pid: int) -> None:
        for process in self.processes:
            if process.pid == pid and process.alive:
                box = self.boxes.get(process.box)
                if box is not None:
                    self.end(box, 137)
                else:
                    process.alive = False
                    self.died(process)

    def reboot(self, *, modern: bool) -> None:
        """All processes gone; what ran is created (4.3) or exited with code 0 and no time (5.x)."""
        for process in self.processes:
            process.alive = False
        self.processes.clear()
        self.leftovers.clear()
        for box in self.boxes.values():
            if box.state in ("running", "stopping", "initialized"):
                box.state, box.exit_code, box.exited_at = ("exited" if modern else "created"), 0, 0
            box.process, box.half_started, box.shows_at = None, False, 0

    def holds_port(self, port: int) -> str | None:
        """A listener on the port: another program, or the conmon of a live process of any container."""
        if port in self.foreign:
            return self.foreign[port]
        return next((p.name for p in self.processes if p.alive and p.monitored and port in p.ports), None)

    # ── parts ──────────────────────────────────────────────────────────────────────────────────

    def _known(self, id: str) -> Box:
        box = self.boxes.get(id)
        if box is None:
            raise fault("no_such_container", f"no container with id {id[:12]}", 404)
        return box

    def _check_mounts(self, spec: ContainerSpec) -> None:
        for mount in spec.mounts:
            if mount.source in self.absent_files:
                raise fault("mount_missing", f"statfs {mount.source}: no such file or directory", 500)

    def _looks_running(self, box: Box) -> bool:
        return box.state == "running" and (box.running or self.now() < box.shows_at)

    def _state(self, box: Box) -> State:
        if box.state == "running" and not self._looks_running(box):
            return "exited"
        return box.state

    def _row(self, box: Box) -> Container:
        state = self._state(box)
        shown = state in ("running", "stopping", "paused") and box.process is not None
        return Container(
            id=box.id,
            name=box.spec.name,
            state=state,
            pid=box.process.pid if shown and box.process is not None else 0,
            exit_code=box.exit_code if state == "exited" else 0,
            started_at=box.started_at,
            exited_at=box.exited_at if state == "exited" else 0,
            image=box.spec.image,
            image_id=self.images_here.get(box.spec.image, ""),
            labels=box.spec.labels,
            ports=(box.spec.host_port,),
        )

    def event(self, action: str, box: Box | None) -> None:
        """Of a container, or (``None``) of some image."""
        time_nano = int(self.now() * 1e9)
        if box is None:
            self.heard(PodmanEvent("image", action, "", "", {}, time_nano))
        else:
            self.heard(PodmanEvent("container", action, box.id, box.spec.name, box.spec.labels, time_nano))

    def nodes_here(self, spec: ContainerSpec) -> bool:
        return not any(node.path in self.absent_nodes for node in spec.devices)


def fault(kind: str, message: str, status: int | None = None) -> PodmanFault:
    return PodmanFault(msgspec.convert({"kind": kind, "message": message, "status": status}, Fault))


def _managed(box: Box) -> bool:
    return box.spec.labels.get(LABEL_MANAGED) == MANAGED_BY
