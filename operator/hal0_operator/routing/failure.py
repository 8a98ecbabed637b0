"""What a client is told when its request cannot be answered."""

import math
from typing import Any

import msgspec

ENDING = "the operator is ending: ask again once it runs again; the containers go on meanwhile"
ENDING_RETRY_S = 5
"""Seconds after which whoever was told so may ask again."""

TYPES = {
    400: "invalid_request_error",
    404: "not_found_error",
    405: "invalid_request_error",
    413: "invalid_request_error",
}


class Failure(msgspec.Struct, frozen=True):
    """``retry_s`` becomes ``Retry-After``; ``None`` where waiting does not help."""

    status: int
    code: str
    message: str
    details: dict[str, Any] = {}
    retry_s: float | None = None

    @property
    def body(self) -> bytes:
        """The envelope of every error."""
        return self._envelope(self.details)

    @property
    def event(self) -> bytes:
        """The same inside a stream: there ``details.retry_after`` says what no header can say any more."""
        return self._envelope(
            self.details | {"retry_after": int(self.retry_after)} if self.retry_after else self.details
        )

    @property
    def retry_after(self) -> str:
        """Whole seconds, at least one; ``""`` for none."""
        return "" if self.retry_s is None else str(max(1, math.ceil(self.retry_s)))

    def _envelope(self, details: dict[str, Any]) -> bytes:
        error = {
            "code": self.code,
            "message": self.message,
            "type": TYPES.get(self.status, "server_error"),
            "details": details,
        }
        return msgspec.json.encode({"error": error})
