"""Bounds of the gateway, in seconds, bytes and requests."""

import msgspec


class Limits(msgspec.Struct, frozen=True, kw_only=True):
    """``first_byte_s`` from the whole request to the head of its answer: without a stream that is all of the work.

    ``stall_s``: nobody took or brought a byte that was waited for.
    """

    connect_s: float = 2.0
    first_byte_s: float = 1800.0
    stall_s: float = 60.0
    heartbeat_s: float = 5.0
    idle_s: float = 2.0
    idle_most: int = 4
    queue: int = 32
    json: int = 64 << 20
    multipart: int = 512 << 20
    look_ahead: int = 256 << 10
