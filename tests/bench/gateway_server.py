"""``python -m tests.bench.gateway_server LISTEN UPSTREAM``: the gateway alone, before a server that is always Ready."""

import gc
import sys
import tempfile

import anyio
from starlette.types import Receive, Scope, Send

from hal0_operator.host import descriptors
from hal0_operator.gateway.app import Gateway
from hal0_operator.routing.directory import Directory, Listing
from hal0_operator.routing.standing import Standing
from hal0_operator.web.front import Front
from hal0_operator.web.guard import Guard
from hal0_operator.web.serve import serve


class TwoSlots:
    def __init__(self, port: int) -> None:
        chat = Listing(slot="chat", type="llm", device="cpu", family="llama-server", model="m.gguf")
        stt = Listing(slot="stt", type="transcription", device="cpu", family="llama-server", model="w.gguf")
        self._directory = Directory({"chat": chat, "stt": stt}, {"m.gguf": ("chat",), "w.gguf": ("stt",)})
        self._standing = Standing(phase="Ready", container="c1", port=port)

    def directory(self) -> Directory:
        return self._directory

    def stands(self, slot: str) -> Standing:
        del slot
        return self._standing

    def began(self, slot: str, container: str) -> None: ...

    def ended(self, slot: str, container: str) -> None: ...

    def answered(self, slot: str, container: str) -> None: ...

    def unanswered(self, slot: str, container: str) -> None: ...

    async def wake(self, slot: str) -> Standing:
        return self.stands(slot)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    """Nobody asks for anything but models."""


async def main(listen: str, upstream: int) -> None:
    descriptors.allow_many()
    gc.freeze()  # as the operator does
    with tempfile.TemporaryDirectory() as folder:
        front = Front(Guard(_nothing, "token"), Gateway(TwoSlots(upstream)), b"")
        await serve(front, listen, f"{folder}/socket", anyio.Event())


if __name__ == "__main__":
    anyio.run(main, sys.argv[1], int(sys.argv[2]))
