"""A device, or a legacy backend, that is none.

The devices are gpu-rocm, gpu-vulkan, cpu and npu.  A typo must not end as a container on the wrong hardware,
so the file is refused.

Example: `device = "gpu-rocn"`.

Fix: write one of the four.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import Case
from hal0_operator.desired.rules import clipped
from hal0_operator.desired.suggest import did_you_mean
from hal0_operator.model.device import DEVICES, LEGACY_BACKENDS
from hal0_operator.model.problem import Problem

CODE = "device.unknown"


def check(case: Case) -> Iterator[Problem]:
    """The device itself is checked while decoding; here the legacy spelling of it."""
    backend = case.declared.backend
    if backend and backend not in LEGACY_BACKENDS:
        message = f"slot {case.slot.name} has the backend {clipped(backend)}, which is none"
        hint = f"remove it and write `device`: {did_you_mean(backend, DEVICES)}"
        yield case.error(CODE, ("backend",), message, hint)
