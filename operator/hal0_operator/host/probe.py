"""Readiness probes: HTTP as a client of the published port sees it."""

from collections.abc import Mapping
from typing import Any

import msgspec

from hal0_operator.host.http import Answer, Broken, TimedOut, Unreachable, ask
from hal0_operator.model.probe import ProbeResult, ProbeSpec, Request, Verdict

LOOPBACK = "127.0.0.1"
ONCE_TIMEOUT_S = 30.0
"""For a functional call that names no limit of its own: a first token may take seconds."""
BOUNDARY = "hal0-operator-probe"
DETAIL_LIMIT = 200


def _part(name: str, value: Any) -> bytes:
    """One form field; bytes are sent as a recording, everything else as text."""
    head = f'--{BOUNDARY}\r\nContent-Disposition: form-data; name="{name}"'
    if isinstance(value, bytes):
        return f'{head}; filename="{name}.wav"\r\nContent-Type: audio/wav\r\n\r\n'.encode() + value + b"\r\n"
    return f"{head}\r\n\r\n{value}\r\n".encode()


def _multipart(fields: Mapping[str, Any]) -> bytes:
    return b"".join(_part(name, value) for name, value in fields.items()) + f"--{BOUNDARY}--\r\n".encode()


def render(request: Request, host: str, port: int) -> bytes:
    """The bytes of one HTTP/1.1 request that ends its connection."""
    body, type = b"", ""
    if request.multipart:
        body, type = _multipart(request.body or {}), f"multipart/form-data; boundary={BOUNDARY}"
    elif request.body is not None:
        body, type = msgspec.json.encode(request.body), "application/json"
    lines = [f"{request.method} {request.path} HTTP/1.1", f"Host: {host}:{port}", "Connection: close", "Accept: */*"]
    if type:
        lines += [f"Content-Type: {type}", f"Content-Length: {len(body)}"]
    return "\r\n".join((*lines, "", "")).encode() + body


def judge(request: Request, answer: Answer) -> tuple[Verdict, str]:
    """What an answer means for the slot, with a line that says why."""
    if answer.status == 503:
        return "loading", "answered 503: still loading"
    if answer.status != 200:
        return "failed", f"{request.method} {request.path} answered {answer.status}{_excerpt(answer.body)}"
    if request.expect == "ok":
        return "passed", ""
    try:
        document = msgspec.json.decode(answer.body)
    except (msgspec.DecodeError, UnicodeDecodeError, RecursionError):
        return "failed", f"{request.path} answered 200 with something that is not JSON{_excerpt(answer.body)}"
    fields = document if isinstance(document, dict) else {}
    if request.expect == "models":
        listed = fields.get("data")
        if isinstance(listed, list) and listed:
            return "passed", ""
        return "failed", f"{request.path} lists no model"
    if fields.get(request.key) is True:
        return "passed", ""
    return "failed", f"{request.path} answered 200 but `{request.key}` is not true"


def _excerpt(body: bytes) -> str:
    text = body[: 4 * DETAIL_LIMIT].decode("utf-8", "replace").strip()
    text = "".join(char if char.isprintable() else " " for char in text)[:DETAIL_LIMIT]
    return f": {text}" if text else ""


class HttpProber:
    """``seams.probe.Prober`` over the machine's own network."""

    async def probe(self, spec: ProbeSpec, address: str, once: bool, timeout_s: float) -> ProbeResult:
        verdict, detail, path_broken = await self._ask(spec.health, LOOPBACK, spec.port, timeout_s)
        if verdict == "passed":
            return await self._functional(spec) if once else ProbeResult("passed")
        inside = None
        if path_broken and address:
            inside = not (await self._ask(spec.health, address, spec.port, timeout_s))[2]
        return ProbeResult(verdict, detail, inside=inside)

    async def _functional(self, spec: ProbeSpec) -> ProbeResult:
        failed: list[str] = []
        details: list[str] = []
        for request in spec.once:
            verdict, detail, _ = await self._ask(request, LOOPBACK, spec.port, ONCE_TIMEOUT_S)
            if verdict != "passed":
                failed.append(request.role)
                details.append(f"{request.role}: {detail}" if request.role else detail)
        return ProbeResult("passed", "; ".join(details), tuple(failed))

    async def _ask(self, request: Request, host: str, port: int, timeout_s: float) -> tuple[Verdict, str, bool]:
        """Verdict, detail, and whether no HTTP server was met at all."""
        limit = request.timeout_s or timeout_s
        where = f"{host}:{port}"
        try:
            answer = await ask(host, port, render(request, host, port), limit)
        except Unreachable as why:
            return "refused", f"{where} {why}", True
        except TimedOut:
            return "timeout", f"{where} did not answer {request.path} within {limit:g} s", True
        except Broken as why:
            return "failed", f"{where} {why}", False
        return *judge(request, answer), False
