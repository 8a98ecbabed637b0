"""Capabilities: the overlay's groups and children, and the slot that each is bound to."""

import msgspec

from hal0_operator.model.device import Device
from hal0_operator.model.slot import SlotType


class Child(msgspec.Struct, frozen=True):
    """One child of a group: its default slot, and the type of the slot that serves it."""

    group: str
    name: str
    slot: str
    type: SlotType

    @property
    def dotted(self) -> str:
        return f"{self.group}.{self.name}"


CHILDREN: dict[str, Child] = {
    child.dotted: child
    for child in (
        Child("embed", "embed", "embed", "embedding"),
        Child("embed", "rerank", "embed-rerank", "reranking"),
        Child("voice", "stt", "stt", "transcription"),
        Child("voice", "tts", "tts", "tts"),
        Child("img", "img", "img", "image"),
        Child("vision", "vision", "vision", "llm"),
    )
}
GROUPS: tuple[str, ...] = tuple(dict.fromkeys(child.group for child in CHILDREN.values()))


class Selection(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """An overlay entry as written; ``None`` means absent or blank (``""``)."""

    group: str
    child: str
    enabled: bool | None = None
    device: Device | None = None
    model: str | None = None
    provider: str | None = None

    @property
    def dotted(self) -> str:
        return f"{self.group}.{self.child}"

    @property
    def is_blank(self) -> bool:
        """No opinion: hal0 writes such rows for every child, switched off and empty."""
        return not self.enabled and self.device is None and self.model is None
