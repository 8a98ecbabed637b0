"""Readiness, described as data; ``host.probe`` asks, ``reconcile`` judges."""

from typing import Any, Literal

import msgspec


class Request(msgspec.Struct, frozen=True):
    """One HTTP request through the published port.

    ``expect`` names how the answer is judged: a 200, a 200 whose JSON list under ``data`` is not
    empty, or a 200 whose JSON has ``true`` at ``key``.  ``role`` is the trio's role it checks.
    ``body`` is sent as JSON, or with ``multipart`` as a form whose bytes values are recordings.
    """

    method: Literal["GET", "POST"]
    path: str
    expect: Literal["ok", "models", "true"] = "ok"
    key: str = ""
    body: Any = None
    multipart: bool = False
    role: str = ""
    timeout_s: float | None = None


class ProbeSpec(msgspec.Struct, frozen=True):
    """``health`` is asked again and again; ``once`` is asked one at a time, once per start."""

    port: int
    health: Request
    once: tuple[Request, ...] = ()


Verdict = Literal["passed", "refused", "loading", "failed", "timeout"]
"""``loading`` is a 503; ``refused`` includes a connection that was reset at once."""


class ProbeResult(msgspec.Struct, frozen=True):
    """``failed_roles``: trio roles whose functional call failed while health passed.

    ``inside`` tells, when the published port failed, whether the container's own address
    answered (``None``: not asked).
    """

    verdict: Verdict
    detail: str = ""
    failed_roles: tuple[str, ...] = ()
    inside: bool | None = None
