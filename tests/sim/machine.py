"""The simulated machine: Podman, the host around it, and what the containers' programs do.

Several operators may share one.  It performs effects and answers looks; when an effect takes place,
and whether its answer arrives, is decided by whoever sent it.
"""

import random
from collections.abc import Callable

import msgspec

from hal0_operator.model import action as a
from hal0_operator.model.container import DeviceNode, container_name
from hal0_operator.model.facts import HostFacts, ModelFile, Needs
from hal0_operator.model.probe import ProbeResult
from hal0_operator.model.world import Container, Listing
from hal0_operator.seams.podman import PodmanEvent, PodmanFault
from tests.sim.podman import Box, Process, SimPodman
from tests.sim.timeline import Timeline

NPU_NODE, SIM_NODE = "/dev/accel/accel9", "/dev/sim0"
IMAGES = (
    "localhost/stub:1",
    "localhost/other:1",
    "localhost/dev:1",
    "localhost/kokoro:1",
    "ghcr.io/hal0ai/hal0-toolbox-flm:0.9.43",
)
LOAD_S = 0.2
DEAF_MODEL = "gemma4-it:e2b"
"""A chat model that FLM does not start together with speech recognition."""


class Machine:
    """``missing_models``, ``nodes`` and ``foreign`` are what a person may take away or put in the way.

    ``broken_paths`` are ports whose firewall rule outlived its container; ``deaf`` and ``silent``
    containers refuse, or do not answer, probes.  ``passed`` are the starts that a probe passed on,
    ``strangers`` the ids of containers that are nobody's business here.
    ``hung_until``: Podman takes calls and carries them out only then.
    """

    def __init__(self, seed: int = 0) -> None:
        self.rng = random.Random(seed)
        self.timeline = Timeline()
        self.podman = SimPodman(lambda: self.timeline.time)
        self.podman.images_here = {name: f"id-{name}" for name in IMAGES}
        self.podman.pullable = dict(self.podman.images_here)
        self.podman.behave = self._behave
        self.podman.died = self._died
        self.podman.heard = self._heard
        self.podman.orphaned = self._orphaned
        self.missing_models: set[str] = set()
        self.nodes = {NPU_NODE: "261:0", SIM_NODE: "240:0"}
        self.npu_users: list[str] = []
        self.broken_paths: set[int] = set()
        self.deaf: set[str] = set()
        self.silent: set[str] = set()
        self.pulls: dict[str, str] = {}
        self.hung_until = 0.0
        self.away = False
        self.passed: set[str] = set()
        self.starting = 0
        self.strangers: set[str] = set()
        self.on_exit: list[Callable[[Box], None]] = []
        self.on_cut: list[Callable[[], None]] = []
        self.on_death: list[Callable[[Process], None]] = []
        self.on_event: list[Callable[[PodmanEvent], None]] = []

    @property
    def time(self) -> float:
        return self.timeline.time

    @property
    def hung(self) -> bool:
        return self.time < self.hung_until

    def alive(self, pid: int, id: str) -> bool:
        return any(p.pid == pid and p.box == id and p.alive for p in self.podman.processes)

    # ── effects ────────────────────────────────────────────────────────────────────────────────

    def apply(self, effect: a.Effect, known: frozenset[str] = frozenset()) -> a.Outcome:
        """``known`` are the ids that whoever asks has in its world."""
        try:
            return self._applied(effect, known)
        except PodmanFault as failed:
            return failed.fault

    def _applied(self, effect: a.Effect, known: frozenset[str]) -> a.Outcome:
        podman = self.podman
        match effect:
            case a.List():
                return a.Listed(Listing(podman.containers()))
            case a.ListImages():
                return a.ImagesListed(podman.images())
            case a.ListName(name=name):
                return a.NameListed(podman.holders(name))
            case a.Create(spec=spec):
                return a.Created(podman.create(spec))
            case a.Start(id=id):
                return a.Done() if podman.start(id) else a.NotModified()
            case a.Stop(id=id, grace_s=grace):
                return a.Done() if podman.stop(id, grace) else a.NotModified()
            case a.Remove(id=id, grace_s=grace):
                podman.remove(id, grace)
                return a.Done()
            case a.Pull(image=image):
                podman.pull(image, lambda _text: None, [])
                return a.Done()
            case a.SaveLogs(id=id):
                return a.Saved(podman.logs(id, 100))
            case a.KillOrphan(pid=pid, id=id):
                if self.alive(pid, id):
                    podman.kill(pid)
                return a.Done()
            case a.Check(needs=needs):
                return a.Checked(self.facts(needs, known))
            case a.Probe():
                return a.Probed(self.probe(effect))
            case a.Store():
                raise AssertionError("a store is the operator's own")

    def facts(self, needs: Needs, known: frozenset[str]) -> HostFacts:
        alive = [p for p in self.podman.processes if p.alive and p.monitored]
        listeners = frozenset(port for process in alive for port in process.ports) | self.podman.foreign.keys()
        facts = HostFacts(listeners=frozenset(listeners), port_holder=self.podman.foreign.get(needs.port, ""))
        holder = next((p for p in alive if needs.port in p.ports and p.box not in known), None)
        if holder is not None and not facts.port_holder:
            facts = msgspec.structs.replace(facts, port_holder=f"container {holder.name} (pid {holder.pid})")
            if holder.name.startswith(container_name("")):
                seen = {"port_conmon": holder.pid, "port_conmon_id": holder.box, "port_conmon_name": holder.name}
                facts = msgspec.structs.replace(facts, **seen)
        if needs.npu:
            users = [p for p in self.podman.processes if p.alive and p.npu and p.box not in known]
            holders = (*self.npu_users, *(f"{p.name} (pid {p.pid})" for p in users))
            contained = tuple((p.pid, p.box) for p in users)
            facts = msgspec.structs.replace(facts, npu_holders=holders, npu_contained=contained)
        return self._things(needs, facts)

    def _things(self, needs: Needs, facts: HostFacts) -> HostFacts:
        if needs.model and needs.model in self.missing_models:
            return msgspec.structs.replace(facts, problem="ModelMissing", message=f"no model {needs.model}")
        model = ModelFile(f"/models/{needs.model}", 1) if needs.model else None
        for path in needs.nodes:
            if path not in self.nodes:
                return msgspec.structs.replace(facts, model=model, problem="DeviceMissing", message=f"no {path}")
        nodes = tuple(DeviceNode(path, self.nodes[path]) for path in needs.nodes)
        return msgspec.structs.replace(facts, model=model, nodes=nodes)

    def probe(self, effect: a.Probe) -> ProbeResult:
        box = self.podman.boxes.get(effect.id)
        if box is None or not box.running or box.id in self.deaf or box.half_started:
            return ProbeResult("refused", "connection refused")
        if box.id in self.silent:
            return ProbeResult("timeout", "no answer within 1 s")
        loading = self.time < box.started_at - 1 + self._load_s(box)
        if box.spec.host_port in self.broken_paths:
            inside = not loading if effect.look_inside else None
            return ProbeResult("refused", "connection refused", inside=inside)
        if loading:
            return ProbeResult("loading", "503")
        self.passed.add(self.start_of(box))
        return ProbeResult("passed")

    @staticmethod
    def start_of(box: Box) -> str:
        return f"{box.id}/{box.process.pid if box.process else 0}"

    # ── what containers' programs do ───────────────────────────────────────────────────────────

    def _load_s(self, box: Box) -> float:
        return float("inf") if _says(box, "slow") else LOAD_S

    def _behave(self, box: Box) -> None:
        if _says(box, DEAF_MODEL) and _says(box, "--asr"):
            box.lines = ("error: CREATE_HWCTX err -22",)
            self._exits(box, 0.05)
        elif _says(box, "crash"):
            box.lines = ("error: unknown argument: --crash",)
            self._exits(box, 0.05)
        elif _says(box, "flaky"):
            box.lines = ("terminate called",)
            self._exits(box, self.rng.uniform(0.5, 30))

    def _exits(self, box: Box, after: float) -> None:
        process = box.process

        def exit() -> None:
            if box.process is process and box.running:
                for hear in self.on_exit:
                    hear(box)
                self.podman.end(box, 1)

        self.timeline.at(after, exit)

    def _died(self, process: Process) -> None:
        for hear in self.on_death:
            hear(process)

    def _heard(self, event: PodmanEvent) -> None:
        for hear in self.on_event:
            hear(event)

    def _orphaned(self, box: Box) -> bool:
        """4.3 orphans what it removes while it is stopping, and now and then what was half started."""
        return box.state == "stopping" or (box.half_started and self.rng.random() < 0.3)

    def start_over(self) -> None:
        self.starting -= 1

    # ── faults ─────────────────────────────────────────────────────────────────────────────────

    def kill_service(self) -> None:
        """SIGKILL to Podman's service: containers go on, calls under way do not; a new one serves at once."""
        for cut in self.on_cut:
            cut()

    def cut_short(self, effect: a.Effect) -> None:
        """The Podman service is killed in the middle of a call, and starts again."""
        podman, dice = self.podman, self.rng.random()
        box = podman.boxes.get(effect.id) if isinstance(effect, a.Start | a.Stop | a.Remove) else None
        match effect:
            case a.Create(spec=spec) if dice < 0.4 and not podman.holders(spec.name):
                podman.leftovers[spec.name] = f"left-{spec.name}"
            case a.Start() if dice < 0.5 and box is not None:
                self._half_start(box, dice)
            case a.Start() if dice < 0.6 and box is not None:
                self.broken_paths.add(box.spec.host_port)
                self.apply(effect)
            case a.Stop() if dice < 0.5 and box is not None:
                stop_for_ever(box)
            case a.Remove(grace_s=grace) if dice < 0.15 and grace > 0 and box is not None:
                stop_for_ever(box)
            case a.Remove() if dice < 0.4 and box is not None and box.state != "stopping":
                podman.end(box, 137, settle=0)
                box.state = "exited" if dice < 0.25 else "removing"
            case a.Create() | a.Start() | a.Stop() | a.Remove() if dice < 0.8:
                self.apply(effect)
            case _:
                return

    def _half_start(self, box: Box, dice: float) -> None:
        """``runc init`` lives and holds the port; the container refuses every further start."""
        if box.running or self.podman.holds_port(box.spec.host_port):
            return
        box.process = self.podman.process(box.id, box.spec.name, (box.spec.host_port,), npu=box.takes_npu)
        box.half_started = True
        box.state = "created" if dice < 0.25 else "initialized"

    def reboot(self, *, modern: bool) -> None:
        self.podman.reboot(modern=modern)
        self.passed.clear()
        self.deaf.clear()
        self.silent.clear()
        self.broken_paths.clear()
        self.npu_users.clear()


def stop_for_ever(box: Box) -> None:
    """A stop that was cut off: ``stopping`` until somebody stops it again, its process alive."""
    if box.running and box.state == "running":
        box.state = "stopping"


def _says(box: Box, word: str) -> bool:
    return word in " ".join(box.spec.command)


def with_pulse(machine: Machine, row: Container) -> Container:
    """A listed row with whether its process lives."""
    if row.state not in ("running", "stopping") or not row.pid:
        return row
    return msgspec.structs.replace(row, alive=machine.alive(row.pid, row.id))
