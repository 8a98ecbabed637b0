"""The running operator: what the surfaces ask, answered from memory; what people wish, as hints."""

import difflib
from collections.abc import AsyncIterator, Callable
from typing import Any

import msgspec

from hal0_operator.changes.wish import Wish
from hal0_operator.loop.container_logs import ContainerLogs
from hal0_operator.loop.drive import Drive
from hal0_operator.loop.event_log import EventLog
from hal0_operator.loop.home_watch import HomeWatch
from hal0_operator.loop.known import known
from hal0_operator.loop.remote import Remote
from hal0_operator.loop.statuses import Statuses
from hal0_operator.loop.store import StateDir
from hal0_operator.loop.view import Change, Figures, GatewayFigures, Refused, SlotDetail, UnknownSlot
from hal0_operator.model.capability import CHILDREN
from hal0_operator.model.memory import Override, Overrides
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.status import Event, HeldSlot, Plan, SlotStatus, SourceStatus
from hal0_operator.reconcile.desired import Desired
from hal0_operator.reconcile.plan import plan
from hal0_operator.runtimes import family
from hal0_operator.seams.clock import Clock


class RunningOperator:
    """Implements ``loop.view.Operator`` over the parts that ``run`` put together."""

    def __init__(
        self, drive: Drive, home: HomeWatch, statuses: Statuses, log: EventLog, state: StateDir, clock: Clock
    ) -> None:
        self._drive = drive
        self._reconciler = drive.reconciler
        self._home = home
        self._statuses = statuses
        self._log = log
        self._state = state
        self._clock = clock
        self._logs = ContainerLogs(drive)
        self.overrides = state.overrides()
        self.gateway: Callable[[], GatewayFigures] = GatewayFigures
        self.remote: Remote | None = None

    # ── reads ──────────────────────────────────────────────────────────────────────────────────

    def slots(self) -> tuple[SlotStatus, ...]:
        return self._statuses.all()

    def detail(self, slot: str) -> SlotDetail:
        status = self._statuses.one(slot)
        if status is None:
            raise self._unknown(slot)
        override = self.overrides.suspended.get(slot)
        exit = self._reconciler.notes.of(slot).last_exit
        file = f"slots/{slot}.toml"
        return SlotDetail(
            status=status,
            argv=self._argv(slot),
            problems=tuple(p for p in self._home.source.problems if p.file == file),
            last_exit_lines=exit.lines if exit is not None else (),
            suspended_by=f"{override.by} since {override.since} {override.reason}".rstrip() if override else "",
            events=tuple(e for e in self._log.all() if e.slot == slot)[-20:],
        )

    def plan(self) -> Plan:
        found = self._plan(None)
        pruning = self._home.source.pruning
        held = tuple(HeldSlot(name, "PruneHeld", pruning.why) for name in sorted(pruning.slots))
        return msgspec.structs.replace(found, held=(*held, *found.held))

    def _plan(self, desired: Desired | None) -> Plan:
        """Of the state in force, or of one that is proposed."""
        core = self._reconciler
        return plan(core, lambda effect: known(core, effect), self._clock.monotonic(), desired)

    def profiles(self) -> dict[str, Profile]:
        return dict(self._reconciler.aims.desired.catalogue)

    def problems(self) -> tuple[Problem, ...]:
        return self._home.source.problems

    def source(self) -> SourceStatus:
        return self._home.source.status()

    def events(self) -> tuple[Event, ...]:
        return self._log.all()

    def follow(self) -> AsyncIterator[Event]:
        return self._log.follow()

    def changes(self) -> AsyncIterator[None]:
        return self._statuses.changes()

    def capabilities(self) -> dict[str, Any]:
        """``{"selections": {GROUP: {CHILD: {...}}}}``: what is in force, with the serving slot's phase."""
        found: dict[str, dict[str, Any]] = {}
        selections = self._home.source.selections
        for child in CHILDREN.values():
            chosen = selections.get(child.dotted)
            slot = self._home.source.serving(child)
            status = self._statuses.one(slot)
            found.setdefault(child.group, {})[child.name] = {
                "enabled": status.enabled if status else bool(chosen and chosen.enabled),
                "device": status.device if status else chosen.device if chosen else None,
                "model": status.model if status else chosen.model if chosen else None,
                "provider": chosen.provider if chosen else None,
                "slot": slot,
                "phase": status.phase if status else None,
            }
        return {"selections": found}

    def figures(self) -> Figures:
        reconciler, hands = self._reconciler, self._drive.hands
        age = self._clock.monotonic() - reconciler.world.begun_at if reconciler.world.tick else 0.0
        states = reconciler.states.values()
        return Figures(
            reconcile={(result,): count for result, count in reconciler.tally.turns.items()},
            reconcile_seconds=self._drive.seconds,
            queue_depth=reconciler.queue.depth(),
            retries=sum(state.restarts for state in states),
            denials=dict(self._home.source.denials),
            change_sets=self._home.change_sets,
            podman_calls=dict(hands.calls),
            podman_seconds=dict(hands.seconds),
            world_age_seconds=age,
            drift_repaired={(kind,): count for kind, count in reconciler.tally.repaired.items()},
            gateway=self.gateway(),
            source=self.remote.figures() if self.remote is not None else None,
            time_to_ready={(s.name,): s.time_to_ready for s in states if s.time_to_ready is not None},
        )

    def settled(self) -> bool:
        return self._home.settled()

    def unready(self) -> str:
        if self._reconciler.podman.down:
            return f"Podman does not answer: {self._reconciler.podman.down}"
        if not self._reconciler.world.tick:
            return "Podman was not looked at yet"
        return "" if self._home.source.read else "the home was not read yet"

    # ── wishes ─────────────────────────────────────────────────────────────────────────────────

    def trigger(self) -> None:
        self._home.hint()
        self._reconciler.hint(None)
        self._drive.wake()

    async def fresh(self) -> None:
        await self._home.fresh()
        await self._drive.quiet()

    async def change(self, wish: Wish, by: str, *, dry_run: bool) -> Change:
        pending = frozenset(self.plan().actions)

        def follows_of(desired: Desired) -> Plan:
            """What was to be done anyway does not follow from the wish."""
            found = self._plan(desired)
            return msgspec.structs.replace(found, actions=tuple(a for a in found.actions if a not in pending))

        written, follows = await self._home.change(wish, by, follows_of, dry_run=dry_run)
        return Change(written, follows, self._home.source.digest)

    def suspend(self, slot: str, by: str, reason: str) -> None:
        self._known(slot)
        self.override(suspended={**self.overrides.suspended, slot: Override(by, self._clock.wall(), reason)})
        self._log.add("Normal", "Suspended", slot, f"by {by}" + (f": {reason}" if reason else ""))

    def resume(self, slot: str) -> str:
        if slot not in self.overrides.suspended:
            self._known(slot)
        left = {name: o for name, o in self.overrides.suspended.items() if name != slot}
        self.override(suspended=left)
        target = self._reconciler.aims.targets.get(slot)
        if target is not None and target.slot.operator.suspend:
            return f"{target.slot.file} still suspends it: remove `suspend = true` from its [operator] table"
        self._log.add("Normal", "Resumed", slot, "")
        return ""

    def approve_prune(self) -> str:
        if not self._home.source.pruning.slots:
            raise Refused("prune.nothing_held", "nothing is held by the prune guard")
        self.override(prune_approved=self._home.source.digest)
        self._home.hint()
        return ", ".join(sorted(self._home.source.pruning.slots))

    def restart(self, slot: str, pull: bool) -> str:
        target = self._reconciler.aims.targets.get(slot)
        if target is None:
            raise self._unknown(slot)
        if target.off == "shadow":
            raise Refused(
                "slot.shadow", f"{slot} has no container of its own: restart {target.anchor or 'the NPU slot'}"
            )
        if (held := self._reconciler.aims.held(slot)) is not None:
            raise Refused("slot.suspended", f"{slot} is left alone: {held.message}")
        self._reconciler.restart(slot, pull=pull)
        found = "" if target.wanted else self._nothing_to_restart(slot, target.off, pull)
        first = "its image is fetched, then " if pull else ""
        own = self._reconciler.world.own(slot)
        follows = f"{own[0].name} is replaced" if own else "its container is created"
        self._log.add("Normal", "RestartAsked", slot, found or first + follows)
        self._drive.wake()
        return found

    def _nothing_to_restart(self, slot: str, off: str, pull: bool) -> str:
        if off == "Idle":
            follows = "pulls and starts" if pull else "starts"
            return f"{slot} is idle: there is nothing to restart; its next request {follows} it"
        status = self._statuses.one(slot)
        ready = status.condition("Ready") if status is not None else None
        why = f" ({ready.message})" if ready is not None and ready.message else ""
        return f"{slot} is off{why}: there is nothing to restart"

    def restart_outdated(self) -> tuple[str, ...]:
        names = tuple(
            s.name for s in self.slots() if s.condition("Outdated") and not self._reconciler.aims.held(s.name)
        )
        for name in names:
            self.restart(name, pull=False)
        return names

    async def logs(self, slot: str, lines: int, previous: bool) -> tuple[str, ...]:
        if previous:
            return self._logs.previous(slot, lines)
        self._known(slot)
        return await self._logs.last(slot, lines)

    def follow_logs(self, slot: str, lines: int) -> AsyncIterator[str]:
        self._known(slot)
        return self._logs.follow(slot, lines)

    # ── parts ──────────────────────────────────────────────────────────────────────────────────

    def override(self, **changes: Any) -> None:
        """Store ``Overrides`` with these fields changed, and act on them.  Raises ``Refused``."""
        overrides: Overrides = msgspec.structs.replace(self.overrides, **changes)
        try:
            self._state.write_overrides(overrides)
        except OSError as failed:
            raise Refused("state.unwritable", f"{failed.filename}: {failed.strerror}; nothing was changed") from failed
        self.overrides = overrides
        self._reconciler.override(msgspec.structs.replace(self._reconciler.aims.wishes, suspended=overrides.suspended))
        self._statuses.stale(None)
        self._drive.wake()

    def forget_overrides(self) -> None:
        """The home changed: a deleted slot's suspension ends, and an approval was of the home as it was then.

        A slot that a revision lacks to which a person went back was not deleted.
        """
        aims, before, source = self._reconciler.aims, self.overrides, self._home.source
        kept = bool(source.pruning.slots) or not source.newest()
        known = {*before.suspended} if kept else {*aims.targets, *aims.desired.frozen}
        left = {name: o for name, o in before.suspended.items() if name in known}
        approved = before.prune_approved if before.prune_approved == source.digest else ""
        if (left, approved) == (before.suspended, before.prune_approved):
            return
        try:
            self.override(suspended=left, prune_approved=approved)
        except Refused as refused:
            self._log.add("Warning", "StateUnwritable", "", str(refused))
            return
        for name in sorted(before.suspended.keys() - left.keys()):
            self._log.add("Normal", "Resumed", name, "its file is gone, which ends the suspension")

    def _argv(self, slot: str) -> tuple[tuple[str, str], ...]:
        found, target = self._reconciler.aims.effective.get(slot), self._reconciler.aims.targets.get(slot)
        if found is None or target is None:
            return ()
        facts = self._reconciler.state(slot).facts
        model = facts.model if facts is not None and facts.model is not None else None
        path, projector = (model.path, model.projector) if model is not None else ("", "")
        return family(found.inputs.family).argv(found.inputs, path, projector, target.profile)

    def _known(self, slot: str) -> None:
        if self._statuses.one(slot) is None:
            raise self._unknown(slot)

    def _unknown(self, slot: str) -> UnknownSlot:
        names = [s.name for s in self.slots()]
        near = difflib.get_close_matches(slot, names, 1)
        hint = f"did you mean {near[0]}?" if near else f"there are: {', '.join(names) or 'none'}"
        return UnknownSlot(f"no slot {slot}: {hint}")
