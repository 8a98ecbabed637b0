"""Scenarios on the real Podman that ``PODMAN`` names, each with an operator and a home of its own."""

from collections.abc import Iterator

import pytest

from tests.images import build, gguf
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess


def pytest_collection_modifyitems(items: list[pytest.Item]) -> None:
    for item in items:
        if "/tests/e2e/" in str(item.path):
            item.add_marker(pytest.mark.e2e)


@pytest.fixture
def operator(machine: Machine) -> Iterator[OperatorProcess]:
    """Not started.  Its home has the profile ``stub`` and the slots chat, code and util."""
    machine.wipe()
    made = OperatorProcess(machine)
    made.home.profile("stub")
    for slot in ("chat", "code", "util"):
        made.home.slot(slot)
    yield made
    made.close()


@pytest.fixture
def running(operator: OperatorProcess) -> OperatorProcess:
    """The same, started, with all three slots Ready."""
    operator.start()
    operator.until(lambda slots: [slot["phase"] for slot in slots.values()] == ["Ready"] * 3)
    return operator


@pytest.fixture(scope="session")
def llama(machine: Machine) -> Machine:
    """The machine with the image of a real llama.cpp server: profile image ``localhost/hal0-llama:demo``."""
    machine.load(build.archive(llama=True))
    return machine


@pytest.fixture
def llamas(operator: OperatorProcess, llama: Machine) -> OperatorProcess:
    """Real llama.cpp in the slots chat, embed and rerank, with a random model; not started.

    Its context is so long that a client can go while its answer is being written.
    """
    gguf.write(operator.store / "tiny.gguf")
    operator.home.profile("llama", image=build.LLAMA, flags="--threads 1 --parallel 2 --no-mmap")
    for slot in ("chat", "code", "util"):
        operator.home.delete(f"slots/{slot}.toml")
    for number, slot in enumerate(("chat", "embed", "rerank")):
        model = {"default": "tiny.gguf", "context_size": 32_768}
        operator.home.slot(slot, profile="llama", model=model, port=operator.home.ports[number])
    return operator
