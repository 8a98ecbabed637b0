"""Profiles: the catalogue with what follows from each entry."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.desired.suggest import did_you_mean
from hal0_operator.web.answers import Fault, answer
from hal0_operator.web.catalogue import profile_bodies
from hal0_operator.web.endpoint import Context, Endpoint
from hal0_operator.web.shapes import ProfileBody, ProfileItems


def bodies(context: Context) -> tuple[ProfileBody, ...]:
    used = [(status.profile, status.name) for status in context.operator.slots()]
    return profile_bodies(context.operator.profiles(), used, context.settings.model_store)


def one(context: Context, name: str) -> ProfileBody:
    """Raises 404."""
    found = {body.name: body for body in bodies(context)}
    if name not in found:
        raise Fault(404, "profiles.not_found", f"no profile {name}: {did_you_mean(name, found)}")
    return found[name]


async def profiles(request: Request, context: Context) -> ASGIApp:
    return answer(request, ProfileItems(bodies(context)))


async def profile(request: Request, context: Context) -> ASGIApp:
    return answer(request, one(context, request.path_params["name"]))


ENDPOINTS = (
    Endpoint("GET", "/api/profiles", profiles, "The catalogue: seeds and the home's own", ProfileItems),
    Endpoint("GET", "/api/profiles/{name}", profile, "One profile of the catalogue", ProfileBody),
)
