"""Two enabled slots have one port, or a slot has the operator's own.

Each container publishes its slot's port on the loopback address, and a port has one listener.  Records that
ride in the NPU slot's process have no container and may repeat any port; so may slots that are switched off.

Example: `port = 8083` in `slots/embed.toml` and in `slots/rerank.toml`.

Fix: change one of them, or leave `port` out: a free one is chosen and kept.
"""

from collections.abc import Iterator

from hal0_operator.admission.coherence import has_container
from hal0_operator.admission.view import View
from hal0_operator.model.problem import Problem, slot_key
from hal0_operator.model.slot import Slot

CODE = "port.conflict"

_HINT = "change one of them, or leave `port` out to have a free one chosen"


def check(view: View) -> Iterator[Problem]:
    own = view.context.settings.listen_port
    by_port: dict[int, list[Slot]] = {}
    for slot in view.slots.values():
        if slot.port is not None and slot.enabled:
            by_port.setdefault(slot.port, []).append(slot)
    for port, rivals in by_port.items():
        if port != own and len(rivals) < 2:
            continue
        holders = sorted((s for s in rivals if has_container(s, view.catalogue.get(s.profile))), key=lambda s: s.name)
        if port == own:
            yield from (_taken_by_operator(view, slot) for slot in holders)
        if len(holders) > 1:
            yield from (_shared(view, slot, holders) for slot in holders)


def _taken_by_operator(view: View, slot: Slot) -> Problem:
    message = f"slot {slot.name} has port {slot.port}, on which the operator itself listens"
    hint = "change it, leave `port` out to have a free one chosen, or set `listen` in the settings"
    return view.case(slot).error(CODE, ("port",), message, hint)


def _shared(view: View, slot: Slot, holders: list[Slot]) -> Problem:
    others = ", ".join(f"{other.name} ({other.file})" for other in holders if other is not slot)
    message = f"slot {slot.name} has port {slot.port}, and so has {others}"
    return view.case(slot).error(CODE, ("port",), message, _HINT, parties=tuple(slot_key(s.name) for s in holders))
