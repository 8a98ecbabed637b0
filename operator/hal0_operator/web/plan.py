"""The plan: what would be done now, and what is held."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.model.status import Plan
from hal0_operator.web.answers import answer
from hal0_operator.web.endpoint import Context, Endpoint


async def plan(request: Request, context: Context) -> ASGIApp:
    return answer(request, context.operator.plan())


ENDPOINTS = (Endpoint("GET", "/api/plan", plan, "What would be done now, and what is held", Plan),)
