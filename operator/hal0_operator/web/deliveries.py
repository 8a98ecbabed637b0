"""Calls of forges: whether one is signed with our secret, was there before, or comes too often.

A call carries nothing that is acted on: a good one is a hint to look at the repository.
"""

import hashlib
import hmac
from collections.abc import Callable, Iterator, Mapping

from hal0_operator.loop.remote import Delivery

REMEMBERED_S = 3600.0
"""How long a delivery is known again."""
PER_MINUTE = 30
"""Accepted calls; a look is due every minute or so without any."""

_SIGNATURES = ("x-hub-signature-256", "x-gitea-signature", "x-forgejo-signature")
_TOKEN = "x-gitlab-token"  # noqa: S105 - the name of a header
_DELIVERIES = ("x-github-delivery", "x-gitea-delivery", "x-forgejo-delivery", "idempotency-key")
_CHAIN = "x-gitlab-event-uuid"
"""GitLab gives one to a call and to all that follow from it, such as those of a push that answers the first."""


class Deliveries:
    """``secret`` is shared with the forge; ``now`` answers monotonic seconds."""

    def __init__(self, secret: bytes, now: Callable[[], float]) -> None:
        self._secret = secret
        self._now = now
        self._seen: dict[str, float] = {}
        self._accepted: list[float] = []

    def judge(self, headers: Mapping[str, str], body: bytes) -> Delivery:
        """``headers`` by lower-case name.  What is accepted is remembered; a wrong call leaves no trace."""
        if not self._signed(headers, body):
            return "wrong"
        now = self._now()
        self._seen = {key: at for key, at in self._seen.items() if now - at < REMEMBERED_S}
        self._accepted = [at for at in self._accepted if now - at < 60]
        keys = frozenset(_keys(headers, body))
        if keys & self._seen.keys():
            return "replayed"
        if len(self._accepted) >= PER_MINUTE:
            return "limited"
        self._accepted.append(now)
        self._seen |= dict.fromkeys(keys, now)
        return "accepted"

    def _signed(self, headers: Mapping[str, str], body: bytes) -> bool:
        """At least one signature, and no wrong one; each is compared in constant time."""
        expected = hmac.new(self._secret, body, hashlib.sha256).hexdigest().encode()
        good = [
            hmac.compare_digest(given.removeprefix("sha256=").lower().encode("latin-1"), expected)
            for name in _SIGNATURES
            if (given := headers.get(name)) is not None
        ]
        token = headers.get(_TOKEN)
        if token is not None:
            good.append(hmac.compare_digest(token.encode("latin-1"), self._secret))
        return bool(good) and all(good)


def _keys(headers: Mapping[str, str], body: bytes) -> Iterator[str]:
    """The delivery by its id, and by what is signed: whoever replays one can change the id."""
    signed = any(name in headers for name in _SIGNATURES)
    ids = [f"{name}:{headers[name]}" for name in _DELIVERIES if headers.get(name)]
    if not ids and headers.get(_CHAIN):  # an older GitLab, which sends nothing better
        ids.append(f"{_CHAIN}:{headers[_CHAIN]}")
    yield from ids
    if signed or not ids:
        yield f"body:{hashlib.sha256(body).hexdigest()}"
