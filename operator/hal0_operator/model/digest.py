"""The one digest of the operator."""

import hashlib
from typing import Any

import msgspec

_canonical = msgspec.json.Encoder(order="deterministic")
SHOWN = 16
"""Hex digits that are shown, stored and compared."""


def digest(domain: str, value: Any) -> str:
    """SHA-256 over the canonical JSON of ``value``, 16 hex digits.

    ``domain`` separates uses and versions (``launch:1``).  Structs with ``omit_defaults`` leave
    keys at their default out, so a new key with a default moves no digest.
    """
    data = domain.encode() + b":" + _canonical.encode(value)
    return hashlib.sha256(data).hexdigest()[:SHOWN]
