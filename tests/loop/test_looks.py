"""A look without an operator, and an operator that comes to nothing."""

from pathlib import Path
from typing import Any

import anyio

from hal0_operator.cli import apply, offline
from hal0_operator.seams.podman import PodmanFault
from hal0_operator.model.action import Fault
from tests.loop.whole import EmptyPodman, parts, write


class SilentPodman(EmptyPodman):
    def containers(self) -> tuple[()]:
        raise PodmanFault(Fault("unknown_outcome", "list containers: no answer in time"))


def test_a_look_without_an_operator_writes_nothing(tmp_path: Path, monkeypatch: Any) -> None:
    write_home(tmp_path)
    whole = parts(tmp_path, monkeypatch, exclusive=False)
    anyio.run(offline._statuses, whole)
    assert [s.name for s in whole.statuses.all()] == ["a"]
    assert list((tmp_path / "state").iterdir()) == []


def test_an_apply_that_never_saw_podman_has_failed(tmp_path: Path, monkeypatch: Any) -> None:
    write_home(tmp_path)
    whole = parts(tmp_path, monkeypatch, SilentPodman())
    try:
        found = anyio.run(apply._converge, whole, False, 0.3)
    finally:
        whole.close()
    assert found.failed == ("the home was not read and acted on within 0.3 s; `hal0ctl doctor` says more",)


def write_home(folder: Path) -> None:
    (folder / "home" / "slots").mkdir(parents=True)
    write(folder, "a")
