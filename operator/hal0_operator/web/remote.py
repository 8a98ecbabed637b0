"""The repository that a home comes from: looking now, leaving it alone, going back; and the forges' webhook."""

from starlette.requests import Request
from starlette.types import ASGIApp

from hal0_operator.loop.remote import Remote
from hal0_operator.loop.view import Refused
from hal0_operator.web.answers import Fault, answer, flag, read_body
from hal0_operator.web.endpoint import Context, Endpoint, switch
from hal0_operator.web.guard import HOOK
from hal0_operator.web.shapes import Ack, PlainWish, RollbackWish, SuspendWish
from hal0_operator.web.source import demand_revision, reasons
from hal0_operator.web.waits import in_time

SYNC_S = 300.0
"""Seconds that ``?wait`` waits for git and for what follows."""
MOST_TEXT = 500
"""Characters of a reason or a name that is stored and shown."""
RETRY_S = 60


async def sync(request: Request, context: Context) -> ASGIApp:
    """With ``wait``: answer once a look that began now was decided and acted on."""
    await read_body(request, PlainWish)
    message = _remote(context).sync()
    return await _accepted(request, context, message)


async def _accepted(request: Request, context: Context, message: str) -> ASGIApp:
    """At once; with ``wait`` once a look that begins now was decided and acted on, or brought nothing at all."""
    if not flag(request, "wait"):
        return answer(request, Ack(message), status=202)

    async def acted_on() -> None:
        await _remote(context).synced()
        demand_revision(context.operator)
        await context.operator.fresh()

    try:
        await in_time(request, SYNC_S, acted_on)
    except TimeoutError:
        why = reasons(context.operator.source())
        message = f"the repository was not looked at, or not followed, within {SYNC_S:.0f} s{why}"
        raise Fault(504, "source.busy", message) from None
    return answer(request, Ack(message))


async def suspend_source(request: Request, context: Context) -> ASGIApp:
    wish = await read_body(request, SuspendWish)
    _demand_short(wish.reason, wish.by)
    return answer(request, Ack(_remote(context).suspend(wish.by, wish.reason)))


async def resume_source(request: Request, context: Context) -> ASGIApp:
    await read_body(request, PlainWish)
    return answer(request, Ack(_remote(context).resume()))


async def rollback(request: Request, context: Context) -> ASGIApp:
    wish = await read_body(request, RollbackWish)
    _demand_short(wish.by)
    return await _accepted(request, context, _remote(context).rollback(wish.revision, wish.by))


async def hook(request: Request, context: Context) -> ASGIApp:
    """A forge says that somebody pushed; its signature over the raw body is all that counts of it."""
    remote = context.operator.remote
    if context.deliveries is None or remote is None:
        raise Fault(404, "request.not_found", "no webhook is taken here: the settings name no webhook_secret_file")
    found = context.deliveries.judge(
        {name.lower(): value for name, value in request.headers.items()}, await request.body()
    )
    remote.delivered(found)
    match found:
        case "wrong":
            message = "the call bears no signature, or not that of the secret in webhook_secret_file"
            raise Fault(401, "auth.signature_invalid", message)
        case "limited":
            message = "calls come too often; the repository is looked at anyway"
            raise Fault(429, "request.limited", message, {"Retry-After": str(RETRY_S)})
        case "replayed":
            return answer(request, Ack("this delivery was there before"))
        case "accepted":
            return answer(request, Ack(), status=202)


def _remote(context: Context) -> Remote:
    if context.operator.remote is None:
        raise Refused("gitops.not_followed", "this home is a folder: no [gitops] in the settings names a repository")
    return context.operator.remote


def _demand_short(*texts: str) -> None:
    if any(len(text) > MOST_TEXT or not text.isprintable() for text in texts):
        raise Fault(400, "request.invalid", f"reason and by are at most {MOST_TEXT} printable characters long")


ENDPOINTS = (
    Endpoint(
        "POST",
        "/api/source/sync",
        sync,
        "Look at the repository now",
        Ack,
        PlainWish,
        query=(switch("wait"),),
        statuses=(200, 202),
    ),
    Endpoint("POST", "/api/source/suspend", suspend_source, "Do not look at the repository", Ack, SuspendWish),
    Endpoint("POST", "/api/source/resume", resume_source, "Follow the repository again", Ack, PlainWish),
    Endpoint(
        "POST",
        "/api/source/rollback",
        rollback,
        "Put an earlier revision into force, and hold it",
        Ack,
        RollbackWish,
        query=(switch("wait"),),
        statuses=(200, 202),
    ),
    Endpoint("POST", HOOK, hook, "What a forge calls after a push", Ack, statuses=(200, 202), token=False),
)
