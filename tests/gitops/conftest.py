from collections.abc import Callable
from pathlib import Path
from typing import Any

import msgspec
import pytest

from hal0_operator.gitops.limits import Limits
from hal0_operator.gitops.repository import HostGit
from hal0_operator.model.settings import GitopsSettings
from tests.gitops.remotes import ENV, Remote

Opened = Callable[..., HostGit]


@pytest.fixture(scope="session")
def first(tmp_path_factory: pytest.TempPathFactory) -> Remote:
    made = Remote(tmp_path_factory.mktemp("first"))
    made.home()
    made.push("First")
    return made


@pytest.fixture
def remote(first: Remote, tmp_path: Path) -> Remote:
    """A repository with a home of three slots on its branch main."""
    return Remote(tmp_path, like=first)


@pytest.fixture
def opened(remote: Remote, tmp_path: Path) -> Opened:
    """Opens the remote with settings that differ as told; ``warnings`` and ``environ`` may be given."""

    def open_(*, warnings: list[str] | None = None, limits: Limits = Limits(), **settings: Any) -> HostGit:
        environ = settings.pop("environ", {"PATH": ENV["PATH"]})
        wanted = msgspec.structs.replace(GitopsSettings(url=remote.url, timeout_s=20), **settings)
        told = (warnings if warnings is not None else []).append
        return HostGit(wanted, str(tmp_path / "state"), environ, told, limits)

    return open_
