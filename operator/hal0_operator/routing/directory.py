"""The slots as requests name them; changes only when the home does."""

from collections.abc import Iterable

import msgspec

from hal0_operator.model.device import Device
from hal0_operator.model.launch import Target
from hal0_operator.model.profile import Family
from hal0_operator.model.slot import SlotType
from hal0_operator.runtimes.flm import tag

PREFIX = "hal0/"
"""A slot may be named ``hal0/chat`` too, where a client wants a provider."""


class Listing(msgspec.Struct, frozen=True, kw_only=True):
    """One slot.  ``anchor`` is the NPU chat slot that serves a record, ``""`` where there is none.

    ``upstream_model`` is what the server must be asked for, ``""`` where it takes any name.
    """

    slot: str
    type: SlotType
    device: Device
    family: Family
    model: str = ""
    enabled: bool = True
    is_record: bool = False
    anchor: str = ""
    upstream_model: str = ""

    @property
    def is_npu_chat(self) -> bool:
        return self.device == "npu" and self.type == "llm"


class Directory(msgspec.Struct, frozen=True):
    """``by_model`` holds the slots of a model id, and of the name that its server has for it, sorted."""

    slots: dict[str, Listing] = {}
    by_model: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, targets: Iterable[Target]) -> "Directory":
        """A record whose NPU chat slot is off still names it: whoever asks is told which one to switch on."""
        slots = {target.slot.name: _listing(target) for target in targets}
        chats = sorted(name for name, listing in slots.items() if listing.is_npu_chat)
        for name, listing in slots.items():
            if listing.is_record and not listing.anchor and chats:
                slots[name] = msgspec.structs.replace(listing, anchor=chats[0])
        models: dict[str, list[str]] = {}
        for name in sorted(slots):
            for model in {slots[name].model, slots[name].upstream_model} - {""}:
                models.setdefault(model, []).append(name)
        return cls(slots, {model: tuple(names) for model, names in models.items()})


def _listing(target: Target) -> Listing:
    slot = target.slot
    model = slot.model or ""
    return Listing(
        slot=slot.name,
        type=slot.type,
        device=slot.device,
        family=target.family,
        model=model,
        enabled=slot.enabled,
        is_record=slot.is_shadow,
        anchor=target.anchor,
        upstream_model=tag(model) if target.family == "flm" and model else "",
    )
