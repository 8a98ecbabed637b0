"""Defaulting: a slot file with the overlay merged in, and every absent key filled.

What is written is never overridden.  Each module here fills one thing.
"""

from hal0_operator.admission.defaults.device import device_of
from hal0_operator.admission.defaults.profile import profile_of
from hal0_operator.admission.defaults.type import type_of
from hal0_operator.admission.merge import Merged
from hal0_operator.model.profile import Profile
from hal0_operator.model.slot import DEFAULT_CONTEXT_SIZE, DeclaredSlot, Slot
from hal0_operator.runtimes import flags

__all__ = ["fill"]


def fill(declared: DeclaredSlot, merged: Merged | None, catalogue: dict[str, Profile]) -> Slot:
    """The slot that a file asks for; ``merged`` replaces enabled, device and model where it is given.

    ``extra_args`` that cannot be split are left out: ``flag.policy`` reports them.
    """
    type = type_of(declared)
    device = device_of(declared, merged)
    enabled = declared.enabled if merged is None else merged.enabled
    return Slot(
        name=declared.name,
        file=declared.file,
        type=type,
        device=device,
        profile=profile_of(declared, type, device, catalogue),
        enabled=True if enabled is None else enabled,
        port=declared.port,
        mtp=declared.mtp,
        image=declared.image,
        idle_timeout_s=declared.idle_timeout_s or 0,
        model=declared.model if merged is None else merged.model,
        context_size=declared.context_size or DEFAULT_CONTEXT_SIZE,
        n_gpu_layers=declared.n_gpu_layers,
        vision=True if declared.vision is None else declared.vision,
        extra_args=_split(declared.extra_args),
        env=declared.env,
        operator=declared.operator,
    )


def _split(text: str | None) -> tuple[str, ...]:
    if not text:
        return ()
    try:
        return flags.split(text)
    except ValueError:
        return ()
