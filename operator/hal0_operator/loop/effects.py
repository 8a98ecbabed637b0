"""Perform one effect and say what came of it.  Nothing is decided here, and nothing is raised."""

from collections.abc import Callable
from contextlib import AbstractContextManager, nullcontext
from typing import TypeVar, assert_never

import anyio
import anyio.to_thread

from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_NPU, ContainerSpec
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container, Listing
from hal0_operator.seams.clock import Clock
from hal0_operator.seams.podman import Cancel, Podman, PodmanFault
from hal0_operator.seams.probe import Prober
from hal0_operator.seams.procs import Procs

THREADS = 48
"""Calls that may block at once: removes with their grace, hung calls and lists beside the starts."""
LOG_LINES = 100

T = TypeVar("T")


class Hands:
    """``sharing`` answers the known containers that publish a port or take the NPU; ``progress`` hears of pulls.

    ``npu_turn`` is held by one operator of this machine at a time; it raises OSError when that cannot be.
    """

    def __init__(
        self,
        podman: Podman,
        procs: Procs,
        prober: Prober,
        clock: Clock,
        settings: Settings,
        write_memory: Callable[[Memory], None],
    ) -> None:
        self.podman = podman
        self.procs = procs
        self.prober = prober
        self.clock = clock
        self.settings = settings
        self.write_memory = write_memory
        self.sharing: Callable[[int], tuple[Container, ...]] = lambda _port: ()
        self.progress: Callable[[str, str], None] = lambda _image, _text: None
        self.npu_turn: Callable[[], AbstractContextManager[None]] = nullcontext
        self.calls: dict[tuple[str, str], int] = {}
        self.seconds: dict[tuple[str], tuple[int, float]] = {}
        self._threads = anyio.CapacityLimiter(THREADS)

    async def perform(self, effect: a.Effect, cancel: list[Cancel]) -> a.Outcome:
        """``cancel`` collects what abandons a pull."""
        try:
            return await self._perform(effect, cancel)
        except PodmanFault as failed:
            return failed.fault
        except OSError as failed:
            return a.Fault("local", f"{failed.filename or 'the machine'}: {failed.strerror or failed}")
        except Exception as surprise:  # noqa: BLE001 - the last line of defence: one call's surprise ends no loop
            what = type(effect).__name__.lower()
            return a.Fault("unknown_outcome", f"{what} failed in a way that is nobody's intention: {surprise!r}")

    async def _perform(self, effect: a.Effect, cancel: list[Cancel]) -> a.Outcome:
        match effect:
            case a.List():
                return a.Listed(Listing(await self._call("list", self.podman.containers)))
            case a.ListImages():
                return a.ImagesListed(await self._call("images", self.podman.images))
            case a.ListName(name=name):
                return a.NameListed(await self._call("list_name", lambda: self.podman.holders(name)))
            case a.Create(spec=spec):
                create = self._create_alone if LABEL_NPU in spec.labels else self.podman.create
                return a.Created(await self._call("create", lambda: create(spec)))
            case a.Start(id=id):
                started = await self._call("start", lambda: self.podman.start(id))
                return a.Done() if started else a.NotModified()
            case a.Stop(id=id, grace_s=grace):
                stopped = await self._call("stop", lambda: self.podman.stop(id, grace))
                return a.Done() if stopped else a.NotModified()
            case a.Remove(id=id, grace_s=grace):
                await self._call("remove", lambda: self.podman.remove(id, grace))
                return a.Done()
            case a.Pull(image=image):
                return await self._pull(image, cancel)
            case a.SaveLogs(id=id):
                return a.Saved(await self._call("logs", lambda: self.podman.logs(id, LOG_LINES)))
            case a.KillOrphan() | a.Check() | a.Store():
                return await self._locally(effect)
            case a.Probe():
                return await self._probe(effect)
            case _:
                assert_never(effect)

    def _create_alone(self, spec: ContainerSpec) -> str:
        """Create what takes the NPU, if nothing else does: two homes may want it in the same moment.

        One such create at a time on this machine, and each looks after it has its turn.
        """
        with self.npu_turn():
            taken = [c.name for c in self.podman.containers() if c.takes_npu]
            if taken:
                raise PodmanFault(a.Fault("npu_in_use", f"the NPU was taken by {taken[0]} in this moment"))
            return self.podman.create(spec)

    async def _locally(self, effect: a.KillOrphan | a.Check | a.Store) -> a.Outcome:
        match effect:
            case a.KillOrphan(pid=pid, id=id):
                killed = await self._in_thread(lambda: self.procs.kill_orphan(pid, id))
                return a.Done() if killed else a.Fault("local", f"process {pid} could not be ended")
            case a.Check(needs=needs):
                known = self.sharing(needs.port)
                facts = await self._in_thread(lambda: self.procs.check(needs, self.settings.devices, known))
                return a.Checked(facts)
            case a.Store(memory=memory):
                await self._in_thread(lambda: self.write_memory(memory))
                return a.Done()

    async def _pull(self, image: str, cancel: list[Cancel]) -> a.Outcome:
        await self._call("pull", lambda: self.podman.pull(image, lambda text: self.progress(image, text), cancel))
        return a.Done()

    async def _probe(self, effect: a.Probe) -> a.Outcome:
        address = ""
        if effect.look_inside:
            address = await self._call("address", lambda: self.podman.address(effect.id))
        timeout = self.settings.probe.timeout_s
        return a.Probed(await self.prober.probe(effect.spec, address, effect.once, timeout))

    async def _call(self, verb: str, call: Callable[[], T]) -> T:
        begun = self.clock.monotonic()
        status = "ok"
        try:
            return await self._in_thread(call)
        except PodmanFault as failed:
            status = failed.fault.kind
            raise
        finally:
            self.calls[verb, status] = self.calls.get((verb, status), 0) + 1
            count, seconds = self.seconds.get((verb,), (0, 0.0))
            self.seconds[(verb,)] = (count + 1, seconds + self.clock.monotonic() - begun)

    async def _in_thread(self, call: Callable[[], T]) -> T:
        """A call in flight is abandoned by nothing but the operator's end: the next decision stands on its outcome."""
        return await anyio.to_thread.run_sync(call, limiter=self._threads, abandon_on_cancel=True)
