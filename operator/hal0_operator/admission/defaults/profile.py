"""The profile: written, a retired name's successor, by type and device, or following a merged device."""

from collections.abc import Mapping

from hal0_operator.admission.coherence import default_profile, fits
from hal0_operator.admission.defaults.device import device_of
from hal0_operator.model.device import Device
from hal0_operator.model.profile import RETIRED_PROFILES, Profile
from hal0_operator.model.slot import DeclaredSlot, SlotType


def profile_of(declared: DeclaredSlot, type: SlotType, device: Device, catalogue: Mapping[str, Profile]) -> str:
    """The catalogue's name for a slot's profile; an unknown name is answered as it is written.

    ``device`` is the merged one.  When the overlay moved the slot to it, a profile that does not fit
    there gives way to the default; against the file's own device it stays, and is refused.
    """
    if declared.profile is None:
        return default_profile(type, device)
    name = resolve(declared.profile, catalogue)
    if device != device_of(declared):
        profile = catalogue.get(name)
        if profile is not None and not fits(device, profile):
            return default_profile(type, device)
    return name


def resolve(name: str, catalogue: Mapping[str, Profile]) -> str:
    """A retired name's successor, where the home does not define that name itself."""
    return name if name in catalogue else RETIRED_PROFILES.get(name, name)
