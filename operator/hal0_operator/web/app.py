"""The ASGI application: every endpoint, behind the guard."""

from collections.abc import Awaitable, Callable

from starlette.requests import Request
from starlette.responses import RedirectResponse
from starlette.routing import Match, Route, Router
from starlette.types import ASGIApp, Receive, Scope, Send

from hal0_operator.changes.refusal import Refusal
from hal0_operator.desired.suggest import did_you_mean
from hal0_operator.loop.view import Operator, Refused, UnknownSlot
from hal0_operator.model.settings import Settings
from hal0_operator.web import (
    capabilities,
    events,
    health,
    metrics,
    openapi,
    plan,
    profiles,
    remote,
    slots,
    source,
    writes,
)
from hal0_operator.web.answers import Fault, answer
from hal0_operator.web.deliveries import Deliveries
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.guard import Guard, nothing_at

RESOURCES: tuple[Endpoint, ...] = (
    *slots.ENDPOINTS,
    *writes.ENDPOINTS,
    *profiles.ENDPOINTS,
    *capabilities.ENDPOINTS,
    *plan.ENDPOINTS,
    *source.ENDPOINTS,
    *remote.ENDPOINTS,
    *events.ENDPOINTS,
    *health.ENDPOINTS,
    *metrics.ENDPOINTS,
)
"""What the OpenAPI document describes."""

OPENAPI_PATH = "/api/openapi.json"


def build(operator: Operator, token: str, settings: Settings, deliveries: Deliveries | None = None) -> Guard:
    """The application for the TCP port and the socket file alike.

    ``token`` is what writes over TCP must carry; an empty one lets none in.  Without ``deliveries`` there is no
    webhook.
    """
    context = Context(operator, settings, deliveries)
    by_path: dict[str, dict[str, Endpoint]] = {}
    own = (Endpoint("GET", OPENAPI_PATH, _openapi, ""), Endpoint("GET", "/", _front, ""))
    for endpoint in (*RESOURCES, *own):
        by_path.setdefault(endpoint.path, {})[endpoint.method] = endpoint
    routes = [Route(path, _bind(methods, context)) for path, methods in by_path.items()]
    for route in routes:
        route.methods = None

    def leads(scope: Scope) -> bool:
        return any(route.matches(scope)[0] is not Match.NONE for route in routes)

    router = Router(routes, redirect_slashes=False, default=_nothing)
    return Guard(router, token, (settings.listen, *settings.allowed_hosts), leads)


def _bind(endpoints: dict[str, Endpoint], context: Context) -> Callable[[Request], Awaitable[ASGIApp]]:
    """One path's handler: chooses by method, and turns the operator's refusals into faults."""
    allowed = sorted({*endpoints, "HEAD"} if "GET" in endpoints else endpoints)

    async def handle(request: Request) -> ASGIApp:
        endpoint = endpoints.get("GET" if request.method == "HEAD" else request.method)
        if endpoint is None:
            message = f"this path takes {' and '.join(allowed)}"
            raise Fault(405, "request.method", message, {"Allow": ", ".join(allowed)})
        try:
            _demand_known(request, endpoint)
            return await endpoint.handler(request, context)
        except UnknownSlot as unknown:
            raise Fault(404, "slot.unknown", str(unknown)) from unknown
        except Refused as refused:
            raise Fault(409, refused.code, str(refused)) from refused
        except Refusal as refusal:
            raise writes.fault(refusal) from refusal

    return handle


def _demand_known(request: Request, endpoint: Endpoint) -> None:
    """A write with a misspelt `dryRun` must not be done.  Raises 400."""
    known = {query.name for query in endpoint.query}
    unknown = sorted(request.query_params.keys() - known)
    if unknown and endpoint.method != "GET":
        hint = did_you_mean(unknown[0], known) if known else "this path takes none"
        raise Fault(400, "request.invalid", f"unknown parameter {unknown[0]!r}: {hint}")


async def _openapi(request: Request, context: Context) -> ASGIApp:
    del context
    return answer(request, openapi.document(RESOURCES))


async def _front(request: Request, context: Context) -> ASGIApp:
    del request, context
    return RedirectResponse(OPENAPI_PATH)


async def _nothing(scope: Scope, receive: Receive, send: Send) -> None:
    del receive, send
    raise nothing_at(scope["path"])
