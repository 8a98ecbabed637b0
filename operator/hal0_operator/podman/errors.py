"""What a failed call means: Podman's status, cause and message, or the transport's exception, to a ``Fault``.

Podman has no error codes.  ``cause`` is the innermost error's text and the most stable part, so it is looked at first;
where one cause covers several cases (``no such file or directory``, ``OCI permission denied``) the message decides.
The texts are those of Podman 4.3 with runc and of 5.x with crun.
"""

from collections.abc import Iterator

import msgspec
import urllib3.exceptions
from podman.errors import APIError

from hal0_operator.model.action import Fault, FaultKind
from hal0_operator.seams.podman import PodmanFault

UNDECODABLE = (ValueError, RecursionError)
"""What decoding raises for a text that is no JSON, no UTF-8, of another shape, or nested without end."""

SHOWN = 600
"""Characters of Podman's own message that are kept."""

_BY_TEXT: tuple[tuple[str, FaultKind], ...] = (
    ("no space left on device", "local"),
    ("disk quota exceeded", "local"),
    ("that name is already in use", "name_in_use"),
    ("pod already exists", "name_in_use"),
    ("address already in use", "port_in_use"),
    ("no such container", "no_such_container"),
    ("image not known", "image_unknown"),
    ("invalid reference format", "bad_reference"),
    ("no such secret", "secret_missing"),
    ("network not found", "network_missing"),
    ("not a device node", "device_missing"),
    ("conmon process killed", "conmon_gone"),
    ("conmon exited prematurely", "conmon_gone"),
    ("container state improper", "state_improper"),
)

_HINTS: dict[FaultKind, str] = {
    "unreachable": "start Podman's service (systemctl start podman.socket) or name another one with --podman-url",
    "unknown_outcome": "it may still take effect: looking again",
    "local": "free space where Podman keeps its storage (podman system df)",
    "bad_reference": "an image is written REGISTRY/NAME:TAG in lower case",
    "image_unknown": "it is not on this machine and has to be pulled",
    "port_in_use": "ss -ltnp shows who listens",
    "device_missing": "the device node must exist before the container is created",
    "mount_missing": "the folder must exist before the container is started",
    "secret_missing": "podman secret create NAME FILE makes it",
    "network_missing": "podman network ls shows those that exist",
    "command_missing": "the image has no such program",
    "limits": "this machine does not allow the limit: raise it for Podman (LimitMEMLOCK=infinity in its unit)"
    " or lower [devices] npu_memlock",
}


class _Body(msgspec.Struct):
    """Podman's error document; the pull of 5.x has no ``cause``."""

    cause: str = ""
    message: str = ""


def fault_of_answer(what: str, status: int, body: bytes) -> Fault:
    """``what`` is the call in words (``create hal0-chat``), ``body`` whatever the service answered."""
    try:
        document = msgspec.json.decode(body, type=_Body)
    except UNDECODABLE:
        document = _Body(message=body[:SHOWN].decode(errors="replace"))
    kind = classify(status, document.cause, document.message)
    return fault(kind, what, document.message or document.cause or f"status {status}", status)


def fault(kind: FaultKind, what: str, why: str, status: int | None = None) -> Fault:
    """One line: what was tried, Podman's reason, and what to do where that is known."""
    shown = "".join(c if c.isprintable() else " " for c in why[:SHOWN]).strip()
    hint = _HINTS.get(kind)
    return Fault(kind, f"{what}: {shown}; {hint}" if hint else f"{what}: {shown}", status)


def classify(status: int, cause: str, message: str) -> FaultKind:
    """Texts are compared in lower case: runc and crun differ in it."""
    cause, message = cause.lower(), message.lower()
    for text in (cause, message):
        for needle, kind in _BY_TEXT:
            if needle in text:
                return kind
    if "already exists" in message and "oci runtime error" in cause:
        return "runtime_leftover"
    if "attempted to invoke a command" in cause:
        # A mount source that vanished after create is reported under this cause too.
        gone = "error mounting" in message or "cannot stat `" in message
        return "mount_missing" if gone else "command_missing"
    if "rlimit" in message and "not permitted" in message:
        return "limits"
    if "no such file or directory" in cause:
        return _missing_file(message)
    return "no_such_container" if status == 404 else "other"


def _missing_file(message: str) -> FaultKind:
    """Create looks at devices with stat and at mount sources with statfs."""
    if message.startswith("statfs "):
        return "mount_missing"
    return "device_missing" if message.startswith("stat ") else "other"


def fault_of_transport(what: str, error: BaseException) -> Fault:
    """``unreachable`` only when the connection never came about; else the request may have been read."""
    chain = tuple(_chain(error))
    unsent = any(
        isinstance(e, (urllib3.exceptions.NewConnectionError, urllib3.exceptions.ConnectTimeoutError)) for e in chain
    )
    # podman-py raises an APIError from within connect(); the request's own comes outermost.
    unsent = unsent or any(isinstance(e, APIError) for e in chain[1:])
    return fault("unreachable" if unsent else "unknown_outcome", what, _reason(chain))


def _chain(error: BaseException) -> Iterator[BaseException]:
    """An exception with all that it wraps: as cause, as context, or (urllib3) as an argument."""
    found = [error]
    for e in found:
        yield e
        inner = (e.__cause__, e.__context__, *e.args)
        found += [i for i in inner if isinstance(i, BaseException) and not any(i is f for f in found)]


def _reason(chain: tuple[BaseException, ...]) -> str:
    """The innermost text that a person can read."""
    for e in reversed(chain):
        if isinstance(e, OSError) and e.strerror:
            return e.strerror.lower()
        if isinstance(e, TimeoutError):
            return "no answer in time"
    if any(isinstance(e, (urllib3.exceptions.TimeoutError, TimeoutError)) for e in chain):
        return "no answer in time"
    return str(chain[-1]) or type(chain[-1]).__name__


def undecodable(what: str, error: Exception) -> PodmanFault:
    """An answer that is no JSON, or not of the shape that was asked for."""
    return PodmanFault(fault("other", what, f"Podman's answer could not be read: {error}"))
