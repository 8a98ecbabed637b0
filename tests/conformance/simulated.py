"""The simulator's Podman as ground.  It has no service, no streams and no secrets: those cases are for real ones."""

import contextlib
from collections.abc import Iterator, Sequence

from hal0_operator.model.container import ContainerSpec
from hal0_operator.model.world import Container
from tests.conformance.ground import Ground
from tests.sim.podman import Box, SimPodman

ID, OTHER_ID = "1" * 64, "2" * 64


class SimGround(Ground):
    def __init__(self) -> None:
        self.image, self.no_program = "localhost/hal0-conformance:1", "localhost/hal0-conformance:broken"
        self._ports = iter(range(21000, 65536))
        self._folders = 0
        self.wipe()

    def wipe(self) -> None:
        self._now = 1000.0
        self.podman = SimPodman(lambda: self._now)
        digest = self.image.replace(":1", f"@sha256:{'d' * 64}")
        self.podman.images_here = {
            **dict.fromkeys((self.image, digest, f"sha256:{ID}"), ID),
            self.no_program: OTHER_ID,
        }
        self.podman.broken_programs = {self.no_program}
        self.podman.absent_nodes = {"/dev/hal0-none"}
        self.podman.behave = self._behave
        self.podman.exit_code = lambda box: 137 if box.spec.command == self.stubborn() else 0

    def serving(self) -> tuple[str, ...]:
        return ("serve",)

    def stubborn(self) -> tuple[str, ...]:
        return ("deaf",)

    def saying(self, out: Sequence[str], err: Sequence[str] = (), code: int = 0) -> tuple[str, ...]:
        return ("say", str(code), *out, *err)

    def _behave(self, box: Box) -> None:
        match box.spec.command:
            case ("say", code, *lines):
                box.lines += tuple(lines)
                self.podman.end(box, int(code))

    def port(self) -> int:
        return next(self._ports)

    @contextlib.contextmanager
    def listening(self, port: int) -> Iterator[None]:
        self.podman.foreign[port] = "somebody"
        yield
        del self.podman.foreign[port]

    def make_folder(self) -> str:
        self._folders += 1
        return f"/folders/{self._folders}"

    def drop_folder(self, path: str) -> None:
        self.podman.absent_files.add(path)

    def kill(self, id: str) -> None:
        self.podman.kill(self.settled(id, "running").pid)

    def kill_monitor(self, id: str) -> None:
        process = self.podman.boxes[id].process
        process.monitored = False
        self.podman.kill(process.pid)

    def foreign(self, name: str) -> str:
        return self.podman.create(ContainerSpec(name=name, image=self.image, host_port=0, container_port=0))

    def leftover(self, name: str) -> None:
        self.podman.leftovers[name] = "3" * 64

    def interrupted_stop(self, id: str) -> None:
        self.podman.boxes[id].state = "stopping"

    def settled(self, id: str, *states: str) -> Container:
        self._now += 1
        found = self.find(id)
        assert found is not None and found.state in states, found
        return found
