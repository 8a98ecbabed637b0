"""Health of the operator itself."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.web.answers import answer
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.shapes import HealthBody


async def healthz(request: Request, context: Context) -> ASGIApp:
    """The event loop turns: to answer at all is the answer."""
    del context
    return answer(request, HealthBody(ok=True))


async def readyz(request: Request, context: Context) -> ASGIApp:
    reason = context.operator.unready()
    return answer(request, HealthBody(not reason, reason), status=503 if reason else 200)


ENDPOINTS = (
    Endpoint("GET", "/healthz", healthz, "Whether the operator is alive", HealthBody),
    Endpoint("GET", "/readyz", readyz, "Whether the operator sees Podman and its home (503 when not)", HealthBody),
)
