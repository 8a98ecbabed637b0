"""Profiles: the catalogue with what follows from each entry."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.web.answers import answer
from hal0_operator.web.catalogue import profile_bodies
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.shapes import ProfileItems


async def profiles(request: Request, context: Context) -> ASGIApp:
    used = [(status.profile, status.name) for status in context.operator.slots()]
    bodies = profile_bodies(context.operator.profiles(), used, context.settings.model_store)
    return answer(request, ProfileItems(bodies))


ENDPOINTS = (Endpoint("GET", "/api/profiles", profiles, "The catalogue: seeds and the home's own", ProfileItems),)
