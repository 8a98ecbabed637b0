"""The device: written, from the overlay, promoted from a legacy ``backend``, or the default."""

from hal0_operator.admission.merge import DEFAULT_DEVICE, Merged, declared_device
from hal0_operator.model.device import Device
from hal0_operator.model.slot import DeclaredSlot


def device_of(declared: DeclaredSlot, merged: Merged | None = None) -> Device:
    """The merged device counts where there is one; ``device`` counts before ``backend``."""
    return (merged.device if merged is not None else None) or declared_device(declared) or DEFAULT_DEVICE
