"""The deprecated key `backend` stands in a slot file.

`backend` mixed hardware and provider and was replaced by `device`.  Alone it is promoted (vulkan is
gpu-vulkan, rocm is gpu-rocm, flm is npu, moonshine, kokoro and cpu are cpu); beside a `device` that says
something else, the device counts.

Example: `backend = "rocm"` beside `device = "gpu-vulkan"`: the slot runs on Vulkan.

Fix: write `device` and remove `backend`; `hal0ctl migrate` does.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import Case
from hal0_operator.model.device import LEGACY_BACKENDS
from hal0_operator.model.problem import Problem

CODE = "device.legacy_backend"


def check(case: Case) -> Iterator[Problem]:
    backend, device = case.declared.backend, case.declared.device
    promoted = LEGACY_BACKENDS.get(backend) if backend else None
    if promoted is None or promoted == device:
        return
    if device is None:
        effect = f"it is read as device {promoted}"
        hint = f'write `device = "{promoted}"` instead, or run `hal0ctl migrate`'
    else:
        effect = f"device {device} counts"
        hint = "remove it, or run `hal0ctl migrate`"
    yield case.warning(CODE, ("backend",), f'`backend = "{backend}"` is deprecated: {effect}', hint, point="key")
