"""What people and machines do to a home, by chance: each kind is one method, drawn by name."""

import contextlib

import msgspec

from hal0_operator.model.container import LABEL_NPU, ContainerSpec
from hal0_operator.model.memory import Memory
from hal0_operator.seams.podman import PodmanFault
from tests.sim.home import Want
from tests.sim.machine import IMAGES, NPU_NODE, SIM_NODE, stop_for_ever
from tests.sim.podman import Box
from tests.sim.simulator import Simulator

STUB = "localhost/stub:1"
LATE = "localhost/late:1"
"""An image that is not here and can be pulled."""


class Trouble:
    """Of one home on its machine.  ``wants`` is what its files should say, whatever they say now."""

    def __init__(self, sim: Simulator, wanted: dict[str, Want]) -> None:
        self.sim, self.machine, self.podman, self.rng = sim, sim.machine, sim.podman, sim.rng
        self.wants = dict(wanted)
        self.first = dict(wanted)
        self.flags = ""
        self.made = 0

    @classmethod
    def kinds(cls) -> list[str]:
        return [name for owner in reversed(cls.__mro__) for name in vars(owner) if name.startswith("do_")]

    def strike(self, kind: str) -> bool:
        """False when there was nothing that it could be done to."""
        happened = getattr(self, kind)() is not False
        if happened:
            self.sim.journal.append(f"{self.sim.time:.3f} -- {kind.removeprefix('do_').replace('_', ' ')}")
        return happened

    # ── to containers, by hand ─────────────────────────────────────────────────────────────────

    def box(self, *, running: bool = True) -> Box | None:
        found = [b for b in self.podman.boxes.values() if b.home == self.sim.id and (b.running or not running)]
        return self.rng.choice(found) if found else None

    def do_kill(self) -> "bool | None":
        if (box := self.box()) is None:
            return False
        self.podman.kill(box.process.pid)

    do_kill_again = do_kill

    def do_remove(self) -> "bool | None":
        if (box := self.box(running=False)) is None:
            return False
        self.podman.remove(box.id, 0)

    def do_stop(self) -> "bool | None":
        if (box := self.box()) is None or box.state != "running":
            return False
        with contextlib.suppress(PodmanFault):
            self.podman.stop(box.id, 10)

    def do_pause(self) -> "bool | None":
        if (box := self.box()) is None or box.state != "running":
            return False
        box.state = "paused"

    def do_rename(self) -> "bool | None":
        if (box := self.box(running=False)) is None:
            return False
        self.made += 1
        box.spec = msgspec.structs.replace(box.spec, name=f"old-{self.sim.id}-{self.made}")
        self.podman.event("rename", box)

    def do_rename_and_clone(self) -> "bool | None":
        """``container clone`` copies our labels; the copy takes the name."""
        if (box := self.box(running=False)) is None or box.spec.name != f"hal0-{box.slot}":
            return False
        spec = box.spec
        self.do_rename()
        if not self.podman.holders(spec.name) and self.can(spec):
            self.podman.create(spec)

    def do_copy(self) -> "bool | None":
        """A copy with our labels under a name of its own: a stray."""
        if (box := self.box(running=False)) is None:
            return False
        self.made += 1
        copied = msgspec.structs.replace(box.spec, name=f"copy-{self.sim.id}-{self.made}")
        if self.can(copied):
            self.machine.strangers.add(self.podman.create(copied))

    def can(self, spec: ContainerSpec) -> bool:
        return spec.image in self.podman.images() and self.podman.nodes_here(spec)

    def do_lose_conmon_and_process(self) -> "bool | None":
        if (box := self.box()) is None:
            return False
        box.process.monitored = False
        self.podman.kill(box.process.pid)

    def do_lose_conmon(self) -> "bool | None":
        if (box := self.box()) is None or box.state != "running":
            return False
        box.process.monitored = False

    def do_cut_a_stop_off(self) -> "bool | None":
        if (box := self.box()) is None:
            return False
        stop_for_ever(box)

    def do_remove_while_stopping(self) -> "bool | None":
        """4.3: out of the list, and its process lives on with its conmon, or without."""
        if (box := self.box()) is None or box.half_started:
            return False
        stop_for_ever(box)
        box.process.monitored = self.rng.random() < 0.6
        self.podman.remove(box.id, 0)

    def do_leave_a_name(self) -> "bool | None":
        """A create that was cut short left its name in the storage."""
        name = f"hal0-{self.rng.choice(list(self.wants))}"
        if self.podman.holders(name):
            return False
        self.podman.leftovers[name] = f"left-{name}"

    def do_go_deaf(self) -> "bool | None":
        if (box := self.box()) is None:
            return False
        (self.machine.deaf if self.rng.random() < 0.6 else self.machine.silent).add(box.id)

    def do_break_a_path(self) -> "bool | None":
        if (box := self.box()) is None:
            return False
        self.machine.broken_paths.add(box.spec.host_port)

    # ── to the machine ─────────────────────────────────────────────────────────────────────────

    def do_kill_the_service(self) -> None:
        self.machine.kill_service()

    def do_reboot(self) -> None:
        self.machine.reboot(modern=self.podman.modern)
        self.sim.boot()

    def do_hang_podman(self) -> None:
        self.machine.hung_until = self.sim.time + self.rng.choice((2, 8, 40))

    def do_take_podman_away(self) -> None:
        self.machine.away = not self.machine.away

    def do_fill_the_disk(self) -> None:
        self.sim.disk_full = not self.sim.disk_full

    def do_listen_on_a_port(self) -> None:
        port = self.a_port()
        if self.podman.foreign.pop(port, None) is None and self.podman.holds_port(port) is None:
            self.podman.foreign[port] = "nginx (pid 7)"

    def do_take_a_name(self) -> "bool | None":
        return self.stranger(f"hal0-{self.rng.choice(list(self.wants))}", {})

    def do_add_another_homes_container(self) -> "bool | None":
        npu = {LABEL_NPU: "1"} if self.rng.random() < 0.5 and not self.npu_taken() else {}
        labels = {"app.kubernetes.io/managed-by": "hal0-operator", "dev.hal0.home": "elsewhere", "dev.hal0.slot": "x"}
        return self.stranger("hal0-elsewhere", labels | npu)

    def stranger(self, name: str, labels: dict[str, str]) -> bool:
        image = next(iter(self.podman.images_here), "")
        if self.podman.holders(name) or not image:
            return False
        port = self.a_port()
        id = self.podman.create(ContainerSpec(name=name, image=image, host_port=port, container_port=80, labels=labels))
        self.machine.strangers.add(id)
        return True

    def npu_taken(self) -> bool:
        return any(b.takes_npu for b in self.podman.boxes.values())

    def do_send_strangers_away(self) -> None:
        for id in self.machine.strangers:
            self.podman.remove(id, 0)
        self.machine.strangers.clear()

    def do_open_the_npu(self) -> "bool | None":
        if self.machine.npu_users:
            self.machine.npu_users.clear()
            return None
        if any(p.alive and p.npu for p in self.podman.processes):
            return False
        self.machine.npu_users.append("python (pid 9)")

    def do_move_a_model(self) -> None:
        self.machine.missing_models ^= {self.rng.choice(("m", "n"))}

    def do_move_a_node(self) -> None:
        node = self.rng.choice((NPU_NODE, SIM_NODE))
        if node in self.machine.nodes and self.rng.random() < 0.6:
            del self.machine.nodes[node]
        else:
            self.machine.nodes[node] = f"{self.rng.randint(240, 250)}:0"
        self.podman.absent_nodes = {NPU_NODE, SIM_NODE} - self.machine.nodes.keys()

    def do_remove_an_image(self) -> None:
        image = self.rng.choice((*IMAGES, LATE))
        self.podman.images_here.pop(image, None)

    def do_tag_another_image(self) -> None:
        self.made += 1
        image = self.rng.choice(IMAGES)
        if image in self.podman.images_here:
            self.podman.images_here[image] = f"id-{self.made}"
            self.podman.event("tag", None)

    def do_spoil_pulls(self) -> None:
        image = self.rng.choice((*IMAGES, LATE))
        match self.rng.randrange(3):
            case 0:
                self.machine.pulls[image] = "hangs"
            case 1:
                self.podman.pullable.pop(image, None)
            case _:
                self.machine.pulls.pop(image, None)
                self.podman.pullable[image] = f"id-{image}"

    def a_port(self) -> int:
        ports = [w.port for w in self.first.values() if w.port]
        return self.rng.choice([*ports, 8081])

    # ── to the operator ────────────────────────────────────────────────────────────────────────

    def do_kill_the_operator(self) -> None:
        self.sim.crash()

    do_kill_the_operator_again = do_kill_the_operator

    def do_lose_the_state(self) -> None:
        self.sim.memory, self.sim.admitted = Memory(), None
        self.sim.suspended.clear()
        self.sim.crash()

    def do_upgrade(self) -> None:
        self.sim.upgrade()

    def do_suspend(self) -> None:
        self.sim.suspend(self.rng.choice(list(self.wants)))

    def do_resume(self) -> None:
        for slot in list(self.sim.suspended):
            self.sim.resume(slot)

    def do_restart(self) -> None:
        self.sim.restart(self.rng.choice(list(self.wants)), pull=self.rng.random() < 0.4)

    def do_approve_the_prune(self) -> None:
        self.sim.approve_prune()

    def calm(self) -> None:
        """Faults stop and causes go; nobody restarts the operator."""
        machine, podman = self.machine, self.podman
        self.sim.faults.rate = 0
        machine.away = self.sim.disk_full = False
        machine.hung_until = self.sim.time
        podman.foreign.clear()
        self.do_send_strangers_away()
        machine.npu_users.clear()
        machine.missing_models.clear()
        machine.nodes |= {NPU_NODE: "261:0", SIM_NODE: "240:0"}
        podman.absent_nodes = set()
        machine.broken_paths.clear()
        machine.pulls.clear()
        podman.pullable = {image: f"id-{image}" for image in (*IMAGES, LATE)}
        known = self.sim.reconciler.world.recorded
        for box in list(podman.boxes.values()):
            if box.home == self.sim.id and box.spec.name != f"hal0-{box.slot}" and box.id not in known:
                podman.remove(box.id, 0)
        for process in podman.processes:
            # Nothing proves whose it is: neither a conmon with a name of ours, nor, at the NPU, an id that was written down.
            named = process.monitored and process.name.startswith("hal0-")
            written = process.npu and process.box in known and not process.monitored
            if process.alive and process.box not in podman.boxes and not named and not written:
                podman.kill(process.pid)
        for slot in list(self.sim.suspended):
            self.sim.resume(slot)
