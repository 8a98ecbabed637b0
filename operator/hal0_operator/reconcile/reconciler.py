"""The reconciler: triggers in, one effect per key out, outcomes folded in."""

from hal0_operator.model.action import (
    Create,
    Effect,
    Key,
    List,
    ListImages,
    Outcome,
    Remove,
    Start,
    Stop,
    Store,
)
from hal0_operator.reconcile import outcomes, runs
from hal0_operator.reconcile.core import IMAGES, LIST, Core
from hal0_operator.reconcile.desired import Desired, Wishes
from hal0_operator.reconcile.turn import fresh, probe, turn


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
        if not self.admitted:
            self.admitted = True
            changed |= self.all_slots() | self.notes.slots.keys()
        for slot in sorted(changed):
            state = self.state(slot)
            state.need_list = max(state.need_list, since)
            if state.exits_digest != self.digest_of(slot):
                runs.renew(state, self.digest_of(slot))
            self.touch(slot)
        self.touch_blocked()
        self.remembered()

    def override(self, wishes: Wishes) -> None:
        for slot in sorted(self.aims.override(wishes)):
            self.touch(slot)
        self.touch_blocked()

    def hint(self, slot: str | None) -> None:
        """Something may have changed; the next turn of the slot (of all) needs a fresh list.

        A slot that waits for its list already does not wait longer: after that turn comes another, with a newer one.
        """
        for name in sorted(self.all_slots()) if slot is None else (slot,):
            state = self.state(name)
            state.hinted = self.tick
            if fresh(self, name):
                state.need_list = self.tick
            self.touch(name)
        self.want_list()

    def name_freed(self, slot: str) -> None:
        """A container that is not ours let go of a name: a slot that waits for that name asks again."""
        state = self.states.get(slot)
        if state is not None and state.ask_name:
            state.holders = None
            self.touch(slot)

    def images_changed(self) -> None:
        """Some image was tagged, pulled or removed: what is known of them is stale."""
        self.world.distrust_images(self.tick)
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
        if id in self.aims.ending:
            return
        if container.state == "running" and runs.died(self.state(slot), container.digest, now, self.notes.jitter):
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

    def traffic(self, slot: str, container: str, count: int) -> None:
        """So many requests are in flight in this container of the slot now."""
        if count:
            self.flights[container] = count
        else:
            self.flights.pop(container, None)
        drain = self.aims.drains.get(slot)
        if drain is not None and drain.container == container:
            self.touch(slot)

    def answered(self, slot: str, container: str, now: float) -> None:
        """A byte of an answer came from this container."""
        state = self.states.get(slot)
        if state is not None and runs.heard(state, container, now):
            self.touch(slot)

    def unanswered(self, slot: str, container: str, now: float) -> None:
        """A request had its time there, and no answer."""
        outcomes.unanswered(self, slot, container, now)

    def draining(self, slot: str) -> bool:
        """The slot's container is about to go, or may be going: it is sent no new requests."""
        drain, own = self.aims.drains.get(slot), self.world.own(slot)
        return drain is not None and bool(own) and own[0].id == drain.container

    # ── driving ────────────────────────────────────────────────────────────────────────────────

    def due(self, now: float) -> list[Key]:
        """Keys that want a turn now.  A slot whose world is too old waits for the list instead."""
        ready: list[Key] = []
        for key in self.queue.take(now):
            if key.lane == "slot" and not fresh(self, key.name):
                self.wait_for_list(key.name)
            elif key.lane == "list":
                self.list_wanted = True
            else:
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
        if key.lane == "slot":
            self._look_again(key.name)
        effect = self._effect(key, now)
        if effect is not None:
            self.queue.busy(key)
            self.tick += 1
            self.begun[key] = (self.tick, now)
            self.starting += isinstance(effect, Create | Start)
            if isinstance(effect, Remove | Stop):
                self.aims.ending.add(effect.id)
        return effect

    def end(self, key: Key, effect: Effect, outcome: Outcome, now: float) -> None:
        """Fold what came of it; the key gets another turn."""
        tick, begun_at = self.begun.pop(key)
        self.tick += 1
        self.queue.done(key)
        if isinstance(effect, Remove | Stop):
            self.aims.ending.discard(effect.id)
        outcomes.podman_answered(self, key, outcome, now)
        match key.lane:
            case "list":
                outcomes.listed(self, outcome, tick, begun_at, now)
            case "images":
                outcomes.images_listed(self, outcome, tick, now)
            case "store":
                outcomes.stored(self, effect, outcome, now)
            case "pull":
                outcomes.pulled(self, key.name, outcome, now)
            case "probe":
                outcomes.probed(self, key.name, effect, outcome, tick, now)
            case "slot":
                outcomes.slot_ended(self, key.name, effect, outcome, now)
        self.remembered()

    def abandoned(self) -> list[Key]:
        """Pulls in flight that no slot wants any longer."""
        return self.pulls.abandoned(self.wanted_images()) if self.pulls.running else []

    def quiet(self) -> bool:
        """Nothing is left to do but waiting."""
        busy = {key.lane for key in self.begun} & {"slot", "list", "images", "store"}
        waits = self.waiting_for_list or self.waiting_for_images or self.waiting_for_turn
        return not (self.queue.depth() or busy or waits)

    def _look_again(self, slot: str) -> None:
        """After this turn another, when the slot was hinted since the list began that the turn goes by."""
        state = self.states.get(slot)
        if state is not None and state.hinted >= self.world.tick:
            state.need_list = state.hinted
            self.touch(slot)

    # ── one key's effect ───────────────────────────────────────────────────────────────────────

    def _effect(self, key: Key, now: float) -> Effect | None:
        match key.lane:
            case "list":
                self.list_wanted = False
                self.queue.forget(LIST)
                return List()
            case "images":
                return ListImages() if not self.podman.down else None
            case "store":
                stale = self.notes.version > self.notes.stored or self.store_error
                return Store(self.notes.memory(), self.notes.version) if stale else None
            case "pull":
                return self.pulls.begin(key.name, self.wanted_images(), now)
            case "probe":
                return probe(self, key.name, now)
            case "slot":
                # until the home was read, a container without a file is no unwanted one
                return turn(self, key.name, now) if self.admitted else None
