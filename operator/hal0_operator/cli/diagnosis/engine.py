"""Podman: the program, its service, how it runs containers, and which of them stand in the way."""

import os
import re
import shutil
import socket
from collections.abc import Iterator
from typing import Any

from hal0_operator.cli.diagnosis.command import say
from hal0_operator.cli.diagnosis.finding import Finding, fail, ok, warn
from hal0_operator.cli.options import Paths
from hal0_operator.model.container import LABEL_MANAGED, MANAGED_BY
from hal0_operator.model.userinfo import starred

OLDEST = (4, 3)
"""Debian 12's; older ones lack parts of the API that the loop relies on."""

HAL0_NAME = re.compile(r"^hal0-slot-.+")
"""Containers of hal0's own slot manager."""


def podman(paths: Paths) -> list[str]:
    """The command for the same Podman that the operator would use."""
    return ["podman", "--url", paths.podman_url] if paths.podman_url else ["podman"]


def look(paths: Paths) -> Iterator[Finding]:
    if shutil.which("podman") is None:
        yield fail("podman", "podman is not in PATH", "apt-get install podman netavark")
        return
    said = say([*podman(paths), "info", "--format", "json"])
    info = said.json()
    if said.error or not isinstance(info, dict):
        hint = "see what `podman info` says; --podman-url names another service"
        yield fail("podman", said.error or "podman info gave no JSON", hint)
        return
    yield _version(info)
    yield _service(paths)
    yield from _runtime(info)
    yield from containers(paths)


def _version(info: dict[str, Any]) -> Finding:
    version = str((info.get("version") or {}).get("Version", ""))
    numbers = tuple(int(part) for part in re.findall(r"\d+", version)[:2])
    if numbers < OLDEST:
        oldest = ".".join(map(str, OLDEST))
        return fail(
            "podman", f"version {version or 'unknown'}", f"{oldest} or later is needed: Debian 12, Ubuntu 24.04"
        )
    return ok("podman", f"version {version}")


def _service(paths: Paths) -> Finding:
    runtime = os.environ.get("XDG_RUNTIME_DIR")
    named = [paths.podman_url.removeprefix("unix://")] if paths.podman_url.startswith("unix://") else []
    own = [f"{runtime}/podman/podman.sock"] if runtime else []
    for path in named or [*own, "/run/podman/podman.sock"]:
        with socket.socket(socket.AF_UNIX) as looking:
            looking.settimeout(1)
            try:
                looking.connect(path)
            except OSError as error:
                if named:
                    return fail("podman", f"{path}: {error.strerror}", "start that service, or leave --podman-url out")
                continue
            return ok("podman", f"a service listens at {path}")
    if paths.podman_url:
        return ok("podman", f"{starred(paths.podman_url)} answers")
    return ok("podman", "no service listens; the operator starts one of its own")


def _runtime(info: dict[str, Any]) -> Iterator[Finding]:
    host: dict[str, Any] = info.get("host") or {}
    runtime = str((host.get("ociRuntime") or {}).get("name", "?"))
    cgroups, backend = str(host.get("cgroupVersion", "?")), str(host.get("networkBackend", "?"))
    rootless = bool((host.get("security") or {}).get("rootless"))
    about = f"{'rootless' if rootless else 'rootful'}, {runtime}, cgroups {cgroups}, network {backend}"
    mixed = os.path.isdir("/sys/fs/cgroup/unified")
    if runtime == "crun" and cgroups == "v1" and mixed:
        yield fail(
            "podman", f"{about}: crun refuses a mix of both cgroup versions", "apt-get install runc and remove crun"
        )
    elif backend == "cni":
        yield warn(
            "podman", f"{about}: CNI is no longer maintained", "apt-get install netavark, then podman system reset"
        )
    else:
        yield ok("podman", about)
    if rootless:
        yield from _rootless(host)


def _rootless(host: dict[str, Any]) -> Iterator[Finding]:
    if not (host.get("idMappings") or {}).get("uidmap"):
        yield warn(
            "rootless",
            "no subordinate ids for this user",
            "apt-get install uidmap; usermod --add-subuids 100000-165535 USER",
        )
    if not os.access("/dev/net/tun", os.R_OK | os.W_OK):
        yield fail(
            "rootless", "/dev/net/tun cannot be opened by this user", "chmod 666 /dev/net/tun, as distributions have it"
        )
    if not any(map(shutil.which, ("slirp4netns", "pasta"))):
        yield fail(
            "rootless", "neither slirp4netns nor pasta is installed", "apt-get install slirp4netns (Podman 5: passt)"
        )


def containers(paths: Paths) -> Iterator[Finding]:
    """Containers of hal0 itself, and foreign ones under names that slots would take."""
    for row in listed(paths) or ():
        name = next(iter(row.get("Names") or ()), "")
        ours = (row.get("Labels") or {}).get(LABEL_MANAGED) == MANAGED_BY
        ports = ", ".join(str(port.get("host_port")) for port in row.get("Ports") or ())
        if HAL0_NAME.match(name):
            yield warn(
                "hal0",
                f"{name} ({row.get('State')}) is hal0's own{f', it holds port {ports}' if ports else ''}",
                f"systemctl disable --now {name}; podman rm -f {name}",
            )
        elif name.startswith("hal0-") and not ours:
            yield warn(
                "names",
                f"{name} is no container of this operator; the slot {name.removeprefix('hal0-')} cannot have it",
                f"podman rm {name}, or name the slot otherwise",
            )


def listed(paths: Paths) -> list[dict[str, Any]] | None:
    """The rows of ``podman ps``; ``None`` when Podman did not list them."""
    rows = say([*podman(paths), "ps", "--all", "--format", "json"]).json()
    return rows if isinstance(rows, list) else None
