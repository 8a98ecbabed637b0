"""One bounded HTTP/1.1 exchange over a fresh connection."""

import asyncio
import contextlib
from typing import NamedTuple

import httptools

BODY_LIMIT = 1_048_576
"""Bytes of an answer that are kept; a catalogue of models is some 50 KiB."""
CHUNK = 65_536


class Answer(NamedTuple):
    status: int
    body: bytes


class Unreachable(Exception):
    """No server took the request: refused, no route, or closed before the first byte."""


class TimedOut(Exception):
    """Nothing, or not all, came in time."""


class Broken(Exception):
    """Something answered, but no complete HTTP answer within the limits."""


class _Reader:
    """Collects one answer; the names are those that the parser calls."""

    def __init__(self) -> None:
        self.body = bytearray()
        self.begun = False
        self.complete = False

    def on_headers_complete(self) -> None:
        self.begun = True

    def on_body(self, data: bytes) -> None:
        self.body += data

    def on_message_complete(self) -> None:
        self.complete = True


async def ask(host: str, port: int, request: bytes, timeout_s: float) -> Answer:
    """Send ``request`` and read the answer, all within ``timeout_s``.

    Raises ``Unreachable``, ``TimedOut`` or ``Broken``, each with a half-sentence for a person.
    """
    try:
        async with asyncio.timeout(timeout_s):
            try:
                reader, writer = await asyncio.open_connection(host, port, limit=CHUNK)
            except OSError as error:
                raise Unreachable(_reason(error)) from error
            try:
                return await _exchange(reader, writer, request)
            finally:
                # abort, not close: a server that hangs must not keep the connection in our hands
                writer.transport.abort()
    except TimeoutError as error:
        raise TimedOut from error


async def _exchange(reader: asyncio.StreamReader, writer: asyncio.StreamWriter, request: bytes) -> Answer:
    collected = _Reader()
    parser = httptools.HttpResponseParser(collected)
    met = False
    # A server may answer and close before it has read all of the request.
    with contextlib.suppress(ConnectionError):
        writer.write(request)
        await writer.drain()
    while not collected.complete:
        try:
            data = await reader.read(CHUNK)
        except OSError as error:
            if met:
                raise Broken("broke off in the middle of its answer") from error
            raise Unreachable("took the connection and reset it") from error
        if not data:
            if not met:
                raise Unreachable("took the connection and closed it without a word")
            break
        met = True
        try:
            parser.feed_data(data)
        except httptools.HttpParserError as error:
            raise Broken("answered something that is not HTTP") from error
        if len(collected.body) > BODY_LIMIT:
            raise Broken(f"answered more than {BODY_LIMIT} bytes")
    if not collected.begun:
        raise Broken("broke off in the middle of its answer")
    return Answer(parser.get_status_code(), bytes(collected.body))


def _reason(error: OSError) -> str:
    if isinstance(error, ConnectionRefusedError):
        return "refused the connection"
    return f"cannot be reached: {error.strerror or error}"
