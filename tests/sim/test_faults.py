"""Random faults on every call, random changes of home and machine: invariants at every step, then calm."""

import os
import random

import pytest

from tests.sim.faults import Faults
from tests.sim.home import Home, npu, slot
from tests.sim.invariants import Broken, Invariants, converged
from tests.sim.simulator import Simulator

RUNS = int(os.environ.get("RUNS", "60"))
SEED = os.environ.get("SEED")
TROUBLE_STEPS = 12
CALM_S = 700.0
"""Longer than the longest pace after a bad time: five minutes, and the tries before it."""
QUIET_S = 3600.0


def home(rng: random.Random) -> Home:
    slots = {f"s{n}": slot(8101 + n) for n in range(rng.randint(1, 4))}
    if rng.random() < 0.5:
        slots |= {"npu": npu(8110), "npu2": npu(8111, enabled=False)}
    if rng.random() < 0.3:
        slots["any"] = slot()
    return Home(slots)


def trouble(sim: Simulator) -> None:
    """One random event of the machine or of a person."""
    rng = sim.rng
    boxes = list(sim.podman.boxes.values())
    names = sim.home.names()
    match rng.randrange(12):
        case 0 if boxes:
            box = rng.choice(boxes)
            if box.process is not None:
                sim.podman.kill(box.process.pid)
        case 1 if boxes:
            sim.podman.remove(rng.choice(boxes).id, 0)
        case 2 if boxes:
            box = rng.choice(boxes)
            if box.process is not None:
                box.process.monitored = False
                sim.podman.kill(box.process.pid)
        case 3:
            sim.crash()
        case 4 if names:
            name = rng.choice(names)
            if not name.startswith("npu"):
                port = 8101 + rng.randrange(6)
                taken = {f"s{n}" for n in range(4)}
                sim.home.slot(name, slot(port if name in taken else None, context=rng.choice((2048, 4096, 8192))))
                sim.edit()
        case 5:
            sim.home.flags(f"--threads {rng.randint(1, 9)}")
            sim.edit()
        case 6:
            first = rng.random() < 0.5
            if "npu" in names:
                sim.home.slot("npu", npu(8110, enabled=first))
                sim.home.slot("npu2", npu(8111, enabled=not first))
                sim.edit()
        case 7:
            sim.podman.foreign[8101 + rng.randrange(4)] = "nginx (pid 7)"
        case 8:
            sim.missing_models ^= {"m"}
        case 9:
            sim.podman_away = not sim.podman_away
        case 10:
            sim.podman.reboot(modern=rng.random() < 0.5)
            sim.passed.clear()
            sim.boot()
        case 11:
            sim.disk_full = not sim.disk_full
        case _:
            pass


def calm(sim: Simulator) -> None:
    """Faults stop and causes are fixed; nobody restarts the operator."""
    sim.faults.rate = 0
    sim.podman.foreign.clear()
    sim.missing_models.clear()
    sim.podman_away = sim.disk_full = False


def play(seed: int, *, hints: bool = True) -> Simulator:
    rng = random.Random(seed)
    sim = Simulator(home(rng), seed, Faults(rate=rng.choice((0.0, 0.1, 0.3)), hints=hints))
    Invariants(sim)
    for _ in range(TROUBLE_STEPS):
        sim.run(rng.choice((0.05, 0.5, 3, 20)))
        trouble(sim)
    calm(sim)
    sim.run(CALM_S)
    return sim


def check(seed: int, *, hints: bool = True) -> None:
    try:
        sim = play(seed, hints=hints)
    except Broken as broken:
        raise AssertionError(f"SEED={seed}: {broken}") from None
    wrong = converged(sim)
    assert not wrong, f"SEED={seed}: L1: {wrong}\n" + "\n".join(sim.journal[-60:])
    before, effects = sim.actions, sim.effects
    sim.run(QUIET_S)
    assert sim.actions == before, f"SEED={seed}: L2: acts although all is well\n" + "\n".join(sim.journal[-30:])
    assert sim.effects > effects, "the timer still looks"


def seeds() -> list[int]:
    if SEED:
        return [int(SEED) + n for n in range(RUNS)]
    fresh = random.SystemRandom().randrange(1 << 30)
    print(f"fresh seeds from {fresh}")
    return [*range(RUNS), *range(fresh, fresh + max(RUNS // 10, 5))]


@pytest.mark.timeout(3600)
def test_invariants_hold_and_it_converges_under_random_faults():
    for seed in seeds():
        check(seed)


@pytest.mark.timeout(3600)
def test_it_converges_although_every_hint_is_lost():
    for seed in seeds()[: max(RUNS // 3, 5)]:
        check(seed, hints=False)
