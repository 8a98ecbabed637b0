"""One exchange with a container: the request goes there, the answer comes back, and either end may break off."""

import asyncio
import contextlib
from collections.abc import Callable
from typing import Protocol

import msgspec

from hal0_operator.gateway.client import Client
from hal0_operator.gateway.connection import Answer
from hal0_operator.gateway.counters import ANSWER_LIMIT, Counters, has_usage, last_usage
from hal0_operator.gateway.embeddings import MOST, asks_base64, in_base64
from hal0_operator.gateway.faults import Aborted, Gone, NoConnection, Refused, TooLate, UpstreamFault, invalid
from hal0_operator.gateway.heads import answer_headers, request_head, unbuffered, value_of
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.request import Body, Passing, Scope
from hal0_operator.gateway.upstream import Call, Pool
from hal0_operator.routing.endpoints import Endpoint
from hal0_operator.routing.failure import Failure
from hal0_operator.routing.route import Route

TAIL = 4096
"""Bytes of the end of a stream that are looked at: its last event may say which tokens it took."""


class Finder(Protocol):
    """What an exchange needs of the relay that began it."""

    counters: Counters

    def found(self, endpoint: Endpoint, model: str | None) -> Route: ...

    def heard(self, found: Route) -> None: ...

    def unheard(self, found: Route) -> None: ...

    async def has_died(self, found: Route) -> bool: ...

    def why_gone(self, found: Route) -> str: ...


class Exchange:
    """A server of the family flm dies of a cancelled request: its answer is read to the end, whoever is there.

    Also when the operator ends, for ``limits.finish_s``: its containers are to go on without it.
    """

    def __init__(self, finder: Finder, pool: Pool, limits: Limits, found: Route, endpoint: Endpoint) -> None:
        self._finder = finder
        self._found = found
        self._endpoint = endpoint
        self._call = Call(pool, found.standing.port, limits)
        self._finish_s = limits.finish_s
        self._drains = found.server.family == "flm"
        self._is_translated = False
        self._upload: asyncio.Task[None] | None = None
        self._upload_ended: Exception | None = None

    async def run(self, scope: Scope, body: Body, client: Client, began: float, done: Callable[[], None]) -> None:
        """``done`` is called as soon as the container is, which may be before the client has everything.

        Raises ``Refused`` before the answer has begun, and ``Gone``.
        """
        exchanged = self._exchanged(scope, body, client, began, done)
        if not self._drains:
            await exchanged
            return
        task = asyncio.get_running_loop().create_task(exchanged)
        try:
            await asyncio.shield(task)
        except asyncio.CancelledError:
            await asyncio.wait((task,), timeout=self._finish_s)
            if not task.done():
                raise
            task.result()
        finally:
            task.cancel()

    async def _exchanged(
        self, scope: Scope, body: Body, client: Client, began: float, done: Callable[[], None]
    ) -> None:
        if client.is_gone:
            raise Gone
        if not self._drains:
            client.when_gone(self._call.abort)
        try:
            answer = await self._send(scope, body)
            await self._forward(answer, body, client, began, done)
        except Aborted:
            raise (self._upload_ended or Gone) from None
        except UpstreamFault as fault:
            if isinstance(fault, TooLate):
                self._finder.unheard(self._found)
            elif not isinstance(fault, NoConnection) and await self._finder.has_died(self._found):
                fault = NoConnection(str(fault))
            raise Refused(self._failure(fault)) from fault
        finally:
            client.when_gone(None)
            if self._upload is not None:
                self._upload.cancel()
            self._call.finish()
        if client.is_gone and self._drains:
            counters = self._finder.counters
            counters.drained[self._found.slot] = counters.drained.get(self._found.slot, 0) + 1

    async def _send(self, scope: Scope, body: Body) -> Answer:
        port, headers, query = self._found.standing.port, scope["headers"], scope["query_string"]
        if not isinstance(body, Passing):
            data = body.sent_as(self._found.model)
            self._is_translated = self._drains and self._endpoint.role == "embed" and asks_base64(data)
            return await self._call.send(request_head(self._endpoint.path, query, headers, port, len(data)), data)
        length = body.length(self._found.model)
        await self._call.open(request_head(self._endpoint.path, query, headers, port, length))
        self._upload = asyncio.get_running_loop().create_task(self._uploaded(body, in_chunks=length is None))
        return await self._call.answer()

    async def _uploaded(self, body: Passing, *, in_chunks: bool) -> None:
        """Send the body as it comes.  What ends it early ends the exchange, since the container waits for the rest."""
        try:
            async with contextlib.aclosing(body.pieces(self._found.model, self._resolved)) as pieces:
                async for piece in pieces:
                    await self._call.write(b"%x\r\n%b\r\n" % (len(piece), piece) if in_chunks else piece)
            if in_chunks:
                await self._call.write(b"0\r\n\r\n")
            self._call.sent()
        except UpstreamFault:
            pass  # whoever waits for the answer meets it too
        except (Refused, Gone) as ended:
            self._upload_ended = ended
            self._call.abort()

    def _resolved(self, model: str) -> str:
        """A model that came after the file must be the one that was chosen without it."""
        slot = self._finder.found(self._endpoint, model).slot
        if slot != self._found.slot:
            why = (
                f"`model` comes after the file and names slot {slot}, but without it slot {self._found.slot} was chosen"
            )
            raise invalid(f"{why}: send `model` before the file")
        return self._found.model

    async def _forward(
        self, answer: Answer, body: Body, client: Client, began: float, done: Callable[[], None]
    ) -> None:
        is_stream = _is_stream(answer)
        if client.is_beating and not (is_stream and answer.status == 200):
            await self._tell_in_stream(answer, client, began, done)
            return
        if self._is_translated and answer.status == 200:
            await self._translate(answer, client, began, done)
            return
        if not client.is_beating:
            headers = answer_headers(answer.headers)
            await client.start(answer.status, unbuffered(headers) if is_stream else headers, events=is_stream)
        usage = bytearray() if not body.stream and has_usage(answer.status, answer.headers) else None
        is_first = True
        tail = b""
        while True:
            try:
                piece = await self._call.read()
            except Aborted:
                raise
            except UpstreamFault as fault:
                # A stream ends with the reason; any other answer as it ended here, so that nobody takes it for whole.
                if isinstance(fault, TooLate):
                    self._finder.unheard(self._found)
                await client.fail(self._failure(fault))
                return
            self._finder.heard(self._found)
            if is_first:
                is_first = False
                self._finder.counters.began_to_answer(self._found.slot, asyncio.get_running_loop().time() - began)
            if is_stream:
                tail = (tail + piece)[-TAIL:]
            elif usage is not None:
                usage = usage + piece if len(usage) + len(piece) <= ANSWER_LIMIT else None
            is_last = self._call.is_spent
            if is_last:
                self._call.finish()
                done()
            await client.body(piece, last=is_last)
            if is_last:
                break
        if is_stream:
            usage = bytearray(last_usage(tail))
        if usage:
            self._finder.counters.took_tokens(self._found.slot, bytes(usage))

    async def _translate(self, answer: Answer, client: Client, began: float, done: Callable[[], None]) -> None:
        """Vectors in the form that was asked for.  Raises ``UpstreamFault``."""
        body = in_base64(await self._whole(began, done))
        headers = [header for header in answer_headers(answer.headers) if header[0] != b"content-length"]
        await client.start(answer.status, [*headers, (b"content-length", b"%d" % len(body))])
        await client.body(body, last=True)

    async def _whole(self, began: float, done: Callable[[], None]) -> bytes:
        """The body of an answer.  Raises ``UpstreamFault``."""
        text = bytearray()
        while not self._call.is_spent:
            text += await self._call.read()
            if len(text) > MOST:
                raise UpstreamFault(f"its answer has more than {MOST >> 20} MiB")
        self._call.finish()
        done()
        self._finder.heard(self._found)
        self._finder.counters.began_to_answer(self._found.slot, asyncio.get_running_loop().time() - began)
        self._finder.counters.took_tokens(self._found.slot, bytes(text))
        return bytes(text)

    async def _tell_in_stream(self, answer: Answer, client: Client, began: float, done: Callable[[], None]) -> None:
        """The head has promised events already: what the container says instead becomes the last one.

        Raises ``UpstreamFault``.
        """
        text = await self._whole(began, done)
        try:
            event = msgspec.json.format(text.decode(), indent=-1).encode()  # on one line
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            is_refusal = answer.status >= 400
            why = "it refused the request" if is_refusal else "its answer is neither JSON nor a stream of events"
            await client.fail(self._failure(UpstreamFault(why)))
        else:
            await client.last_event(event, answer.status)

    def _failure(self, fault: UpstreamFault) -> Failure:
        """A container that was taken away, or has ended, is no fault of its answer: it is said why it is gone."""
        server, why = self._found.server.slot, self._finder.why_gone(self._found)
        reason = f"{fault} ({why})" if why else str(fault)
        details = {"slot": self._found.slot, "container": self._found.standing.container, "reason": reason}
        if isinstance(fault, NoConnection):  # the loop knows within moments, and starts it again
            return Failure(503, "slot.not_ready", f"slot {server} is not there now: {reason}", details, 1)
        status = 504 if isinstance(fault, TooLate) else 502
        return Failure(status, "upstream.failed", f"slot {server} did not answer: {reason}", details)


def _is_stream(answer: Answer) -> bool:
    """Whether events may be added to it."""
    kind = value_of(answer.headers, b"content-type")
    return kind.startswith(b"text/event-stream") and not value_of(answer.headers, b"content-length")
