"""Capabilities: the overlay's selections and the slots that serve them."""

from typing import Any

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.desired.suggest import did_you_mean
from hal0_operator.model.capability import CHILDREN
from hal0_operator.web.answers import Fault, answer
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.shapes import SelectionBody, Selections


def one(context: Context, group: str, child: str) -> Any:
    """Raises 404."""
    found = context.operator.capabilities()["selections"].get(group, {}).get(child)
    if found is None:
        hint = did_you_mean(f"{group}.{child}", CHILDREN)
        raise Fault(404, "capability.unknown_child", f"there is no capability {group}.{child}: {hint}")
    return found


async def capabilities(request: Request, context: Context) -> ASGIApp:
    return answer(request, context.operator.capabilities())


async def capability(request: Request, context: Context) -> ASGIApp:
    return answer(request, one(context, request.path_params["group"], request.path_params["child"]))


ENDPOINTS = (
    Endpoint("GET", "/api/capabilities", capabilities, "The overlay's selections, bound to slots", Selections),
    Endpoint("GET", "/api/capabilities/{group}/{child}", capability, "One capability", SelectionBody),
)
