"""What stands below ``/v1``: one ASGI callable, to be asked only after Host, origin and key were looked at."""

import asyncio
import contextlib
import logging
from collections.abc import Callable

import msgspec

from hal0_operator.gateway.client import UNSENT, Client, Receive, Send, unknown
from hal0_operator.gateway.connection import Headers
from hal0_operator.gateway.counters import CLIENT_GONE, Counters
from hal0_operator.gateway.lanes import Lanes
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.ports import Slots
from hal0_operator.gateway.relay import Relay
from hal0_operator.gateway.request import Scope
from hal0_operator.gateway.sweep import Sweep
from hal0_operator.routing.directory import PREFIX, Directory
from hal0_operator.routing.endpoints import ENDPOINTS, IMAGES, MODELS
from hal0_operator.routing.failure import ENDING, ENDING_RETRY_S, Failure

_log = logging.getLogger("hal0_operator.gateway")

LAST_WORDS_S = 0.5
"""Seconds in which a client must take what it is told when the operator ends."""


def _untold(container: str, count: int) -> None:
    """Nobody wants to know."""


class Gateway:
    """``changed`` is told the count of a container's requests after each change."""

    def __init__(
        self, slots: Slots, changed: Callable[[str, int], None] = _untold, limits: Limits | None = None
    ) -> None:
        self._slots = slots
        self._limits = limits or Limits()
        self._sweep = Sweep()
        self._relay = Relay(slots, changed, self._limits, self._sweep)

    @property
    def lanes(self) -> Lanes:
        """What each container has to do, and when it has nothing."""
        return self._relay.lanes

    @property
    def counters(self) -> Counters:
        """What was done so far."""
        return self._relay.counters

    def close(self) -> None:
        """End the idle connections to containers."""
        self._relay.close()

    async def __call__(self, scope: Scope, receive: Receive, send: Send) -> None:
        client = Client(receive, send, self._limits, self._sweep, scope.get(UNSENT, unknown))
        try:
            await self._answer(scope, client)
        except asyncio.CancelledError:
            await self._end(client)
        except Exception as bug:  # noqa: BLE001 - the last line of defence: one log line, never a traceback
            _log.error("%s: %r", _known(scope["path"]), bug)
            _log.debug("where it happened", exc_info=True)
            if not client.status:
                await client.fail(Failure(500, "internal", "the operator failed to answer; its log says why"))
        finally:
            client.close()

    @staticmethod
    async def _end(client: Client) -> None:
        """The server, which closes, cancels what it has waited for long enough; nobody needs to hear of it but this."""
        task = asyncio.current_task()
        if task is not None:
            task.uncancel()
        with contextlib.suppress(TimeoutError):
            async with asyncio.timeout(LAST_WORDS_S):
                await client.fail(Failure(503, "slot.not_ready", ENDING, retry_s=ENDING_RETRY_S))

    async def _answer(self, scope: Scope, client: Client) -> None:
        path, method = scope["path"], scope["method"]
        endpoint = ENDPOINTS.get(path)
        allowed = ("GET", "HEAD") if _known(path) == MODELS else ("POST",)
        if _known(path) == "" or method not in allowed or endpoint is None:
            await self._answer_here(path, method, allowed, client)
            self.counters.ended("", _known(path), str(client.status or CLIENT_GONE))
            return
        await self._relay.relay(endpoint, scope, client)

    async def _answer_here(self, path: str, method: str, allowed: tuple[str, ...], client: Client) -> None:
        """What needs no container."""
        if not _known(path):
            paths = ", ".join(sorted((*ENDPOINTS, MODELS)))
            await client.fail(Failure(404, "request.not_found", f"there is nothing at this path; there are: {paths}"))
        elif method not in allowed:
            failure = Failure(405, "request.method", f"this path takes {' and '.join(allowed)}")
            await client.fail(failure, [(b"allow", ", ".join(allowed).encode())])
        elif path == IMAGES:
            message = "images are made by ComfyUI's own API, on the slot's own port; nothing translates to it here"
            await client.fail(Failure(501, "request.not_implemented", message))
        elif path != MODELS and _named(path) not in self._slots.directory().slots:
            names = ", ".join(sorted(self._slots.directory().slots)) or "none"
            await client.fail(
                Failure(404, "slot.unknown", f"no slot has the name that was asked for: there are: {names}")
            )
        else:
            body = models(self._slots.directory()) if path == MODELS else msgspec.json.encode(_entry(_named(path)))
            headers: Headers = [(b"content-type", b"application/json"), (b"content-length", b"%d" % len(body))]
            await client.start(200, headers)
            await client.body(body, last=True)


def models(directory: Directory) -> bytes:
    """The list of models as OpenAI has it: one for each slot, under the slot's name."""
    return msgspec.json.encode({"object": "list", "data": [_entry(slot) for slot in sorted(directory.slots)]})


def _entry(slot: str) -> dict[str, str | int]:
    return {"id": slot, "object": "model", "created": 0, "owned_by": "hal0"}


def _named(path: str) -> str:
    """The slot that a path below that of the models names, as every request may name it."""
    return path.removeprefix(f"{MODELS}/").removeprefix(PREFIX)


def _known(path: str) -> str:
    """The route where the path is one of ours, else ``""``: never what a client named in it."""
    if path.startswith(f"{MODELS}/"):
        return MODELS
    return path if path in ENDPOINTS or path in (MODELS, IMAGES) else ""
