"""A request as it is routed and sent on: its body whole (JSON), or as it passes (multipart)."""

import asyncio
import copy
import tempfile
from collections.abc import AsyncGenerator, Callable, MutableMapping
from typing import IO, Any

from hal0_operator.gateway import bodies, multipart
from hal0_operator.gateway.client import Client
from hal0_operator.gateway.faults import Refused, invalid, stalled
from hal0_operator.gateway.heads import value_of
from hal0_operator.gateway.limits import Limits
from hal0_operator.gateway.multipart import Closing, Field, Parts, Segment
from hal0_operator.gateway.outline import Outline
from hal0_operator.routing.endpoints import Endpoint
from hal0_operator.routing.failure import Failure

PIECE = 64 << 10
"""Bytes that are read of a stored body at a time."""

Scope = MutableMapping[str, Any]
Resolve = Callable[[str], str]
"""A model that comes after the file to what replaces it; raises ``Refused``."""


class Whole:
    """A JSON body; of a large one it is known where its model stands."""

    def __init__(self, body: bytes, asked: bodies.Asked, outline: Outline | None = None) -> None:
        self._body = body
        self._outline = outline
        self.model = asked.model
        self.stream = asked.stream is True

    @classmethod
    async def of(cls, body: bytes) -> "Whole":
        """Raises ``Refused`` (400)."""
        if len(body) <= bodies.AT_ONCE:
            return cls(body, bodies.decode(body))
        outline = await bodies.outlined(body)
        return cls(body, bodies.asked(body, outline), outline)

    def close(self) -> None:
        """Nothing is kept of it."""

    def sent_as(self, model: str) -> bytes:
        """The body with another model in it; ``""`` keeps it.  Raises ``Refused`` (400)."""
        return bodies.with_model(self._body, model, self._outline) if model else self._body


class Passing:
    """A multipart body, of which the first bytes were looked at; ``model`` is ``None`` where none was among them.

    ``declared`` is its length in bytes, ``None`` where the client sends chunks.
    """

    def __init__(self, client: Client, parts: Parts, declared: int | None, limits: Limits) -> None:
        self._client = client
        self._parts = parts
        self._declared = declared
        self._limits = limits
        self._taken = 0
        self._seen: list[Segment] = []
        self._field: Field | None = None
        self._closing: Closing | None = None
        self._is_whole = False
        self._stored: IO[bytes] | None = None
        self.stream = False

    @property
    def model(self) -> str | None:
        return self._field.text if self._field is not None else None

    async def look(self) -> None:
        """Read until the model is known, or as far as one looks.  Raises ``Refused`` and ``Gone``."""
        while self._field is None and not self._is_whole and self._taken < self._limits.look_ahead:
            segments = await self._next()
            self._seen += segments
            self._note(segments)

    def _note(self, segments: list[Segment]) -> None:
        for segment in segments:
            if isinstance(segment, Closing):
                self._closing = segment
            elif not isinstance(segment, Field):
                continue
            elif segment.name == "stream":
                self.stream = segment.text.lower() in ("true", "1")
            elif self._field is not None:
                raise _named_twice()
            else:
                self._field = segment

    @property
    def is_here(self) -> bool:
        """Nothing of it is still to come from the client."""
        return self._is_whole or self._stored is not None

    async def store(self) -> None:
        """Wait for the whole body, kept in a file without a name: its client may be slow, or go.

        For servers that do one thing at a time.  ``model`` is what it says anywhere.  Raises ``Refused`` and ``Gone``.
        """
        ahead = copy.copy(self._parts)
        stored = tempfile.TemporaryFile()  # noqa: SIM115 - closed by ``close``
        try:
            while data := await self._brought():
                stored.write(data)
                self._note(ahead.feed(data))
                await asyncio.sleep(0)
            ahead.end()
            stored.seek(0)
        except OSError as failed:
            stored.close()
            why = f"no room for the upload in {tempfile.gettempdir()}: {failed.strerror}"
            raise Refused(Failure(503, "slot.not_ready", why, retry_s=30)) from failed
        except BaseException:
            stored.close()
            raise
        self._stored = stored

    def close(self) -> None:
        if self._stored is not None:
            self._stored.close()

    def length(self, model: str) -> int | None:
        """The bytes that ``pieces`` will give, where that can be known."""
        whole = self._taken if self.is_here else self._declared
        if not model or whole is None:
            return whole
        if self._field is not None:
            return whole + len(model.encode()) - len(self._field.value)
        if not self.is_here:
            return None
        return whole + (len(self._closing.part("model", model)) if self._closing is not None else 0)

    async def pieces(self, model: str, resolve: Resolve) -> AsyncGenerator[bytes, None]:
        """The body; its model becomes ``model`` (``""`` keeps it), one that comes late what ``resolve`` says.

        A body that names none gets ``model`` as its last part.  Raises ``Refused`` and ``Gone``.
        """
        is_known, is_named = self._field is not None, False

        def sent(segment: Segment) -> bytes:
            nonlocal is_named
            if isinstance(segment, bytes):
                return segment
            if isinstance(segment, Closing):
                return b"" if is_named or not model else segment.part("model", model)
            if segment.name != "model":
                return segment.value
            if is_named:
                raise _named_twice()
            is_named = True
            return (model if is_known else resolve(segment.text)).encode() or segment.value

        segments, self._seen = self._seen, []
        while True:
            if piece := b"".join(map(sent, segments)):
                yield piece
            if self._is_whole:
                return
            segments = await self._next()

    async def _next(self) -> list[Segment]:
        """Others have their turn before it: a client that is fast keeps nobody waiting."""
        await asyncio.sleep(0)
        data = await self._brought() if self._stored is None else self._stored.read(PIECE)
        if data:
            return self._parts.feed(data)
        self._is_whole = True
        return self._parts.end()

    async def _brought(self) -> bytes:
        """The next piece from the client."""
        try:
            async with asyncio.timeout(self._limits.stall_s):
                data = await self._client.piece()
        except TimeoutError:
            raise stalled(self._limits.stall_s) from None
        self._taken += len(data)
        if self._taken > self._limits.multipart:
            raise _too_large(self._limits.multipart)
        return data


Body = Whole | Passing


async def read(endpoint: Endpoint, scope: Scope, client: Client, limits: Limits) -> Body:
    """The body as far as it must be known for routing; the client is watched from then on.

    Raises ``Refused`` (400, 413) and ``Gone``.
    """
    headers = scope["headers"]
    text = value_of(headers, b"content-length")
    declared = int(text) if text.isdigit() and len(text) < 16 else None
    most = limits.json if endpoint.body == "json" else limits.multipart
    if declared is not None and declared > most:
        raise _too_large(most)
    if endpoint.body == "json":
        data = await client.whole_body(most)
        if data is None:
            raise _too_large(most)
        client.watch(at_once=False)
        return await Whole.of(data)
    kind = value_of(headers, b"content-type").decode("latin-1")
    passing = Passing(client, Parts(multipart.boundary(kind)), declared, limits)
    client.watch(at_once=True)
    await passing.look()
    return passing


def _named_twice() -> Refused:
    return invalid("the body has more than one part `model`")


def _too_large(most: int) -> Refused:
    return invalid(f"the body is larger than {most >> 20} MiB", 413)
