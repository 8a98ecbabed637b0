"""The slots as requests name them; changes only when the home does."""

from collections.abc import Iterable, Mapping

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

    ``denied`` is why no version of it was ever admitted, ``""`` where one was.  ``type`` is ``None`` where its file
    could not be read; what else it says is without meaning then.
    """

    slot: str
    type: SlotType | None
    device: Device
    family: Family
    model: str = ""
    enabled: bool = True
    is_record: bool = False
    anchor: str = ""
    upstream_model: str = ""
    denied: str = ""

    @property
    def is_npu_chat(self) -> bool:
        return self.device == "npu" and self.type == "llm"


class Directory(msgspec.Struct, frozen=True):
    """``by_model`` holds the slots of a model id, and of the name that its server has for it, sorted."""

    slots: dict[str, Listing] = {}
    by_model: dict[str, tuple[str, ...]] = {}

    @classmethod
    def of(cls, targets: Iterable[Target], denied: Mapping[str, str] = {}) -> "Directory":
        """``denied`` are slots that were never admitted, with the reason; some have a target that stands in.

        A record whose NPU chat slot is off still names it: whoever asks is told which one to switch on.
        """
        slots = {name: _unread(name, why) for name, why in denied.items()}
        slots |= {target.slot.name: _listing(target, denied.get(target.slot.name, "")) for target in targets}
        chats = sorted((bool(listing.denied), name) for name, listing in slots.items() if listing.is_npu_chat)
        for name, listing in slots.items():
            if listing.is_record and not listing.anchor and chats:
                slots[name] = msgspec.structs.replace(listing, anchor=chats[0][1])
        models: dict[str, list[str]] = {}
        for name in sorted(slots):
            for model in {slots[name].model, slots[name].upstream_model} - {""}:
                models.setdefault(model, []).append(name)
        return cls(slots, {model: tuple(names) for model, names in models.items()})


def _unread(slot: str, why: str) -> Listing:
    return Listing(slot=slot, type=None, device="cpu", family="llama-server", denied=why)


def _listing(target: Target, denied: str) -> Listing:
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
        denied=denied,
    )
