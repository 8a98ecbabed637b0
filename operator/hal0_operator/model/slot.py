"""Slots: as a file declares them, and with every default filled in."""

from typing import Literal, get_args

import msgspec

from hal0_operator.model.device import BACKEND_OF, Backend, Device
from hal0_operator.model.profile import EnvValue

SlotType = Literal["llm", "embedding", "reranking", "transcription", "tts", "image"]
SLOT_TYPES: tuple[SlotType, ...] = get_args(SlotType)
Load = Literal["always", "on-demand"]

NAME_PATTERN = r"^[a-z0-9][a-z0-9_-]{0,31}$"
"""Of slot names and of profile names."""

TYPE_BY_NAME: dict[str, SlotType] = {
    "embed": "embedding",
    "embed-rerank": "reranking",
    "rerank": "reranking",
    "stt": "transcription",
    "tts": "tts",
    "img": "image",
}
"""The type of a slot whose file names none; any other name is an ``llm``."""

PROFILE_BY_TYPE: dict[SlotType, str] = {"image": "comfyui", "tts": "tts"}
"""Types whose default profile does not depend on the device."""

PORTS = range(8081, 8201)
"""Where the port of a slot that names none is chosen."""

DEFAULT_CONTEXT_SIZE = 8192
MIN_CONTEXT_SIZE = 128


class SlotKeys(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """The keys of ``[operator]``: the operator's own settings of one slot."""

    suspend: bool = False
    load: Load = "always"
    ready_timeout_s: float | None = None


class DeclaredSlot(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A slot file as written; ``None`` means that the key is absent.

    ``nested`` tells that the scalars stand under ``[slot]``.  ``ignored`` are dotted keys that
    hal0 knew and that have no effect here.  ``backend`` is the legacy key as written.
    ``extra_args`` is the text of ``[server] extra_args``.  ``npu_asr`` and ``npu_embed`` are the
    legacy ``[npu]`` table.
    """

    name: str
    file: str
    nested: bool = False
    type: SlotType | None = None
    device: Device | None = None
    backend: str | None = None
    profile: str | None = None
    enabled: bool | None = None
    port: int | None = None
    mtp: bool | None = None
    image: str | None = None
    idle_timeout_s: float | None = None
    model: str | None = None
    context_size: int | None = None
    n_gpu_layers: int | None = None
    vision: bool | None = None
    extra_args: str | None = None
    env: dict[str, EnvValue] = {}
    npu_asr: bool | None = None
    npu_embed: bool | None = None
    operator: SlotKeys = SlotKeys()
    ignored: tuple[str, ...] = ()


class Slot(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A slot with the overlay merged in and every default filled.

    ``port`` stays ``None`` where the loop is to choose one.  ``profile`` is the catalogue's name
    (retired names are mapped).
    """

    name: str
    file: str
    type: SlotType
    device: Device
    profile: str
    enabled: bool = True
    port: int | None = None
    mtp: bool | None = None
    image: str | None = None
    idle_timeout_s: float = 0
    model: str | None = None
    context_size: int = DEFAULT_CONTEXT_SIZE
    n_gpu_layers: int | None = None
    vision: bool = True
    extra_args: tuple[str, ...] = ()
    env: dict[str, EnvValue] = {}
    operator: SlotKeys = SlotKeys()

    @property
    def backend(self) -> Backend:
        return BACKEND_OF[self.device]

    @property
    def is_shadow(self) -> bool:
        """A record on the NPU without a container of its own; never decided by name."""
        return self.device == "npu" and self.type in ("transcription", "embedding")

    @property
    def is_npu_chat(self) -> bool:
        return self.device == "npu" and self.type == "llm"
