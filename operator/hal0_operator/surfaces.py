"""The surfaces of a running operator as one application; their libraries load when it is asked for."""

import gc
import secrets
import time
from collections.abc import Callable, Coroutine
from functools import partial
from typing import Any

from hal0_operator.loop.operator import RunningOperator
from hal0_operator.loop.traffic import Traffic
from hal0_operator.model.settings import Settings
from hal0_operator.seams.fs import Fs

TOKEN_BYTES = 32
SECRET_LIMIT = 4096
PURPOSES = {
    "api_key_file": "`api_key_file` names the key of requests below /v1",
    "webhook_secret_file": "`webhook_secret_file` names the secret that signs calls of POST /hooks/git",
}


class CannotRun(Exception):
    """The operator cannot start: ``args[0]`` says why and what to do."""


Serve = Callable[..., Coroutine[Any, Any, None]]


def app(operator: RunningOperator, traffic: Traffic, settings: Settings, fs: Fs, state_dir: str) -> tuple[Any, Serve]:
    """The application, and what serves it.  Raises ``CannotRun``."""
    from hal0_operator.gateway.app import Gateway  # noqa: PLC0415 - start-up is spent on the containers first
    from hal0_operator.gateway.figures import figures  # noqa: PLC0415
    from hal0_operator.gateway.limits import Limits  # noqa: PLC0415
    from hal0_operator.web.app import build  # noqa: PLC0415
    from hal0_operator.web.front import Front  # noqa: PLC0415
    from hal0_operator.web.serve import serve  # noqa: PLC0415

    gateway = Gateway(traffic, limits=Limits(answer_s=settings.probe.answer_s))
    operator.gateway = partial(figures, gateway, traffic)
    guard = build(operator, load_token(fs, state_dir), settings, _deliveries(fs, settings))
    gc.freeze()  # what was made so far stays: a collection that looks through it holds every request up for some 30 ms
    return Front(guard, gateway, load_key(fs, settings.api_key_file)), serve


def _deliveries(fs: Fs, settings: Settings) -> Any:
    """Who judges calls of the webhook; None where the settings name no secret.  Raises ``CannotRun``."""
    from hal0_operator.web.deliveries import Deliveries  # noqa: PLC0415

    if settings.gitops is None or not settings.gitops.webhook_secret_file:
        return None
    return Deliveries(load_secret(fs, "webhook_secret_file", settings.gitops.webhook_secret_file), time.monotonic)


def load_token(fs: Fs, state_dir: str) -> str:
    """The token for writes over TCP, made once, readable by the owner alone.  Raises ``CannotRun``."""
    path = f"{state_dir}/token"
    try:
        text = fs.read(path, SECRET_LIMIT).decode().strip()
        if text:
            return text
    except (OSError, UnicodeDecodeError):
        pass
    text = secrets.token_urlsafe(TOKEN_BYTES)
    try:
        fs.write_atomic(path, f"{text}\n".encode(), 0o600)
    except OSError as failed:
        raise CannotRun(f"{path}: {failed.strerror}; choose a writable --state-dir") from failed
    return text


def load_key(fs: Fs, path: str) -> bytes:
    """The key that closes ``/v1``; empty where the settings name none.  Raises ``CannotRun``."""
    return load_secret(fs, "api_key_file", path) if path else b""


def load_secret(fs: Fs, key: str, path: str) -> bytes:
    """What the file holds that this key of the settings names.  Raises ``CannotRun``."""
    try:
        secret = fs.read(path, SECRET_LIMIT).strip()
    except OSError as failed:
        raise CannotRun(f"{path}: {failed.strerror}; {PURPOSES[key]}") from failed
    if not secret:
        raise CannotRun(f"{path} is empty; {PURPOSES[key]}")
    return secret
