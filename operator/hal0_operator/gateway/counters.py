"""What the gateway has done, as plain numbers: labels are slots and paths of ours, never what a client sent."""

import re
from collections.abc import Container

import msgspec

from hal0_operator.gateway.connection import Headers
from hal0_operator.gateway.heads import value_of

ANSWER_LIMIT = 1 << 20
"""Bytes of an answer that is looked at for the tokens that it took."""

_USAGE = re.compile(rb'"usage"\s*:\s*\{')
"""Servers may say ``null`` of it in every event but the last."""

CLIENT_GONE = "499"
"""The code of a request whose client went before its answer began."""


class Counters(msgspec.Struct):
    """``requests`` by (slot, route, code); ``first_byte`` by slot as (count, sum of seconds since the request came);
    ``tokens`` by (slot, prompt or completion).  ``in_flight`` is now, all others count since the start.

    A request for no slot of ours counts under the slot ``""``.
    """

    requests: dict[tuple[str, str, str], int] = {}
    first_byte: dict[str, tuple[int, float]] = {}
    in_flight: dict[str, int] = {}
    queued: dict[str, int] = {}
    cancelled: dict[str, int] = {}
    drained: dict[str, int] = {}
    tokens: dict[tuple[str, str], int] = {}

    def keep(self, slots: Container[str]) -> None:
        """Forget what was counted for any other slot; one of its name that comes later is another one.

        Its requests in flight count on until they end.
        """
        for counts in (self.first_byte, self.queued, self.cancelled, self.drained):
            for slot in [slot for slot in counts if slot not in slots]:
                del counts[slot]
        for request in [request for request in self.requests if request[0] not in slots]:
            del self.requests[request]
        for kind in [kind for kind in self.tokens if kind[0] not in slots]:
            del self.tokens[kind]

    def ended(self, slot: str, route: str, code: str) -> None:
        key = (slot, route, code)
        self.requests[key] = self.requests.get(key, 0) + 1

    def began_to_answer(self, slot: str, seconds: float) -> None:
        count, total = self.first_byte.get(slot, (0, 0.0))
        self.first_byte[slot] = (count + 1, total + seconds)

    def took_tokens(self, slot: str, answer: bytes) -> None:
        """Add what a whole JSON answer says of its tokens, if it does."""
        try:
            usage = _DECODER.decode(answer).usage
        except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
            return
        for kind, count in (("prompt", usage.prompt_tokens), ("completion", usage.completion_tokens)):
            if count:
                self.tokens[slot, kind] = self.tokens.get((slot, kind), 0) + count


class _Usage(msgspec.Struct):
    prompt_tokens: int = 0
    completion_tokens: int = 0


class _Answer(msgspec.Struct):
    usage: _Usage = msgspec.field(default_factory=_Usage)


_DECODER = msgspec.json.Decoder(_Answer)


def last_usage(stream: bytes) -> bytes:
    """What the last event of a stream's end says that tells of tokens; empty where none does."""
    for line in reversed(stream.split(b"\n")):
        if line.startswith(b"data:") and _USAGE.search(line):
            return line.removeprefix(b"data:")
    return b""


def has_usage(status: int, headers: Headers) -> bool:
    """Whether an answer may say how many tokens it took."""
    length = value_of(headers, b"content-length")
    is_short = not length or (length.isdigit() and int(length) <= ANSWER_LIMIT)
    return status == 200 and is_short and value_of(headers, b"content-type").startswith(b"application/json")
