"""One request, from its routing to the last byte of its answer: each piece goes on as it came.

Nothing here waits between the routing of a request and the moment that it counts on its container.
"""

import asyncio
from functools import partial

from hal0_operator.gateway.client import Client
from hal0_operator.gateway.counters import CLIENT_GONE, Counters
from hal0_operator.gateway.exchange import Exchange
from hal0_operator.gateway.faults import Gone, Refused
from hal0_operator.gateway.lanes import RETRY_S, Changed, Entry, Lanes
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.ports import Slots
from hal0_operator.gateway.request import Body, Passing, Scope, read
from hal0_operator.gateway.sweep import Sweep
from hal0_operator.gateway.upstream import Pool
from hal0_operator.routing.endpoints import Endpoint
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import Route, route

NEWS_S = 0.01
"""A process's end is told within half a millisecond; a busy event loop may need more."""

TRIES = 4
"""Routings of one request; each further one follows a start or a wait that ended on another container."""


class Relay:
    """``changed`` is told the count of a container's requests after each change."""

    def __init__(self, slots: Slots, changed: Changed, limits: Limits, sweep: Sweep) -> None:
        self._slots = slots
        self._limits = limits
        self._pool = Pool(sweep, connect_s=limits.connect_s, idle_s=limits.idle_s, idle_most=limits.idle_most)
        self.lanes = Lanes(changed, limits.queue)
        self.counters = Counters()

    def close(self) -> None:
        """End the idle connections."""
        self._pool.close()

    async def relay(self, endpoint: Endpoint, scope: Scope, client: Client) -> None:
        """Answer one request, with an error where need be."""
        began = asyncio.get_running_loop().time()
        slot, code = "", ""
        body: Body | None = None
        try:
            body = await read(endpoint, scope, client, self._limits)
            for _ in range(TRIES):
                found = self.found(endpoint, body.model)
                slot = found.slot
                if found.wake:
                    await self._wake(found, client, beats=body.stream and endpoint.streams)
                elif isinstance(body, Passing) and _is_serial(found) and not body.is_here:
                    await body.store()
                elif await self._served(found, endpoint, scope, body, client, began):
                    return
            why = f"slot {slot} was replaced while the request waited for it"
            await client.fail(Failure(503, "slot.not_ready", why, {"slot": slot}, 1))
        except Refused as refused:
            slot = slot or self._meant(refused.failure)
            await client.fail(refused.failure)
        except Gone:
            code = CLIENT_GONE
            self.counters.cancelled[slot] = self.counters.cancelled.get(slot, 0) + 1
        finally:
            if body is not None:
                body.close()
            self.counters.ended(slot, endpoint.path, code or str(client.outcome or CLIENT_GONE))

    def found(self, endpoint: Endpoint, model: str | None) -> Route:
        """Raises ``Refused``."""
        found = route(self._slots.directory(), self._slots.stands, endpoint, model)
        if isinstance(found, Failure):
            raise Refused(found)
        return found

    def _meant(self, failure: Failure) -> str:
        """The slot or record that a refusal is about; ``""`` for none of ours."""
        slot = failure.details.get("record") or failure.details.get("slot")
        return slot if slot in self._slots.directory().slots else ""

    def heard(self, found: Route) -> None:
        """Bytes of an answer came."""
        self._slots.answered(found.server.slot, found.standing.container)

    def unheard(self, found: Route) -> None:
        """No answer began in time."""
        self._slots.unanswered(found.server.slot, found.standing.container)

    async def has_died(self, found: Route) -> bool:
        """Whether the container is not to be asked any more; the news of a death comes within a moment of it."""
        await asyncio.sleep(NEWS_S)
        return bool(self.why_gone(found))

    def why_gone(self, found: Route) -> str:
        """Why the container answers nobody any more, as far as the loop knows; ``""`` while it does."""
        stands = self._slots.stands(found.server.slot)
        if stands.keeps(found.standing.container):
            return ""
        return stands.why or ("there is another container now" if stands.container else f"it is {stands.phase}")

    async def _wake(self, found: Route, client: Client, *, beats: bool) -> None:
        woken = asyncio.ensure_future(self._slots.wake(found.server.slot))
        result = await client.wait_for(woken, beats=beats, soon=True)
        if isinstance(result, Failure):
            raise Refused(result)

    async def _served(
        self, found: Route, endpoint: Endpoint, scope: Scope, body: Body, client: Client, began: float
    ) -> bool:
        """Whether it was answered; if not, it waited so long that its container has gone, and there is another one.

        Until then a removal waits for it, and what was meanwhile decided about new requests does not concern it.
        """
        server, container = found.server.slot, found.standing.container
        entry = self.lanes.enter(container, server, serial=_is_serial(found))
        self._slots.began(server, container)
        counted = self.counters.in_flight
        counted[found.slot] = counted.get(found.slot, 0) + 1
        leave = partial(self._leave, entry, found.slot, server)
        try:
            if entry.turn is not None:
                self.counters.queued[found.slot] = self.counters.queued.get(found.slot, 0) + 1
                await self._turn(entry.turn, server, client, beats=body.stream and endpoint.streams)
                if not self._slots.stands(server).keeps(container):
                    return False
            exchange = Exchange(self, self._pool, self._limits, found, endpoint)
            await exchange.run(scope, body, client, began, leave)
        finally:
            leave()
        return True

    async def _turn(self, turn: "asyncio.Future[None]", server: str, client: Client, *, beats: bool) -> None:
        """Raises ``Refused`` when it does not come in the time that one answer may take."""
        try:
            async with asyncio.timeout(self._limits.answer_s):
                await client.wait_for(turn, beats=beats, soon=False)
        except TimeoutError:
            why = f"slot {server} was busy with others for {self._limits.answer_s:g} s: try again later"
            details = {"slot": server, "reason": "the queue did not move on"}
            raise Refused(Failure(503, "slot.not_ready", why, details, RETRY_S)) from None

    def _leave(self, entry: Entry, slot: str, server: str) -> None:
        """Only the first time counts."""
        if entry.is_over:
            return
        entry.leave()
        self._slots.ended(server, entry.container)
        left = self.counters.in_flight.get(slot, 0) - 1
        if left > 0:
            self.counters.in_flight[slot] = left
        else:
            self.counters.in_flight.pop(slot, None)


def _is_serial(found: Route) -> bool:
    """Whether the server bears one request at a time; nobody else may wait for the client of that one."""
    return found.server.family == "flm"
