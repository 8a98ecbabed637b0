"""The scrape."""

from starlette.requests import Request
from starlette.responses import Response
from starlette.types import ASGIApp

from hal0_operator.loop.metrics import render
from hal0_operator.web.endpoint import Context, Endpoint


async def metrics(request: Request, context: Context) -> ASGIApp:
    body, content_type = render(context.operator, context.settings, request.headers.get("accept", ""))
    return Response(body, headers={"Content-Type": content_type})


ENDPOINTS = (Endpoint("GET", "/metrics", metrics, "Prometheus metrics"),)
