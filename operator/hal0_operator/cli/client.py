"""The running operator, asked over its socket file."""

import getpass
import http.client
import json
import socket
from collections.abc import Iterator, Sequence
from typing import Any
from urllib.parse import quote

from hal0_operator.cli.interruptible import Interruptible
from hal0_operator.cli.options import Failed

TIMEOUT_S = 10.0
"""Seconds for one answer; every read comes from memory."""

SILENCE_S = 45.0
"""Seconds without a byte, three heartbeats, after which a stream is taken for dead."""


class NoOperator(Failed):
    """No operator answers on the socket of this state directory."""


class NoAnswer(Failed):
    """The operator took the request and did not answer in time."""


class Refusal(Failed):
    """The operator answered with an error; ``error_code`` is its dotted code, ``problems`` are the API's.

    ``files`` are what would have to be committed, where the home is not written here.
    """

    def __init__(self, error_code: str, message: str, problems: Sequence[Any] = (), files: Sequence[Any] = ()) -> None:
        super().__init__(message)
        self.error_code = error_code
        self.problems = tuple(problems)
        self.files = tuple(files)


class _Connection(http.client.HTTPConnection):
    """HTTP over a socket file."""

    def __init__(self, path: str, timeout: float) -> None:
        super().__init__("localhost", timeout=timeout)
        self._path = path

    def connect(self) -> None:
        self.sock = Interruptible(socket.AF_UNIX, socket.SOCK_STREAM)
        self.sock.settimeout(self.timeout)
        self.sock.connect(self._path)


class Client:
    """``path`` is the operator's socket.  Every method raises ``NoOperator``, ``NoAnswer`` and ``Refusal``."""

    def __init__(self, path: str) -> None:
        self._path = path

    def get(self, target: str) -> Any:
        return self._ask("GET", target, None, TIMEOUT_S)

    def post(self, target: str, body: dict[str, Any] | None = None, timeout: float = TIMEOUT_S) -> Any:
        return self._ask("POST", target, body or {}, timeout)

    def send(self, method: str, target: str, body: dict[str, Any], timeout: float) -> Any:
        """A write of any method."""
        return self._ask(method, target, body, timeout)

    def stream(self, target: str, *, beats: bool = False) -> Iterator[tuple[str, Any]]:
        """Server-sent events as (event, data); ends when the operator ends it.

        ``beats``: each heartbeat is an item ``("", None)`` too, so that time can be looked at.

        Raises ``Failed`` when the stream breaks or goes silent.
        """
        connection, response = self._send("GET", target, None, SILENCE_S, "text/event-stream")
        try:
            if response.status != http.client.OK:
                raise _refusal(response)
            yield from (item for item in _events(response) if item[0] or beats)
        except (OSError, http.client.HTTPException) as fault:
            raise Failed(f"the operator went away: {_reason(fault)}") from fault
        finally:
            connection.close()

    def _ask(self, method: str, target: str, body: Any, timeout: float) -> Any:
        connection, response = self._send(method, target, body, timeout, "application/json")
        try:
            if response.status >= http.client.BAD_REQUEST:
                raise _refusal(response)
            return json.loads(response.read())
        except (OSError, http.client.HTTPException, ValueError) as fault:
            raise Failed(f"the operator's answer to {method} {target} broke off: {_reason(fault)}") from fault
        finally:
            connection.close()

    def _send(
        self, method: str, target: str, body: Any, timeout: float, accept: str
    ) -> tuple[_Connection, http.client.HTTPResponse]:
        connection = _Connection(self._path, timeout)
        headers = {"Accept": accept}
        if body is not None:
            headers["Content-Type"] = "application/json"
        try:
            connection.request(method, target, None if body is None else json.dumps(body), headers)
            return connection, connection.getresponse()
        except (OSError, http.client.HTTPException) as fault:
            connection.close()
            raise _unreachable(self._path, fault, timeout) from fault


def slot_target(name: str) -> str:
    """The path of one slot.  Raises ``Failed`` for what no server could take for a name."""
    return _target("slot", name, "chat or embed-rerank")


def profile_target(name: str) -> str:
    """The path of one profile, as ``slot_target``."""
    return _target("profile", name, "rocm or my-vulkan")


def _target(kind: str, name: str, like: str) -> str:
    if not name or "/" in name:
        raise Failed(f"no {kind} {name!r}: names are like {like}")
    return f"/api/{kind}s/{quote(name, safe='')}"


def user_name() -> str:
    """Who asks, for people."""
    try:
        return getpass.getuser()
    except (OSError, KeyError):
        return "unknown"


def _unreachable(path: str, fault: Exception, timeout: float) -> Failed:
    match fault:
        case FileNotFoundError() | ConnectionRefusedError():
            return NoOperator(f"no operator runs on {path}: start one with hal0ctl run, or name its --state-dir")
        case PermissionError():
            return Failed(f"{path}: permission denied: the operator belongs to another user; use its account or group")
        case TimeoutError():
            return NoAnswer(f"the operator on {path} did not answer within {timeout:g} s")
        case OSError() if "too long" in str(fault):
            return NoOperator(f"{path} is too long for a socket: choose a shorter --state-dir")
        case _:
            return Failed(f"{path}: {_reason(fault)}")


def _reason(fault: Exception) -> str:
    if isinstance(fault, OSError) and fault.strerror:
        return fault.strerror
    return str(fault) or type(fault).__name__


def _refusal(response: http.client.HTTPResponse) -> Failed:
    try:
        error = json.loads(response.read())["error"]
        details = error.get("details", {})
        return Refusal(error["code"], str(error["message"]), details.get("problems", ()), details.get("files", ()))
    except (ValueError, KeyError, TypeError, AttributeError):
        return Failed(f"the operator answered {response.status} {response.reason}")


def _events(response: http.client.HTTPResponse) -> Iterator[tuple[str, Any]]:
    event = ""
    data: list[str] = []
    while line := response.readline():
        text = line.decode("utf-8", "replace").rstrip("\r\n")
        field, _, value = text.partition(":")
        if text.startswith(":"):
            yield "", None
        elif not text and data:
            yield event or "message", json.loads("\n".join(data))
            event, data = "", []
        elif field == "event":
            event = value.removeprefix(" ")
        elif field == "data":
            data.append(value.removeprefix(" "))
