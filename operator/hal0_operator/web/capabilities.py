"""Capabilities: the overlay's selections and the slots that serve them."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.web.answers import answer
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.shapes import Selections


async def capabilities(request: Request, context: Context) -> ASGIApp:
    return answer(request, context.operator.capabilities())


ENDPOINTS = (
    Endpoint("GET", "/api/capabilities", capabilities, "The overlay's selections, bound to slots", Selections),
)
