"""Control groups, limits, inotify: what the kernel lets this process do."""

import ctypes
import errno
import os
import resource
from collections.abc import Iterator
from pathlib import Path

from hal0_operator.cli.diagnosis.finding import Finding, ok, warn

CAP_SYS_RESOURCE = 1 << 24
PODMAN_NOFILE = 1048576
"""Open files that Podman asks for each container as root, unless containers.conf says otherwise."""
PID_MAX = Path("/proc/sys/kernel/pid_max")
CONF_FILES = ("/usr/share/containers/containers.conf", "/etc/containers/containers.conf")


def look() -> Iterator[Finding]:
    yield _cgroups()
    yield _memlock()
    yield _nofile()
    yield _inotify()


def _cgroups() -> Finding:
    root = Path("/sys/fs/cgroup")
    if (root / "cgroup.controllers").exists():
        controllers = (root / "cgroup.controllers").read_text().split()
        return ok("cgroups", f"version 2, controllers: {' '.join(controllers) or 'none'}")
    if (root / "unified" / "cgroup.controllers").exists() or (root / "memory").is_dir():
        hybrid = "both versions mixed" if (root / "unified").is_dir() else "version 1"
        return warn(
            "cgroups", hybrid, "crun refuses a mix: install runc, or boot with systemd.unified_cgroup_hierarchy=1"
        )
    return warn("cgroups", "no control groups are mounted at /sys/fs/cgroup", "Podman needs them: mount cgroup2 there")


def _may_raise_limits() -> bool:
    for line in Path("/proc/self/status").read_text().splitlines():
        if line.startswith("CapEff:"):
            return bool(int(line.split()[1], 16) & CAP_SYS_RESOURCE)
    return False


def _memlock() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_MEMLOCK)[1]
    if hard == resource.RLIM_INFINITY or _may_raise_limits():
        return ok("memlock", "locked memory is not limited for containers")
    return warn(
        "memlock",
        f"containers may lock {hard // 1024} KiB of memory; FLM on the NPU needs more",
        "LimitMEMLOCK=infinity in the unit that starts Podman, or a lower npu_memlock under [devices] in the settings",
    )


def _nofile() -> Finding:
    hard = resource.getrlimit(resource.RLIMIT_NOFILE)[1]
    if _may_raise_limits() or os.geteuid() != 0 or hard >= PODMAN_NOFILE or _names_ulimits():
        return ok("limits", f"open files: {'unlimited' if hard == resource.RLIM_INFINITY else hard}")
    processes = resource.getrlimit(resource.RLIMIT_NPROC)[1]
    most = int(PID_MAX.read_text())
    nproc = most if processes == resource.RLIM_INFINITY else min(processes, most)
    setting = f'default_ulimits = ["nofile={hard}:{hard}", "nproc={nproc}:{nproc}"]'
    return warn(
        "limits",
        f"Podman wants {PODMAN_NOFILE} open files per container, this machine allows {hard} and no raising",
        f"{setting} under [containers] in /etc/containers/containers.conf",
    )


def _names_ulimits() -> bool:
    override = os.environ.get("CONTAINERS_CONF")
    for name in (override,) if override else CONF_FILES:
        try:
            lines = Path(name).read_text(errors="replace").splitlines()
        except OSError:
            continue
        if any(line.lstrip().startswith("default_ulimits") for line in lines):
            return True
    return False


def _inotify() -> Finding:
    libc = ctypes.CDLL(None, use_errno=True)
    descriptor = libc.inotify_init1(os.O_CLOEXEC)
    if descriptor >= 0:
        os.close(descriptor)
        allowed = Path("/proc/sys/fs/inotify/max_user_instances").read_text().strip()
        return ok("inotify", f"{allowed} instances allowed, one could be had")
    code = ctypes.get_errno()
    hint = "sysctl fs.inotify.max_user_instances=1024" if code == errno.EMFILE else "see dmesg"
    return warn("inotify", f"{os.strerror(code)}: edits are seen by the timer only, after up to 30 s", hint)
