"""The reconciler's parts in one place, and the few questions that all of them ask."""

from collections.abc import Callable

from hal0_operator.model.action import Key
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.memory import Memory
from hal0_operator.model.settings import Settings
from hal0_operator.model.world import Container
from hal0_operator.reconcile.aims import Aims
from hal0_operator.reconcile.notes import Notes
from hal0_operator.reconcile.podman_health import PodmanHealth
from hal0_operator.reconcile.pulls import Pulls
from hal0_operator.reconcile.queue import Queue
from hal0_operator.reconcile.state import SlotState, answers
from hal0_operator.reconcile.tally import Tally
from hal0_operator.reconcile.view import View
from hal0_operator.reconcile.world import World

LIST = Key("list")
IMAGES = Key("images")
STORE = Key("store")
LIST_AFTER_START_S = 1.0
"""While others still start, a list waits for their locks and makes them slower; so the new pids are looked at
once no start is in flight, or after this time.  An event tells of a death before."""
START_LIMIT = 4
"""Creates and starts at once: more gains nothing on any Podman."""


def slot_key(slot: str) -> Key:
    return Key("slot", slot)


def probe_key(slot: str) -> Key:
    return Key("probe", slot)


class Core:
    """``tick`` counts beginnings and endings of effects: what is newer than what is decided by it,
    never by a clock.  ``begun`` holds the tick and time at which each key's effect began.
    ``admitted``: the home was read; before, nothing is known to be unwanted.  ``flights`` counts the
    requests in flight by container, where there are any.
    """

    def __init__(self, home: str, settings: Settings, memory: Memory, jitter: Callable[[float], float]) -> None:
        self.settings = settings
        self.world = World(home)
        self.notes = Notes(memory, settings.probe, jitter)
        self.aims = Aims(settings, self.notes)
        self.queue = Queue()
        self.states: dict[str, SlotState] = {}
        self.pulls = Pulls()
        self.podman = PodmanHealth()
        self.tally = Tally()
        self.flights: dict[str, int] = {}
        self.starting = 0
        self.waiting_for_list: set[str] = set()
        self.waiting_for_images: set[str] = set()
        self.waiting_for_turn: dict[str, None] = {}
        self.blocked: set[str] = set()
        self.admitted = False
        self.list_wanted = True
        self.tick = 1
        self.begun: dict[Key, tuple[int, float]] = {}
        self.store_error = ""
        for slot, known in memory.slots.items():
            if known.container:
                self.world.record(known.container, slot)
        self.notes.ports_taken = lambda slot: self.aims.ports_taken(slot) | self.world.ports()
        self.notes.generation_of = lambda slot: self.aims.desired.generations.get(slot, "")
        self.notes.is_rolled_back = self.rolled_back
        self.aims.is_ready = self.is_ready

    def state(self, slot: str) -> SlotState:
        found = self.states.get(slot)
        if found is None:
            found = self.states[slot] = SlotState(slot)
        return found

    def view(self, slot: str, now: float) -> View:
        own = self.world.own(slot)
        return View(
            slot,
            now,
            self.aims.targets.get(slot),
            self.aims.effective.get(slot),
            own,
            self.state(slot),
            self.notes.of(slot),
            self.world,
            self.aims.peers,
            self.settings,
            self.aims.held(slot),
            self.flights.get(own[0].id, 0) if own and self.flights else 0,
            self.aims.drains.get(slot),
        )

    def all_slots(self) -> set[str]:
        return {*self.aims.targets, *self.world.owners(), *self.states}

    def knows(self, slot: str) -> bool:
        return slot in self.aims.targets or slot in self.states or bool(self.world.own(slot))

    def wanted_images(self) -> set[str]:
        """What is pulled for, also while a slot waits for something else too: a pull may take an hour."""
        return {s.wants_image for s in self.states.values() if s.wants_image and self._still_wants(s)}

    def _still_wants(self, state: SlotState) -> bool:
        wanted = self.aims.effective.get(state.name)
        if wanted is None:
            return self.fetches_on(state)
        return wanted.inputs.image == state.wants_image and not self.aims.held(state.name)

    def fetches_on(self, state: SlotState) -> bool:
        """Nobody asks for the slot any more, but its pull has begun: the next request shall find the image here.

        Given up, an image that is slower than the patience of clients would never come.
        """
        target = self.aims.targets.get(state.name)
        if target is None or target.off != "Idle" or target.inputs is None or self.aims.held(state.name):
            return False
        return target.inputs.image == state.wants_image and state.wants_image in self.pulls.running

    def is_ready(self, slot: str) -> bool:
        """A probe passed on the slot's own container, which is of the effective inputs.

        Derived, never kept: the home may change what is effective, to and fro, while a container serves.
        """
        wanted = self.aims.effective.get(slot)
        container = self.serving(slot) if wanted is not None else None
        return container is not None and wanted is not None and container.digest == wanted.digest

    def serving(self, slot: str) -> Container | None:
        """The slot's own container when a probe passed on it, whatever inputs it has."""
        state, own = self.states.get(slot), self.world.own(slot)
        if state is None or not own:
            return None
        return own[0] if answers(state, own[0]) else None

    def rolled_back(self, slot: str) -> bool:
        found = self.aims.effective.get(slot)
        return found is not None and found.rolled_back

    def inputs_of(self, slot: str, digest: str) -> LaunchInputs | None:
        """The inputs behind a running container's digest, as far as they are known."""
        found = self.aims.effective.get(slot)
        if found is not None and found.digest == digest:
            return found.inputs
        good = self.notes.of(slot).last_good
        if good is not None and good.inputs.digest == digest:
            return good.inputs
        return None

    def touch(self, slot: str) -> None:
        """Give the slot a turn."""
        self.queue.add(slot_key(slot))

    def touch_blocked(self) -> None:
        """Something was given up, or is no longer wanted: whoever waits for it looks again."""
        for slot in sorted(self.blocked):
            self.touch(slot)

    def pass_turn(self) -> None:
        """Let whoever waits longest to create or start look whether there is room: one, not all of them."""
        if self.waiting_for_turn and self.starting < START_LIMIT:
            self.touch(next(iter(self.waiting_for_turn)))

    def want_list(self) -> None:
        self.list_wanted = True
        self.queue.add(LIST)

    def wait_for_list(self, slot: str) -> None:
        self.waiting_for_list.add(slot)
        self.want_list()

    def digest_of(self, slot: str) -> str:
        """The effective digest, or the admitted one while nothing is in effect."""
        found = self.aims.effective.get(slot)
        if found is not None:
            return found.digest
        target = self.aims.targets.get(slot)
        return target.digest if target is not None else ""

    def remembered(self) -> None:
        """Take over what was just written into the memory, and have it stored."""
        if self.notes.touched:
            slots, self.notes.touched = self.notes.touched, set()
            for slot in sorted(self.aims.remembered(slots)):
                self.touch(slot)
        if self.notes.version > self.notes.stored:
            self.queue.add(STORE)
        if self.notes.list_wanted_at is not None:
            at, self.notes.list_wanted_at = self.notes.list_wanted_at, None
            if self.starting:
                self.queue.add_at(LIST, at + LIST_AFTER_START_S)
            else:
                self.want_list()
