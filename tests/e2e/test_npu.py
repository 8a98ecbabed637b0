"""One NPU: a chat slot with its shadow records, and never a second container on it."""

import threading
from collections.abc import Iterator
from contextlib import contextmanager

import pytest

from tests.e2e.awaited import all_ready, condition, container_id, converged
from tests.e2e.test_ports_and_homes import second_home
from tests.images.build import FLM
from tests.support import podmans
from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess

TAG = "qwen3:4b"
SAMPLE_S = 0.02


@pytest.fixture
def npu(operator: OperatorProcess) -> OperatorProcess:
    """A home with the slots npu, stt and embed, all on the NPU, which a simulator stands for; not started."""
    operator.configure(families={"flm": {"cache": str(operator.folder / "flm")}})
    for slot in ("chat", "code", "util"):
        operator.home.delete(f"slots/{slot}.toml")
    operator.home.profile("sim", image=FLM, device_class="npu")
    chat(operator, "npu", 0)
    shadow(operator, "stt", "whisper-v3:turbo")
    shadow(operator, "embed", "embed-gemma:300m")
    return operator


def chat(operator: OperatorProcess, name: str, port: int, **keys: object) -> None:
    model = {"default": TAG, "context_size": 4096}
    operator.home.slot(name, device="npu", profile="sim", port=operator.home.ports[port], model=model, **keys)


def shadow(operator: OperatorProcess, name: str, model: str, **keys: object) -> None:
    operator.home.slot(name, device="npu", profile="sim", model={"default": model}, **keys)


@contextmanager
def never_two(machine: Machine) -> Iterator[None]:
    """While the block runs, at most one container that takes the NPU exists, in any state."""
    seen: list[list[str]] = []
    over = threading.Event()

    def sample() -> None:
        with podmans.client(machine) as podman:
            while not over.wait(SAMPLE_S):
                seen.append(sorted(f"{c.name} {c.state}" for c in podman.containers() if c.takes_npu))

    sampler = threading.Thread(target=sample)
    sampler.start()
    try:
        yield
    finally:
        over.set()
        sampler.join()
    assert len(seen) > 4 and any(seen), "hardly anything was seen"
    assert [names for names in seen if len(names) > 1] == []


def test_one_container_serves_the_roles_of_the_enabled_records(npu: OperatorProcess) -> None:
    npu.start()
    slots = npu.until(lambda slots: len(slots) == 3 and all_ready(slots))
    assert list(npu.cids()) == ["hal0-npu"]
    assert {slot["phase"] for slot in slots.values()} == {"Ready"}
    assert (slots["stt"]["container"], slots["embed"]["container"]) == (None, None)
    argv = npu.stub("npu")["argv"]
    assert argv[:2] == ["serve", TAG]
    assert argv[argv.index("--embed") + 1] == argv[argv.index("--asr") + 1] == "1"
    assert set(npu.stub("npu")["models_asked"]) <= {TAG, "embed-gemma:300m", "whisper-v3:turbo"}

    before = npu.cid("npu")
    shadow(npu, "stt", "whisper-v3:turbo", enabled=False)
    npu.until(
        lambda slots: (
            container_id(slots["npu"]) not in ("", before)
            and slots["npu"]["phase"] == "Ready"
            and slots["stt"]["phase"] == "Off"
        )
    )
    argv = npu.stub("npu")["argv"]
    assert "--asr" not in argv and "--embed" in argv


def test_a_second_chat_slot_is_denied_with_both_files_and_the_first_serves_on(npu: OperatorProcess) -> None:
    npu.start()
    before = converged(npu)
    chat(npu, "npu2", 1)
    denied = npu.until_condition("npu2", "Admitted", "False")
    assert denied["reason"] == "NpuExclusive"
    assert "slots/npu.toml" in denied["message"] and "slots/npu2.toml" in denied["message"]
    slots = npu.slots()
    assert slots["npu2"]["phase"] == "Denied"
    assert condition(slots["npu"], "Admitted")["status"] == "True"
    assert npu.cids() == before and npu.stub("npu")["uptime"] > 0


def test_the_npu_is_handed_over_in_one_commit_and_never_has_two_containers(npu: OperatorProcess) -> None:
    chat(npu, "npu2", 1, enabled=False)
    npu.start()
    npu.until(lambda slots: slots.get("npu", {}).get("phase") == "Ready")
    with never_two(npu.machine):
        chat(npu, "npu", 0, enabled=False)
        chat(npu, "npu2", 1)
        # the records follow
        phases = {"npu": "Off", "npu2": "Ready", "stt": "Ready", "embed": "Ready"}
        npu.until(lambda slots: {name: slot["phase"] for name, slot in slots.items()} == phases)
        assert list(npu.cids()) == ["hal0-npu2"]
        # both at once: names, ports and the NPU change hands
        chat(npu, "npu2", 0, enabled=False)
        chat(npu, "npu", 1)
        npu.until(lambda slots: slots["npu"]["phase"] == "Ready" and slots["npu2"]["phase"] == "Off")
    assert list(npu.cids()) == ["hal0-npu"]


def test_of_two_homes_that_want_the_npu_at_once_one_gets_it(npu: OperatorProcess) -> None:
    with second_home(npu) as other, never_two(npu.machine):
        other.configure(families={"flm": {"cache": str(other.folder / "flm")}})
        other.home.profile("sim", image=FLM, device_class="npu")
        both = {"npu": npu, "npu9": other}
        for slot, operator in both.items():
            chat(operator, slot, 0, enabled=False)
            operator.start()
            operator.until_phase(slot, "Off")
        for slot, operator in both.items():
            chat(operator, slot, 0)
        first = next(until_one(both))
        loser = next(name for name in both if name != first)
        both[loser].until_condition(loser, "NPUHeld")
        chat(both[first], first, 0, enabled=False)
        both[loser].until_phase(loser, "Ready")


def until_one(homes: dict[str, OperatorProcess]) -> Iterator[str]:
    """The slots that are Ready, as soon as one is."""
    while True:
        for name, operator in homes.items():
            if operator.slots().get(name, {}).get("phase") == "Ready":
                yield name


def test_an_edit_swaps_the_npu_slot_and_never_has_two_containers(npu: OperatorProcess) -> None:
    npu.start()
    before = converged(npu)
    with never_two(npu.machine):
        shadow(npu, "embed", "embed-gemma:300m", enabled=False)
        npu.until(lambda slots: container_id(slots["npu"]) not in ("", before["hal0-npu"]) and all_wanted(slots))
    assert "--embed" not in npu.stub("npu")["argv"]


def all_wanted(slots: dict) -> bool:
    return all(slot["phase"] == "Ready" for slot in slots.values() if slot["enabled"])


def test_a_role_that_does_not_answer_makes_the_slot_degraded_and_is_named(npu: OperatorProcess) -> None:
    npu.home.profile("sim", image=FLM, device_class="npu", env={"STUB_EMBEDDINGS": "500"})
    npu.start()
    degraded = npu.until_phase("npu", "Degraded")
    ready = condition(degraded, "Ready")
    assert (ready["status"], ready["reason"]) == ("False", "RoleFailed")
    assert "embed" in ready["message"]
    npu.until(lambda slots: (slots["stt"]["phase"], slots["embed"]["phase"]) == ("Ready", "Degraded"))
    npu.home.profile("sim", image=FLM, device_class="npu")
    npu.until(lambda slots: len(slots) == 3 and all_ready(slots))
