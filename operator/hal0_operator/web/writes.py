"""Writes of the home's files: bodies have the shape of the files, and ``null`` removes a key."""

from typing import Any

import msgspec
from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.changes.refusal import Invalid, ReadOnly, Refusal, Unknown
from hal0_operator.changes.wish import (
    CreateProfile,
    CreateSlot,
    DeleteProfile,
    DeleteSlot,
    EditProfile,
    EditSlot,
    SetCapability,
    Wish,
)
from hal0_operator.desired.overlay_keys import SELECTION
from hal0_operator.desired.profile_keys import PROFILE
from hal0_operator.web import capabilities, profiles
from hal0_operator.web.answers import Fault, answer, demand_version, flag, read_body
from hal0_operator.web.bodies import named_schema, patch_schema, slot_schema, whole_schema
from hal0_operator.web.endpoint import Context, Endpoint, Query, switch
from hal0_operator.web.shapes import ChangeBody, change_body, file_body, problem_body, slot_body

BY_LIMIT = 100
"""Characters of a name that is stored and shown."""

_CONFLICTS = frozenset(
    {
        "capability.conflict",
        "changeset.base_denied",
        "changeset.layout",
        "gitops.read_only",
        "home.busy",
        "npu.exclusive",
        "port.conflict",
        "profiles.exists",
        "profiles.in_use",
        "profiles.seed_immutable",
        "slot.exists",
    }
)
"""Refused because of what else is there, not because of the wish itself."""

_STATUS = {"changeset.conflict": 409, "changeset.unwritten": 507, "changeset.unfinished": 503}


def fault(refusal: Refusal) -> Fault:
    """A refusal as the answer that a client gets: its problems with their key paths."""
    if isinstance(refusal, Unknown):
        status = 404
    elif isinstance(refusal, Invalid):
        status = 422
    else:
        status = _STATUS.get(refusal.code) or (409 if refusal.code in _CONFLICTS else 422)
    found = [msgspec.to_builtins(problem_body(problem)) for problem in refusal.problems]
    details: dict[str, Any] = {"problems": found} if found else {}
    if isinstance(refusal, ReadOnly):
        details["files"] = [msgspec.to_builtins(file_body(change)) for change in refusal.change_set.changes]
    return Fault(status, refusal.code, str(refusal), details=details or None)


async def set_capability(request: Request, context: Context) -> ASGIApp:
    group, child = request.path_params["group"], request.path_params["child"]
    keys = await _object(request)
    demand_version(request, capabilities.one(context, group, child))
    return await _change(request, context, SetCapability(f"{group}.{child}", keys))


async def apply_capability(request: Request, context: Context) -> ASGIApp:
    """What hal0 calls it."""
    return await set_capability(request, context)


async def create_slot(request: Request, context: Context) -> ASGIApp:
    keys = await _object(request)
    return await _change(request, context, CreateSlot(_name(keys), keys), status=201)


async def edit_slot(request: Request, context: Context) -> ASGIApp:
    keys = await _object(request)
    name = request.path_params["name"]
    demand_version(request, slot_body(context.operator.detail(name)))
    return await _change(request, context, EditSlot(name, keys))


async def delete_slot(request: Request, context: Context) -> ASGIApp:
    name = request.path_params["name"]
    demand_version(request, slot_body(context.operator.detail(name)))
    return await _change(request, context, DeleteSlot(name))


async def create_profile(request: Request, context: Context) -> ASGIApp:
    keys = await _object(request)
    source = keys.pop("clone", "")
    if not isinstance(source, str):
        raise Fault(422, "request.invalid", "`clone` must be the name of a profile")
    return await _change(request, context, CreateProfile(_name(keys), keys, source), status=201)


async def replace_profile(request: Request, context: Context) -> ASGIApp:
    keys = await _object(request)
    name = request.path_params["name"]
    demand_version(request, profiles.one(context, name))
    return await _change(request, context, EditProfile(name, keys, whole=True))


async def edit_profile(request: Request, context: Context) -> ASGIApp:
    keys = await _object(request)
    name = request.path_params["name"]
    demand_version(request, profiles.one(context, name))
    return await _change(request, context, EditProfile(name, keys))


async def delete_profile(request: Request, context: Context) -> ASGIApp:
    name = request.path_params["name"]
    demand_version(request, profiles.one(context, name))
    return await _change(request, context, DeleteProfile(name))


async def _change(request: Request, context: Context, wish: Wish, status: int = 200) -> ASGIApp:
    dry_run = flag(request, "dryRun")
    by = request.query_params.get("by", "api")
    if len(by) > BY_LIMIT or not by.isprintable():
        raise Fault(400, "request.invalid", f"by is at most {BY_LIMIT} printable characters long")
    done = await context.operator.change(wish, by, dry_run=dry_run)
    return answer(request, change_body(done, dry_run=dry_run), status=200 if dry_run else status)


async def _object(request: Request) -> dict[str, Any]:
    return await read_body(request, dict[str, Any])


def _name(keys: dict[str, Any]) -> str:
    name = keys.pop("name", None)
    if not isinstance(name, str):
        raise Fault(422, "request.invalid", "`name` is missing: the name of what is to be created")
    return name


_CAPABILITY = "/api/capabilities/{group}/{child}"
_QUERY = (switch("dryRun"), Query("by", {"type": "string", "maxLength": BY_LIMIT}))
_SELECTION, _SLOT, _PROFILE = patch_schema(SELECTION), slot_schema(), whole_schema(PROFILE)
_SOME_PROFILE = patch_schema(PROFILE)
_NEW_SLOT, _NEW_PROFILE = named_schema(_SLOT), named_schema(_SOME_PROFILE, "clone")

ENDPOINTS = tuple(
    Endpoint(method, path, handler, summary, ChangeBody, body, query=_QUERY, statuses=statuses)
    for method, path, handler, summary, body, statuses in (
        (
            "PATCH",
            "/api/capabilities/{group}/{child}",
            set_capability,
            "Set a capability: both files",
            _SELECTION,
            (200,),
        ),
        (
            "POST",
            "/api/capabilities/{group}/{child}",
            apply_capability,
            "Set a capability, as hal0 has it",
            _SELECTION,
            (200,),
        ),
        ("POST", "/api/slots", create_slot, "Create a slot", _NEW_SLOT, (200, 201)),
        ("PATCH", "/api/slots/{name}", edit_slot, "Edit a slot: null removes a key", _SLOT, (200,)),
        ("DELETE", "/api/slots/{name}", delete_slot, "Delete a slot", None, (200,)),
        ("POST", "/api/profiles", create_profile, "Create a profile, or clone one", _NEW_PROFILE, (200, 201)),
        ("PATCH", "/api/profiles/{name}", edit_profile, "Edit a profile: null removes a key", _SOME_PROFILE, (200,)),
        ("PUT", "/api/profiles/{name}", replace_profile, "Replace a profile of the home's own", _PROFILE, (200,)),
        ("DELETE", "/api/profiles/{name}", delete_profile, "Delete a profile of the home's own", None, (200,)),
    )
)
