"""Profiles: reusable container templates, and the runtime family that follows from one."""

from typing import Literal, get_args

import msgspec

from hal0_operator.model.device import DeviceClass, GpuBackend

Family = Literal["llama-server", "flm", "kokoro", "comfyui"]
FAMILIES: tuple[Family, ...] = get_args(Family)

RETIRED_PROFILES: dict[str, str] = {
    "moe-rocmfp4": "rocm",
    "dense-mtp-rocmfp4": "rocm-dnse",
    "rocm-mtp": "rocm-dnse",
    "vulkan-std": "vulkan",
    "flm-npu": "flm",
    "kokoro-cpu": "tts",
}
"""Profile names of older hal0 releases, used where the home does not define them itself."""


class SecretRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="secret"):
    """A value that Podman's own secret store holds."""

    secret: str


class FileRef(msgspec.Struct, frozen=True, forbid_unknown_fields=True, tag="file"):
    """A value that stands in a file below one of the policy's ``secret_dirs``."""

    file: str


EnvValue = str | SecretRef | FileRef


class Bench(msgspec.Struct, frozen=True, omit_defaults=True):
    """Measured figures of a seed: tokens per second, or a real-time factor."""

    tps: float | None = None
    rtf: float | None = None


class Profile(msgspec.Struct, frozen=True, omit_defaults=True, kw_only=True):
    """A profile entry as written, seed or custom.

    ``device_class`` is ``None`` where the file leaves it to the image: read ``klass``.  ``flags`` is
    the text of the file; ``{store}`` in ``flags`` and ``mounts`` stands for the model store.
    """

    name: str
    image: str
    flags: str = ""
    mtp: bool = False
    device_class: DeviceClass | None = None
    backend: GpuBackend | None = None
    cloned_from: str = ""
    intent: str = ""
    quant: str = ""
    bench: Bench = Bench()
    env: dict[str, EnvValue] = {}
    mounts: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    seed: bool = False

    @property
    def family(self) -> Family:
        return family_of(self.image, self.device_class)

    @property
    def klass(self) -> DeviceClass:
        """The device class, written or derived from the family."""
        return self.device_class or CLASS_OF_FAMILY[self.family]


CLASS_OF_FAMILY: dict[Family, DeviceClass] = {
    "llama-server": "gpu",
    "flm": "npu",
    "kokoro": "cpu",
    "comfyui": "img",
}


def family_of(image: str, device_class: DeviceClass | None) -> Family:
    """The runtime family: by class and by the image's last path component, never by name."""
    base = image.split("@", maxsplit=1)[0].rsplit("/", 1)[-1].split(":", maxsplit=1)[0]
    if device_class == "npu" or "flm" in base:
        return "flm"
    if "kokoro" in base:
        return "kokoro"
    if device_class == "img" or "comfyui" in base:
        return "comfyui"
    return "llama-server"
