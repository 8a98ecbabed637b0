"""What is pure: planning, loading and admitting, and one changed slot among many."""

import time
from collections.abc import Callable, Iterator
from contextlib import contextmanager
from pathlib import Path

import msgspec

from hal0_operator.desired.source import HomeFiles
from hal0_operator.home.read import SETTLE_S, Reader
from hal0_operator.host.fs import HostFs
from hal0_operator.loop.intake import Admission, Intake
from hal0_operator.loop.known import known
from hal0_operator.model import action as a
from hal0_operator.model.facts import HostFacts, ModelFile
from hal0_operator.model.memory import Memory
from hal0_operator.model.probe import ProbeResult
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container, Listing
from hal0_operator.reconcile.plan import plan
from hal0_operator.reconcile.reconciler import Reconciler
from hal0_operator.run import load_seeds
from tests.bench.table import Row

PROFILE = '[profile.bench]\nimage = "localhost/bench:1"\nflags = "--no-mmap --threads 4"\ndevice_class = "cpu"\n'
SLOT = 'device = "cpu"\nprofile = "bench"\nport = {port}\n\n[model]\ndefault = "m.gguf"\ncontext_size = {size}\n'
SETTINGS = Settings()
ANSWERS_AFTER_S = 0.2


class Home:
    """A home of ``count`` slots in ``folder``, with what reads and admits it."""

    def __init__(self, folder: Path, count: int) -> None:
        self.folder, self.count, self.edits, self.now = folder, count, 0, 0.0
        (folder / "slots").mkdir(parents=True)
        (folder / "profiles.toml").write_text(PROFILE)
        for number in range(count):
            (folder / f"slots/s{number}.toml").write_text(SLOT.format(port=10000 + number, size=4096))
        self.reader = Reader(HostFs(), str(folder))
        self.intake = Intake(load_seeds(), SETTINGS, None)
        self.first = self.intake.decide(self.read(), frozenset(), "")
        assert not self.first.problems

    def edit(self) -> None:
        """Give one slot another context size."""
        self.edits += 1
        path = self.folder / f"slots/s{self.edits % self.count}.toml"
        path.write_text(SLOT.format(port=10000 + self.edits % self.count, size=5000 + self.edits))

    def read(self) -> HomeFiles:
        """Both looks that a changed home needs; the pause between them is time that passes by itself."""
        self.now += 1
        self.reader.look(self.now)
        self.now += SETTLE_S
        reading = self.reader.look(self.now)
        assert reading.settled
        return reading.files

    def decide(self) -> Admission:
        return self.intake.decide(self.read(), frozenset(), "")


class Driven:
    """A loop over a Podman that does at once what it is told to; ``told`` hears of every effect."""

    def __init__(self, admission: Admission, settings: Settings = SETTINGS) -> None:
        self.settings = settings
        self.loop = Reconciler("bench", settings, Memory(), lambda _share: 1.0)
        self.told: Callable[[a.Effect], object] = lambda _effect: None
        self.loop.admit(admission.desired, 0)
        self.containers: dict[str, Container] = {}
        self.now = 0.0

    def look(self) -> None:
        """Only the first looks at containers and images."""
        for key in (a.Key("list"), a.Key("images")):
            effect = self.loop.begin(key, self.now)
            assert effect is not None
            self.end(key, effect)

    def converge(self) -> None:
        """Until every slot is Ready."""
        while not all(state.run and state.run.ready for state in self.loop.states.values()) or not self.loop.quiet():
            for key in self.loop.due(self.now):
                effect = self.loop.begin(key, self.now)
                if effect is not None:
                    self.end(key, effect)
            self.now += ANSWERS_AFTER_S

    def end(self, key: a.Key, effect: a.Effect) -> None:
        self.told(effect)
        outcome = self._answer(effect)
        match outcome, effect:
            case a.Created(id), a.Create(spec=spec):
                self.containers[id] = Container(
                    id=id, name=spec.name, state="created", labels=spec.labels, ports=(spec.host_port,)
                )
            case a.Done(), a.Remove(id=id):
                del self.containers[id]
            case a.Done(), a.Start(id=id):
                running = msgspec.structs.replace(self.containers[id], state="running", pid=1, alive=True)
                self.containers[id] = running
        self.loop.end(key, effect, outcome, self.now)
        if isinstance(effect, a.Remove):
            self.loop.died(effect.id, self.now)

    def _answer(self, effect: a.Effect) -> a.Outcome:
        match effect:
            case a.List():
                return a.Listed(Listing(tuple(self.containers.values())))
            case a.ListImages():
                return a.ImagesListed({target.inputs.image: "image" for target in self.loop.aims.targets.values()})
            case a.Create(spec=spec):
                return a.Created(f"id-of-{spec.name}")
            case a.Check(needs=needs):
                return a.Checked(HostFacts(model=ModelFile(f"{self.settings.model_store}/{needs.model}")))
            case a.Probe():
                return a.Probed(ProbeResult("passed"))
            case _:
                return a.Done()


def plans(folder: Path, count: int, rounds: int, target: float) -> Iterator[Row]:
    """A plan of everything, with nothing to do and with everything to do, from a loop that knows the world."""
    home = Home(folder, count)
    settled, absent = Driven(home.first), Driven(home.first)
    settled.converge()
    absent.look()
    for name, driven, actions in (("settled", settled, 0), ("absent", absent, 2 * count)):
        times = []
        for _ in range(rounds):
            with timed(times):
                found = plan(driven.loop, lambda effect: known(driven.loop, effect), driven.now)  # noqa: B023
            assert len(found.actions) == actions, (len(found.actions), found.held[:1])
        yield Row(f"plan of {count:,} slots, all {name}", "ms", times, target, f"{actions:,} actions")


def load_and_admit(folder: Path, count: int, rounds: int, target: float | None = None) -> Row:
    home, times = Home(folder, count), []
    for _ in range(rounds):
        home.edit()
        with timed(times):
            found = home.decide()
        assert not found.problems
    return Row(f"one changed file of {count:,}: load + admit", "ms", times, target, "both looks, read, decode, admit")


def one_changed(folder: Path, count: int, rounds: int) -> Row:
    """From an admitted home with one changed slot to the loop's next effect; the list that comes between is not ours."""
    home = Home(folder, count)
    driven, times = Driven(home.first), []
    driven.converge()
    for _ in range(rounds):
        home.edit()
        found = home.decide()
        with timed(times):
            driven.loop.admit(found.desired, 0)
            due = [(key, driven.loop.begin(key, driven.now)) for key in driven.loop.due(driven.now)]
        begun = [(key, effect) for key, effect in due if effect is not None]
        assert [key.lane for key, _ in begun] == ["slot"]
        driven.end(*begun[0])
        driven.converge()
    return Row(f"one changed slot of {count:,}: admitted → its next effect", "ms", times)


@contextmanager
def timed(times: list[float]) -> Iterator[None]:
    begun = time.perf_counter()
    yield
    times.append((time.perf_counter() - begun) * 1000)
