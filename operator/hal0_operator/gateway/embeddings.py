"""Embeddings in the form that was asked for, of a server that knows one form alone.

OpenAI's clients ask for base64 unless told otherwise.  FLM answers lists of numbers whatever is asked, and the
JavaScript client takes those for base64 without a look: every vector becomes zeros.
"""

import base64
import struct
from typing import Any

import msgspec

MOST = 64 << 20
"""Bytes of an answer that is held to be changed."""


class _Asked(msgspec.Struct):
    encoding_format: Any = None


_NO_FLOATS = (struct.error, OverflowError)
_ASKED = msgspec.json.Decoder(_Asked)


def asks_base64(request: bytes) -> bool:
    """Whether a JSON request wants its vectors in base64."""
    try:
        return bool(_ASKED.decode(request).encoding_format == "base64")
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return False


def in_base64(answer: bytes) -> bytes:
    """The answer with each vector as base64 of its little-endian floats of 32 bits; what is no such answer stays."""
    try:
        document = msgspec.json.decode(answer)
        rows = [row for row in document["data"] if isinstance(row["embedding"], list)]
        for row in rows:
            row["embedding"] = _packed(row["embedding"])
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError, LookupError, TypeError, *_NO_FLOATS):
        return answer
    return msgspec.json.encode(document) if rows else answer


def _packed(vector: list[float]) -> str:
    """Raises ``struct.error`` for what is no number, ``OverflowError`` for one that is too large."""
    return base64.b64encode(struct.pack(f"<{len(vector)}f", *vector)).decode()
