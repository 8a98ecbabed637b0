"""A device node that the operator's policy does not allow.

Each runtime gets the nodes that it needs from the slot's device.  A profile may name further ones out of its
runtime's own kinds (GPU compute and render nodes, on the NPU the accelerator) and out of `[policy] devices` in
the settings.

Example: `devices = ["/dev/sda"]`.

Fix: remove it, or add the node to `[policy] devices`.
"""

import re
from collections.abc import Iterator

from hal0_operator.admission.view import profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Family, Profile
from hal0_operator.model.settings import Settings

CODE = "device.policy"

_GPU = r"/dev/kfd|/dev/dri/(card|renderD)\d{1,4}"
_OWN: dict[Family, str] = {
    "llama-server": _GPU,
    "comfyui": _GPU,
    "flm": r"/dev/accel/accel\d{1,4}|/dev/dri/renderD\d{1,4}",
    "kokoro": r"(?!)",
}


def check(profile: Profile, settings: Settings) -> Iterator[Problem]:
    own = re.compile(_OWN[profile.family], re.ASCII)
    for index, node in enumerate(profile.devices):
        if own.fullmatch(node) is None and node not in settings.policy.devices:
            yield profile_error(
                profile.name,
                CODE,
                ("devices", str(index)),
                f"profile {profile.name} wants the device node {clipped(node, 80)}, which is not allowed here",
                "remove it, or add it to `[policy] devices` in the settings file",
            )
