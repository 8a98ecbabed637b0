"""Performing an effect ends in an outcome, whatever happens."""

import errno
from functools import partial
from pathlib import Path
from typing import Any

import anyio
import msgspec
import pytest

from hal0_operator.home.lock import npu_turn
from hal0_operator.host.clock import SystemClock
from hal0_operator.host.fs import HostFs
from hal0_operator.loop.effects import Hands
from hal0_operator.model import action as a
from hal0_operator.model.container import LABEL_NPU, ContainerSpec
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container


class Failing:
    """A Podman, whose list fails with what it is given."""

    def __init__(self, failure: Exception) -> None:
        self.failure = failure

    def containers(self) -> None:
        raise self.failure


@pytest.mark.parametrize(
    ("failure", "kind"),
    [
        (RecursionError("deep"), "unknown_outcome"),
        (KeyError("x"), "unknown_outcome"),
        (OSError(errno.ENOSPC, "full"), "local"),
    ],
)
def test_a_call_that_fails_in_an_unforeseen_way_is_a_fault_and_no_crash(failure: Exception, kind: str) -> None:
    nothing: Any = None
    podman: Any = Failing(failure)

    def forget(memory: Memory) -> None:
        del memory

    async def perform() -> a.Outcome:
        return await Hands(podman, nothing, nothing, SystemClock(), Settings(), forget).perform(a.List(), [])

    outcome = anyio.run(perform)
    assert isinstance(outcome, a.Fault)
    assert outcome.kind == kind


class Shared:
    """A Podman of two homes, in which a create takes as long as the other home's look."""

    def __init__(self) -> None:
        self.there: list[Container] = []

    def containers(self) -> tuple[Container, ...]:
        return tuple(self.there)

    def create(self, spec: ContainerSpec) -> str:
        found = self.containers()
        self.there = [*found, Container(id=spec.name, name=spec.name, state="created", image="", labels=spec.labels)]
        return spec.name


def spec(name: str) -> ContainerSpec:
    empty = {field.name: "" for field in msgspec.structs.fields(ContainerSpec) if field.required}
    numbers = {field.name: 0 for field in msgspec.structs.fields(ContainerSpec) if field.required and field.type is int}
    return ContainerSpec(**{**empty, **numbers, "name": name, "labels": {LABEL_NPU: "1"}})


def test_two_homes_that_want_the_npu_at_once_get_one_container(tmp_path: Path) -> None:
    podman: Any = Shared()
    pauses: list[float] = []

    def hands() -> Hands:
        nothing: Any = None
        made = Hands(podman, nothing, nothing, SystemClock(), Settings(), nothing)
        made.npu_turn = partial(npu_turn, HostFs(), str(tmp_path), pauses.append)
        return made

    async def both() -> list[a.Outcome]:
        found: list[a.Outcome] = []

        async def create(name: str) -> None:
            found.append(await hands().perform(a.Create("npu", spec(name), ""), []))

        async with anyio.create_task_group() as tasks:
            for name in ("one", "two"):
                tasks.start_soon(create, name)
        return found

    kinds = sorted(type(outcome).__name__ for outcome in anyio.run(both))
    assert kinds == ["Created", "Fault"]
    assert len(podman.there) == 1


def test_a_turn_that_never_comes_is_a_fault_of_the_machine(tmp_path: Path) -> None:
    held = HostFs().lock(f"{tmp_path}/hal0-operator/npu.lock", exclusive=True)
    assert held is not None
    with pytest.raises(TimeoutError), npu_turn(HostFs(), str(tmp_path), lambda _seconds: None):
        raise AssertionError("nobody gets a turn")
    held.release()
    with npu_turn(HostFs(), str(tmp_path), lambda _seconds: None):
        pass
