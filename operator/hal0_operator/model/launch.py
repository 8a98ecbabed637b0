"""Launch inputs: what the home and the settings say about a slot's container."""

import msgspec

from hal0_operator.model.device import Device
from hal0_operator.model.digest import digest
from hal0_operator.model.profile import EnvValue, Family
from hal0_operator.model.slot import Slot, SlotType


class LaunchInputs(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """Everything that decides a swap, and nothing that the host decides.

    ``flags`` are the profile's after ``{store}`` is filled in, ``extra_args`` the slot's; merging
    them is rendering.  ``port`` is the chosen one.  ``asr`` and ``embed`` are the shadow records
    of an NPU slot.  Add keys with a default only: a default is left out of the digest.
    """

    slot: str
    family: Family
    type: SlotType
    device: Device
    image: str
    port: int
    flags: tuple[str, ...] = ()
    extra_args: tuple[str, ...] = ()
    mtp: bool = False
    mtp_device: str = ""
    model: str = ""
    context_size: int = 0
    n_gpu_layers: int | None = None
    vision: bool = True
    env: dict[str, EnvValue] = {}
    mounts: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    asr: bool = False
    embed: bool = False
    store: str = ""

    @property
    def digest(self) -> str:
        return digest("launch:1", self)


class Target(msgspec.Struct, frozen=True, kw_only=True):
    """What the loop makes real for one slot.

    ``inputs`` is ``None`` for a shadow and until a port is chosen.  ``off`` says why nothing is
    wanted (``""`` when it is): ``disabled``, ``NoModel``, ``shadow``, ``Idle``.  ``anchor`` is the NPU chat slot
    that serves a shadow (``""`` without one).  ``profile`` is the catalogue's entry name, by which
    swaps are sequenced.  ``profile_digest`` identifies that entry's content.
    """

    slot: Slot
    generation: str
    family: Family
    profile: str
    profile_digest: str
    inputs: LaunchInputs | None = None
    digest: str = ""
    off: str = ""
    anchor: str = ""

    @property
    def wanted(self) -> bool:
        return not self.off
