"""Devices: hardware intent, and what follows from it."""

from typing import Literal, get_args

Device = Literal["gpu-rocm", "gpu-vulkan", "cpu", "npu"]
DeviceClass = Literal["gpu", "cpu", "npu", "img"]
GpuBackend = Literal["rocm", "vulkan"]
Backend = Literal["rocm", "vulkan", "cpu", "flm"]

DEVICES: tuple[Device, ...] = get_args(Device)
DEVICE_CLASSES: tuple[DeviceClass, ...] = get_args(DeviceClass)

BACKEND_OF: dict[Device, Backend] = {
    "gpu-rocm": "rocm",
    "gpu-vulkan": "vulkan",
    "cpu": "cpu",
    "npu": "flm",
}
"""What status reports as the backend: it always follows the device."""

LEGACY_BACKENDS: dict[str, Device] = {
    "vulkan": "gpu-vulkan",
    "rocm": "gpu-rocm",
    "flm": "npu",
    "moonshine": "cpu",
    "kokoro": "cpu",
    **{device: device for device in DEVICES},
}
"""hal0's deprecated ``backend`` values and the device that each one meant."""

DEFAULT_PROFILE: dict[Device, str] = {
    "gpu-rocm": "rocm",
    "gpu-vulkan": "vulkan",
    "cpu": "tts",
    "npu": "flm",
}
