"""The nodes of GPU and NPU, and who may open them."""

import glob
import grp
import os
import stat
from collections.abc import Iterator

from hal0_operator.cli.diagnosis.finding import Finding, fail, ok, warn

NODES = (
    ("/dev/kfd", "gpu-rocm", "load the amdgpu module; the kernel must be built with KFD"),
    ("/dev/dri/renderD*", "gpu-rocm and gpu-vulkan", "load the GPU's kernel module"),
    ("/dev/accel/accel*", "npu", "load the amdxdna module (kernel 6.14 or later)"),
)


def look() -> Iterator[Finding]:
    for pattern, device, hint in NODES:
        found = sorted(glob.glob(pattern))
        if not found:
            yield ok("devices", f"no {pattern}: slots with device {device} would wait for it ({hint})")
        for path in found:
            yield _judge(path, device)


def _judge(path: str, device: str) -> Finding:
    try:
        node = os.stat(path)
    except OSError as error:
        return fail("devices", f"{path}: {error.strerror}", "check what holds the device")
    if not stat.S_ISCHR(node.st_mode):
        return fail("devices", f"{path} is no character device", "remove it and load the module again")
    mode = stat.S_IMODE(node.st_mode)
    about = f"{path} ({os.major(node.st_rdev)}:{os.minor(node.st_rdev)}, mode {mode:04o}, group {_group(node.st_gid)})"
    if not os.access(path, os.R_OK | os.W_OK):
        return warn(
            "devices",
            f"{about}: present, but not for this user; device {device}",
            f"usermod -aG {_group(node.st_gid)} {_user()}, then log in again",
        )
    if device == "npu" and not mode & stat.S_IROTH and not node.st_gid:
        return warn(
            "devices",
            f"{about}: only root may open it, and FLM's image runs as uid 1000",
            f'a udev rule: SUBSYSTEM=="accel", GROUP="render", MODE="0660"; now: chgrp render {path}',
        )
    return ok("devices", f"{about}: usable for device {device}")


def _group(gid: int) -> str:
    try:
        return grp.getgrgid(gid).gr_name
    except KeyError:
        return str(gid)


def _user() -> str:
    return os.environ.get("USER") or str(os.geteuid())
