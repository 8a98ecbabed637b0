"""A gateway on a port of its own, served as the operator serves it, before two fake servers."""

import contextlib
import tempfile
from collections.abc import AsyncIterator, Callable

import anyio
import pytest

from hal0_operator.gateway.app import Gateway
from hal0_operator.gateway.limits import Limits
from hal0_operator.routing.directory import Listing
from hal0_operator.web.serve import serve
from tests.gateway.fakes import Caller, FakeServer, FakeSlots, listing
from tests.support.served import free_port


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


class Ground:
    """``server`` is a llama-server's, slots chat, embed and stt; ``npu`` an flm's, slots agent, npu-stt (a record).

    ``counts`` is what the loop was told of containers.
    """

    def __init__(self, limits: Limits) -> None:
        self.slots = FakeSlots()
        self.server, self.npu = FakeServer(), FakeServer()
        self.counts: list[tuple[str, int]] = []
        self.gateway = Gateway(self.slots, lambda *told: self.counts.append(told), limits)
        self.port = free_port()
        self.shutdown = anyio.Event()
        self._callers: list[Caller] = []

    def declare(self) -> None:
        for slot, type in (("chat", "llm"), ("embed", "embedding"), ("stt", "transcription"), ("tts", "tts")):
            self.slots.add(listing(slot, type, model=f"{slot}-model"), self.server.port)
        npu = {"device": "npu", "family": "flm"}
        self.slots.add(listing("agent", model="gemma3:4b", upstream_model="gemma3:4b", **npu), self.npu.port, "id-npu")
        self.slots.add(self.record("npu-stt", "transcription", "whisper-v3:turbo"))

    @staticmethod
    def record(slot: str, type: str, model: str = "embed-gemma:300m") -> Listing:
        """One that the NPU's process serves."""
        npu = {"device": "npu", "family": "flm"}
        return listing(slot, type, **npu, is_record=True, anchor="agent", upstream_model=model)

    async def caller(self, **more: int) -> Caller:
        caller = await Caller.to(self.port, **more)
        self._callers.append(caller)
        return caller

    def close(self) -> None:
        for caller in self._callers:
            caller.leave()
        self.gateway.close()

    def idle(self) -> bool:
        """Nothing is counted any more."""
        begun = [entry[1:] for entry in self.slots.log if entry[0] == "began"]
        ended = [entry[1:] for entry in self.slots.log if entry[0] == "ended"]
        return sorted(begun) == sorted(ended) and not self.gateway.counters.in_flight


Make = Callable[..., contextlib.AbstractAsyncContextManager[Ground]]


@contextlib.asynccontextmanager
async def _made(**limits: float) -> AsyncIterator[Ground]:
    ground = Ground(Limits(**limits))
    with tempfile.TemporaryDirectory() as folder:
        async with ground.server.running(), ground.npu.running(), anyio.create_task_group() as tasks:
            ground.declare()
            tasks.start_soon(serve, ground.gateway, f"127.0.0.1:{ground.port}", f"{folder}/x.sock", ground.shutdown)
            await _listens(ground.port)
            try:
                with anyio.fail_after(60):
                    yield ground
            finally:
                ground.close()
                ground.shutdown.set()


async def _listens(port: int) -> None:
    for _ in range(10_000):
        with contextlib.suppress(OSError):
            (await Caller.to(port)).leave()
            return
        await anyio.sleep(0)
    raise AssertionError("the server did not come up")


@pytest.fixture
def made() -> Make:
    """``async with made(answer_s=1) as ground``."""
    return _made


@pytest.fixture
async def ground(anyio_backend: str) -> AsyncIterator[Ground]:
    async with _made() as ground:
        yield ground
