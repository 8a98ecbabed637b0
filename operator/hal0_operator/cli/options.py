"""The options that every verb takes, and the paths that follow from them."""

import argparse
import os
from collections.abc import Mapping
from typing import NamedTuple

DEFAULT_HOME = "/etc/hal0"
DEFAULT_CONFIG = "/etc/hal0-operator/config.toml"


class Option(NamedTuple):
    flag: str
    metavar: str
    variable: str
    help: str

    @property
    def dest(self) -> str:
        return self.flag.removeprefix("--").replace("-", "_")


SHARED = (
    Option("--home", "DIR", "HAL0CTL_HOME", f"the home (default {DEFAULT_HOME})"),
    Option("--state-dir", "DIR", "HAL0CTL_STATE_DIR", "the operator's state and socket"),
    Option("--podman-url", "URL", "HAL0CTL_PODMAN_URL", "Podman's API, such as unix:///run/podman/podman.sock"),
    Option("--config", "FILE", "HAL0CTL_CONFIG", f"the settings file (default {DEFAULT_CONFIG})"),
    Option("--model-store", "DIR", "HAL0CTL_MODEL_STORE", "where models are (default: the settings' model_store)"),
)


class Failed(Exception):
    """A verb cannot go on: ``args[0]`` is the message, shown after ``hal0ctl:``."""

    def __init__(self, message: str, code: int = 1) -> None:
        super().__init__(message)
        self.code = code


class Usage(Failed):
    """The command line is wrong (exit 2)."""

    def __init__(self, message: str) -> None:
        super().__init__(message, 2)


class Paths(NamedTuple):
    """Where everything is; absolute paths, links not followed.

    ``podman_url`` and ``model_store`` are ``""`` where nothing was said.  ``runtime_dir`` is the
    system's own, below which operator locks stand.  ``home_named`` and ``config_named`` tell a choice from a default.
    """

    home: str
    state_dir: str
    config: str
    runtime_dir: str
    podman_url: str = ""
    model_store: str = ""
    home_named: bool = False
    config_named: bool = False

    @property
    def socket(self) -> str:
        return os.path.join(self.state_dir, "operator.sock")

    @property
    def token(self) -> str:
        return os.path.join(self.state_dir, "token")


def add_shared(parser: argparse.ArgumentParser) -> None:
    """Add the shared options; absent ones leave no attribute, so that two parsers can take turns."""
    group = parser.add_argument_group("options of every verb")
    for option in SHARED:
        group.add_argument(
            option.flag,
            metavar=option.metavar,
            default=argparse.SUPPRESS,
            help=f"{option.help}; ${option.variable}".replace("%", "%%"),
        )


def resolve(given: Mapping[str, str], environ: Mapping[str, str], uid: int) -> Paths:
    """Paths from the options (by ``dest``), then the environment, then the defaults of this user.

    Raises ``Usage`` for an empty value.
    """
    chosen: dict[str, str] = {}
    for option in SHARED:
        if option.dest in given:
            if not given[option.dest]:
                raise Usage(f"{option.flag} is empty: leave it out for the default")
            chosen[option.dest] = given[option.dest]
        elif environ.get(option.variable):
            chosen[option.dest] = environ[option.variable]
    state = chosen.get("state_dir") or (
        "/var/lib/hal0-operator" if uid == 0 else _xdg(environ, "XDG_STATE_HOME", ".local/state")
    )
    return Paths(
        home=os.path.abspath(chosen.get("home", DEFAULT_HOME)),
        state_dir=os.path.abspath(state),
        config=os.path.abspath(chosen.get("config", DEFAULT_CONFIG)),
        runtime_dir="/run" if uid == 0 else _runtime(environ, uid),
        podman_url=chosen.get("podman_url", ""),
        model_store=os.path.abspath(chosen["model_store"]) if "model_store" in chosen else "",
        home_named="home" in chosen,
        config_named="config" in chosen,
    )


def _xdg(environ: Mapping[str, str], variable: str, fallback: str) -> str:
    """The XDG rules: a relative value counts as unset."""
    base = environ.get(variable, "")
    if not os.path.isabs(base):
        base = os.path.join(os.path.expanduser("~"), fallback)
    return os.path.join(base, "hal0-operator")


def _runtime(environ: Mapping[str, str], uid: int) -> str:
    base = environ.get("XDG_RUNTIME_DIR", "")
    return base if os.path.isabs(base) else f"/run/user/{uid}"
