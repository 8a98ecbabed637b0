"""A whole operator over a folder, with a Podman that holds nothing and is told nothing."""

from collections.abc import Awaitable, Callable
from pathlib import Path
from typing import Any

import anyio

from hal0_operator import run
from hal0_operator.model.settings import Settings

OFF = 'enabled = false\ndevice = "cpu"\n[model]\ndefault = "m"\n'


class EmptyPodman:
    def containers(self) -> tuple[()]:
        return ()

    def images(self) -> dict[str, str]:
        return {}

    def close(self) -> None:
        pass


def parts(folder: Path, monkeypatch: Any, podman: Any = None, *, exclusive: bool = True) -> run.Parts:
    """An operator of ``folder``/home."""
    monkeypatch.setattr(run, "connect", lambda *_: (podman or EmptyPodman(), None))
    home, state = folder / "home", folder / "state"
    (home / "slots").mkdir(parents=True, exist_ok=True)
    state.mkdir(exist_ok=True)
    place = run.Place(str(home), str(state), str(folder / "run"))
    return run.Parts(place, Settings(model_store=str(folder)), exclusive=exclusive)


def write(folder: Path, *slots: str, text: str = OFF) -> None:
    """Let these be the home's slots."""
    here = folder / "home" / "slots"
    for file in here.glob("*.toml"):
        if file.stem not in slots:
            file.unlink()
    for name in slots:
        (here / f"{name}.toml").write_text(text)


def while_it_runs(whole: run.Parts, done: Callable[[], Awaitable[None]]) -> None:
    try:
        anyio.run(run.converge, whole, done)
    finally:
        whole.close()
