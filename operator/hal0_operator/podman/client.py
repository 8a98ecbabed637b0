"""The verbs of ``seams.podman`` over the API of a Podman service, 4.3 and later."""

import math
import time
from collections import deque
from collections.abc import Callable, Iterator
from typing import Any, NamedTuple, TypeVar
from urllib.parse import quote

import msgspec

from hal0_operator.model.action import FaultKind
from hal0_operator.model.container import LABEL_MANAGED, MANAGED_BY, ContainerSpec
from hal0_operator.model.world import Container, NameHolder
from hal0_operator.podman import decode, events, logs, spec
from hal0_operator.podman.errors import SHOWN, UNDECODABLE, classify, fault, undecodable
from hal0_operator.podman.transport import Params, Request, Stream, Transport
from hal0_operator.seams.podman import Cancel, PodmanEvent, PodmanFault

LOOK_S = 5.0
"""A list takes some 20 ms, and up to 400 ms while many containers start."""
CREATE_S = 30.0
START_S = 60.0
MARGIN_S = 15.0
"""Beyond the grace of a stop or a removal: for clean-up on a busy machine."""
PULL_IDLE_S = 60.0
"""Podman 5 reports on a pull every second."""
PULL_SILENT_S = 1800.0
"""Podman 4 says nothing while one layer comes, and a cut connection abandons the pull: 10 GB at 6 MB/s fit in here."""

T = TypeVar("T")


class Client:
    """Safe from many threads.  ``url`` as in ``unix:///run/podman/podman.sock``."""

    def __init__(self, url: str, revive: Callable[[], None] | None = None) -> None:
        self._transport = Transport(url, revive)

    def close(self) -> None:
        """Drop idle connections; streams end by their own cancel."""
        self._transport.close()

    def version(self) -> str:
        # Not from /version: for that the service runs conmon, the runtime and a package query, 50 to 350 ms.
        what = "ask Podman's version"
        version = self._transport.call(Request(what, "get", "_ping", LOOK_S)).headers.get("Libpod-API-Version")
        if not version:
            raise PodmanFault(fault("other", what, "what answers there is no Podman service"))
        return version

    def containers(self) -> tuple[Container, ...]:
        filters = {"label": [f"{LABEL_MANAGED}={MANAGED_BY}"]}
        params = {"all": "true", "filters": _json(filters)}
        return self._decoded(Request("list containers", "get", "containers/json", LOOK_S, params), decode.containers)

    def holders(self, name: str) -> tuple[NameHolder, ...]:
        # No name filter: it is a pattern, and storage leftovers pass it unfiltered in any case.
        params = {"all": "true", "external": "true"}
        request = Request(f"look for {name}", "get", "containers/json", LOOK_S, params)
        return self._decoded(request, lambda body: decode.holders(body, name))

    def images(self) -> dict[str, str]:
        return self._decoded(Request("list images", "get", "images/json", LOOK_S), decode.images)

    def create(self, spec_: ContainerSpec) -> str:
        what = f"create {spec_.name}"
        request = Request(what, "post", "containers/create", CREATE_S, body=spec.body(spec_))
        id = decode.created(self._transport.call(request).body)
        if not id:
            # It was created; which one it is, a list will say.
            raise PodmanFault(fault("unknown_outcome", what, "Podman answered no id"))
        return id

    def start(self, id: str) -> bool:
        answer = self._transport.call(Request(f"start {id[:12]}", "post", _container(id, "/start"), START_S))
        return answer.status != 304

    def stop(self, id: str, grace_s: float) -> bool:
        params: Params = {"timeout": math.ceil(grace_s)}
        path = _container(id, "/stop")
        answer = self._transport.call(Request(f"stop {id[:12]}", "post", path, grace_s + MARGIN_S, params))
        return answer.status != 304

    def remove(self, id: str, grace_s: float) -> None:
        # v: the anonymous volumes that an image declares go with their container.
        params: Params = {"force": "true", "v": "true", "timeout": math.ceil(grace_s)}
        try:
            self._transport.call(Request(f"remove {id[:12]}", "delete", _container(id), grace_s + MARGIN_S, params))
        except PodmanFault as failed:
            if failed.fault.kind != "no_such_container":
                raise

    def address(self, id: str) -> str:
        request = Request(f"look for the address of {id[:12]}", "get", _container(id, "/json"), LOOK_S)
        return self._decoded(request, decode.address)

    def pull(self, image: str, progress: Callable[[str], None], cancel: list[Cancel]) -> str:
        what = f"pull {image}"
        stream = Stream(what)
        cancel.append(stream.cancel)
        idle_s = PULL_SILENT_S if self.version().startswith(("3.", "4.")) else PULL_IDLE_S
        params = {"reference": image, "policy": "always", "compatMode": "true"}
        id = ""
        for report in self._pull_reports(stream, Request(what, "post", "images/pull", idle_s, params)):
            if report.error:
                raise PodmanFault(fault(_pull_kind(classify(0, "", report.error)), what, report.error))
            id = report.pulled or id
            if report.shown:
                progress(report.shown)
        if stream.cancelled:
            raise PodmanFault(fault("pull_failed", what, "abandoned"))
        return id or self._image_id(image)

    def logs(self, id: str, lines: int) -> tuple[str, ...]:
        stream = Stream(f"read the log of {id[:12]}")
        self._transport.open(stream, _logs(stream.what, id, lines, follow=False))
        return tuple(deque(logs.lines(stream), maxlen=lines))

    def follow_logs(self, id: str, lines: int, cancel: list[Cancel]) -> Iterator[str]:
        stream = Stream(f"follow the log of {id[:12]}")
        cancel.append(stream.cancel)
        self._transport.open(stream, _logs(stream.what, id, lines, follow=True))
        stream.unlimited()
        return _until_cut(logs.lines(stream))

    def events(self, since_nano: int, cancel: list[Cancel]) -> Iterator[PodmanEvent]:
        stream = Stream("follow events")
        cancel.append(stream.cancel)
        params = {"stream": "true"} | ({"since": _rfc3339(since_nano)} if since_nano else {})
        self._transport.open(stream, Request(stream.what, "get", "events", LOOK_S, params))
        stream.unlimited()
        return _until_cut(events.fresh(stream.lines()))

    def _decoded(self, request: Request, decoded: Callable[[bytes], T]) -> T:
        body = self._transport.call(request).body
        try:
            return decoded(body)
        except UNDECODABLE as error:
            raise undecodable(request.what, error) from error

    def _pull_reports(self, stream: Stream, request: Request) -> Iterator["PullReport"]:
        try:
            self._transport.open(stream, request)
        except PodmanFault as failed:
            if failed.fault.status is None:
                raise
            raise PodmanFault(msgspec.structs.replace(failed.fault, kind=_pull_kind(failed.fault.kind))) from failed
        yield from map(pull_report, stream.lines())

    def _image_id(self, image: str) -> str:
        """Podman 5 ends its report without the id."""
        what = f"look for {image} after its pull"
        document = self._decoded(
            Request(what, "get", f"images/{quote(image, safe='')}/json", LOOK_S), msgspec.json.decode
        )
        id = document.get("Id") if isinstance(document, dict) else None
        return id.removeprefix("sha256:") if isinstance(id, str) else ""


class PullReport(NamedTuple):
    """One line of a pull: something to show, the end, or the failure."""

    shown: str = ""
    pulled: str = ""
    error: str = ""


class _PullLine(msgspec.Struct):
    """Both dialects: 4.x has ``stream`` and at the end ``images`` and ``id``, 5.x ``status`` with the id of a layer."""

    stream: str = ""
    status: str = ""
    id: str = ""
    images: list[str] | None = None
    error: str = ""
    progress: dict[str, Any] | None = msgspec.field(default=None, name="progressDetail")


def pull_report(line: bytes) -> PullReport:
    """A line of an unexpected shape says nothing."""
    try:
        read = msgspec.json.decode(line, type=_PullLine)
    except UNDECODABLE:
        return PullReport()
    if read.error:
        return PullReport(error=read.error)
    if read.images is not None:
        return PullReport(pulled=read.id.removeprefix("sha256:"))
    if read.stream:
        return PullReport(shown=read.stream.strip()[:SHOWN])
    done, total = (_megabytes((read.progress or {}).get(key)) for key in ("current", "total"))
    size = f" {done} of {total} MB" if done and total else ""
    return PullReport(shown=f"{read.status} {read.id}{size}".strip()[:SHOWN])


def _pull_kind(kind: FaultKind) -> FaultKind:
    """A pull's own failures, whatever Podman calls them, are one kind: the image cannot be had."""
    return kind if kind in ("local", "bad_reference") else "pull_failed"


def _megabytes(value: Any) -> str:
    return f"{value / 1e6:.1f}" if isinstance(value, (int, float)) else ""


def _until_cut(items: Iterator[T]) -> Iterator[T]:
    """A stream of hints ends when the service does; what happened then, the next list says."""
    try:
        yield from items
    except PodmanFault:
        return


def _logs(what: str, id: str, lines: int, *, follow: bool) -> Request:
    params: Params = {"stdout": "true", "stderr": "true", "tail": lines, "follow": "true" if follow else "false"}
    return Request(what, "get", _container(id, "/logs"), LOOK_S, params)


def _container(id: str, rest: str = "") -> str:
    return f"containers/{quote(id, safe='')}{rest}"


def _json(value: Any) -> str:
    return msgspec.json.encode(value).decode()


def _rfc3339(nano: int) -> str:
    """Exact and exclusive for Podman, unlike an epoch with a fraction, which goes through a float."""
    seconds, rest = divmod(nano, 10**9)
    return f"{time.strftime('%Y-%m-%dT%H:%M:%S', time.gmtime(seconds))}.{rest:09d}Z"
