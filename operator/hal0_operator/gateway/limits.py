"""Bounds of the gateway, in seconds, bytes and requests."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """``answer_s`` from the whole request to the head of its answer (without a stream that is all of the work), then
    between two pieces of it; nobody waits longer for a turn either.

    ``first_beat_s``: so long a stream that waits for a start says nothing: what fails soon is to have its own status.

    ``stall_s``: nobody took or brought a byte that was waited for.  ``finish_s``: for an answer that must not be cut,
    once the operator ends.
    """

    connect_s: float = 2.0
    answer_s: float = 1800.0
    stall_s: float = 60.0
    first_beat_s: float = 1.0
    heartbeat_s: float = 5.0
    finish_s: float = 8.0
    idle_s: float = 2.0
    idle_most: int = 4
    queue: int = 32
    json: int = 64 << 20
    multipart: int = 512 << 20
    look_ahead: int = 256 << 10
