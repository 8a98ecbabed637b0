"""The reconciler: triggers in, one effect per key out, outcomes folded in."""

import msgspec

from hal0_operator.model.action import (
    Create,
    Effect,
    Fault,
    ImagesListed,
    Key,
    KillOrphan,
    List,
    Listed,
    ListImages,
    Outcome,
    Probe,
    Probed,
    Remove,
    Start,
    Stop,
    Store,
)
from hal0_operator.model.memory import LastGood
from hal0_operator.model.world import Container
from hal0_operator.reconcile import runs
from hal0_operator.reconcile.core import IMAGES, LIST, STORE, Core, probe_key, slot_key
from hal0_operator.reconcile.desired import Desired, Wishes
from hal0_operator.reconcile.fold import Desk, fold
from hal0_operator.reconcile.observe import observe
from hal0_operator.reconcile.turn import fresh, probe, turn

STORE_RETRY_S = 5.0
IMAGES_RETRY_S = 1.0
UNSEEN = frozenset({"unreachable", "unknown_outcome"})


class Reconciler(Core):
    """One home's loop.  ``jitter(share)`` answers a factor around 1; times are monotonic seconds.

    The driver's part: perform what ``begin`` answers for each key of ``due``, report each with
    ``end``, cancel the pulls in ``abandoned``, and sleep until ``wake`` or the next trigger.
    """

    # ── triggers: they only say "look again" ───────────────────────────────────────────────────

    def admit(self, desired: Desired, since: int) -> None:
        """A newly admitted state; a changed slot's turn needs a list begun after the tick ``since``.

        That may lie before the admission: at the first look at the changed file.
        """
        gone = self.aims.desired.slots.keys() - desired.slots.keys()
        was_frozen = self.aims.desired.frozen
        changed = self.aims.admit(desired)
        changed |= desired.frozen.keys() ^ was_frozen.keys() | gone
        for slot in changed:
            state = self.state(slot)
            state.need_list = max(state.need_list, since)
            if state.exits_digest != self.digest_of(slot):
                runs.renew(state, self.digest_of(slot))
            if not self._serves(slot):
                self.aims.ready.discard(slot)
            self.touch(slot)
        self.touch_blocked()
        self.remembered()

    def override(self, wishes: Wishes) -> None:
        for slot in self.aims.override(wishes):
            self.touch(slot)
        self.touch_blocked()

    def hint(self, slot: str | None) -> None:
        """Something may have changed; the next turn of the slot (of all) needs a fresh list."""
        for name in self.all_slots() if slot is None else (slot,):
            self.state(name).need_list = self.tick
            self.touch(name)
        self.want_list()

    def images_changed(self) -> None:
        """Some image was tagged, pulled or removed: what is known of them is stale."""
        self.world.images = None
        self.queue.add(IMAGES)

    def died(self, id: str, now: float) -> None:
        """A watched process is gone; known before Podman knows."""
        if self.world.ghosts.pop(id, None) is not None:
            self.touch_blocked()
            return
        container = self.world.containers.get(id)
        if container is None or container.alive is False:
            return
        self.world.put(container.dead())
        slot = self.world.owner(container)
        if not slot:
            self.touch_blocked()
            return
        self.state(slot).facts_for = ""
        if container.state == "running" and runs.died(self.state(slot), self.digest_of(slot), now, self.notes.jitter):
            self.aims.ready.discard(slot)
            self.notes.event("Warning", "Died", slot, f"process {container.pid} of {container.name} ended")
        self.touch(slot)

    def restart(self, slot: str, *, pull: bool = False) -> None:
        """Remove, create and start the same inputs; a second chance for a rejected digest."""
        state = self.state(slot)
        self.notes.remember(slot, self.notes.of(slot).forgiven())
        runs.renew(state, state.exits_digest)
        own = self.world.own(slot)
        state.restart_id = own[0].id if own else ""
        state.pull_again = pull
        self.remembered()
        self.hint(slot)

    # ── driving ────────────────────────────────────────────────────────────────────────────────

    def due(self, now: float) -> list[Key]:
        """Keys that want a turn now.  A slot whose world is too old waits for the list instead."""
        ready: list[Key] = []
        for key in self.queue.take(now):
            if key.lane == "slot" and not fresh(self, key.name):
                self.wait_for_list(key.name)
            elif key.lane != "list":
                ready.append(key)
        if (self.list_wanted or self.waiting_for_list) and not self.queue.is_busy(LIST):
            if self.podman.may_ask(now):
                ready.insert(0, LIST)
            else:
                self.queue.add_at(LIST, self.podman.ask_at)
        return ready

    def wake(self) -> float | None:
        return self.queue.wake()

    def begin(self, key: Key, now: float) -> Effect | None:
        """The one effect that this key needs now, or None; an effect must be answered by ``end``."""
        effect = self._effect(key, now)
        if effect is not None:
            self.queue.busy(key)
            self.tick += 1
            self.begun[key] = (self.tick, now)
            self.starting += isinstance(effect, Create | Start)
        return effect

    def end(self, key: Key, effect: Effect, outcome: Outcome, now: float) -> None:
        """Fold what came of it; the key gets another turn."""
        tick, begun_at = self.begun.pop(key)
        self.tick += 1
        self.queue.done(key)
        self._podman_answered(key, outcome, now)
        match key.lane:
            case "list":
                self._listed(outcome, tick, begun_at, now)
            case "images":
                self._images_listed(outcome, now)
            case "store":
                self._stored(effect, outcome, now)
            case "pull":
                self._pulled(key.name, outcome, now)
            case "probe":
                self._probed(key.name, effect, outcome, now)
            case "slot":
                self._slot_ended(key.name, effect, outcome, now)
        self.remembered()

    def abandoned(self) -> list[Key]:
        """Pulls in flight that no slot wants any longer."""
        return self.pulls.abandoned(self._wanted_images())

    def quiet(self) -> bool:
        """Nothing is left to do but waiting."""
        busy = {key.lane for key in self.begun} & {"slot", "list", "images", "store"}
        waits = self.waiting_for_list or self.waiting_for_images or self.waiting_for_turn
        return not (self.queue.depth() or busy or waits)

    # ── one key's effect ───────────────────────────────────────────────────────────────────────

    def _effect(self, key: Key, now: float) -> Effect | None:
        match key.lane:
            case "list":
                self.list_wanted = False
                return List()
            case "images":
                return ListImages() if not self.podman.down else None
            case "store":
                stale = self.notes.version > self.notes.stored or self.store_error
                return Store(self.notes.memory(), self.notes.version) if stale else None
            case "pull":
                return self.pulls.begin(key.name, self._wanted_images(), now)
            case "probe":
                return probe(self, key.name, now)
            case "slot":
                return turn(self, key.name, now)

    def _wanted_images(self) -> set[str]:
        return {state.wants_image for state in self.states.values() if state.wants_image}

    def _serves(self, slot: str) -> bool:
        own = self.world.own(slot)
        return bool(own) and own[0].digest == self.digest_of(slot)

    # ── outcomes ───────────────────────────────────────────────────────────────────────────────

    def _podman_answered(self, key: Key, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, Fault):
            hung = key.lane == "list" and outcome.kind in UNSEEN
            if key.lane in ("slot", "list", "images") and (outcome.kind == "unreachable" or hung):
                self.podman.failed(outcome.message, now)
                self.want_list()
            return
        if key.lane == "list" and (outage := self.podman.answered(now)):
            self.queue.add(IMAGES)
            for state in self.states.values():
                if state.run is not None and not state.run.ready:
                    state.run.since += outage

    def _listed(self, outcome: Outcome, tick: int, begun_at: float, now: float) -> None:
        if not isinstance(outcome, Listed):
            if not self.podman.down:
                self.podman.failed(outcome.message if isinstance(outcome, Fault) else "no list", now)
            self.want_list()
            return
        first = self.world.images is None and not self.world.containers
        observe(self, outcome.listing, tick, begun_at, now)
        waiting, self.waiting_for_list = self.waiting_for_list, set()
        for slot in waiting:
            self.touch(slot)
        if first and self.world.containers:
            self.queue.add(IMAGES)

    def _images_listed(self, outcome: Outcome, now: float) -> None:
        if isinstance(outcome, ImagesListed):
            self.world.images = outcome.images
            waiting, self.waiting_for_images = self.waiting_for_images, set()
            for slot in waiting:
                self.touch(slot)
        elif not self.podman.down:
            self.queue.add_at(IMAGES, now + IMAGES_RETRY_S)

    def _stored(self, effect: Effect, outcome: Outcome, now: float) -> None:
        """A memory that cannot be written delays nobody: it is tried again, and said."""
        assert isinstance(effect, Store)
        self.store_error = outcome.message if isinstance(outcome, Fault) else ""
        self.notes.stored = effect.version
        if self.store_error:
            self.queue.add_at(STORE, now + STORE_RETRY_S)
        for state in self.states.values():
            if 0 < state.gate <= self.notes.stored:
                state.gate = 0
                self.touch(state.name)

    def _pulled(self, image: str, outcome: Outcome, now: float) -> None:
        fault = outcome.message if isinstance(outcome, Fault) else ""
        again = self.pulls.ended(image, fault, now)
        wanting = [state for state in self.states.values() if state.wants_image == image]
        for state in wanting:
            if not fault:
                state.pull_again = False
                self.notes.event("Normal", "Pulled", state.name, f"image {image} is here")
            else:
                self.notes.event("Warning", "PullFailed", state.name, fault)
        if again is None:
            self.world.images = None
            self.waiting_for_images.update(state.name for state in wanting)
            self.queue.add(IMAGES)
        elif wanting:
            self.queue.add_at(Key("pull", image), again)
        for other in self._wanted_images() - self.pulls.running - {image}:
            self.queue.add_at(Key("pull", other), self.pulls.again_at(other))

    def _probed(self, slot: str, effect: Effect, outcome: Outcome, now: float) -> None:
        state = self.states.get(slot)
        if state is None or state.run is None or not isinstance(effect, Probe) or state.run.id != effect.id:
            return
        if not isinstance(outcome, Probed):
            state.run.next_probe = now + state.run.interval
        else:
            was_ready = state.run.ready
            why = runs.probed(state, outcome.result, now, self.settings.probe)
            if why:
                state.doomed, state.doomed_why = effect.id, why
                self.notes.event("Warning", "Unresponsive", slot, why)
                runs.failed(state, self.digest_of(slot), now, self.notes.jitter, unready=False)
                state.run.ready = False
                self.aims.ready.discard(slot)
            if state.run.ready and not was_ready:
                self._became_ready(slot)
            if why or state.run.ready is not was_ready:
                self.touch(slot)
                self.touch_blocked()
        self.queue.add_at(probe_key(slot), state.run.next_probe)

    def _became_ready(self, slot: str) -> None:
        own = self.world.own(slot)
        if not own:
            return
        container: Container = own[0]
        wanted = self.aims.effective.get(slot)
        self.notes.event("Normal", "Ready", slot, f"{container.name} answers its probe")
        if wanted is None or wanted.digest != container.digest:
            return
        self.aims.ready.add(slot)
        known = self.notes.of(slot)
        good = LastGood(wanted.inputs, container.image_id)
        fields = {"last_good": good, "container": container.id}
        if known.rejected is not None and known.rejected.digest == wanted.digest:
            fields["rejected"] = None
        self.notes.remember(slot, msgspec.structs.replace(known, **fields))

    def _slot_ended(self, slot: str, effect: Effect, outcome: Outcome, now: float) -> None:
        if isinstance(effect, Create | Start):
            self.starting -= 1
            waiting, self.waiting_for_turn = self.waiting_for_turn, {}
            for name in waiting:
                self.touch(name)
        state = self.state(slot)
        if isinstance(effect, Create | Start | Stop | Remove | KillOrphan):
            state.last_write = self.tick
        freed = self.world.freed
        desk = Desk(slot, state, self.world, self.notes, self.digest_of(slot), now, self.tick)
        fold(desk, effect, outcome)
        if state.run is not None and state.run.dead_at is None:
            self.queue.add_at(probe_key(slot), state.run.next_probe)
        if self.world.freed != freed:
            self.touch_blocked()
        self.queue.add(slot_key(slot))
