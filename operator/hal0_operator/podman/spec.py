"""The body of a create: a ``ContainerSpec`` as Podman's own specification document.

The service accepts unknown fields silently, so a misspelt one would be lost: each field here is looked for in a
real container by the conformance suite.
"""

from typing import Any

import msgspec

from hal0_operator.model.container import ContainerSpec, Mount, Ulimit
from hal0_operator.podman.errors import fault
from hal0_operator.seams.podman import PodmanFault

LOG_BYTES = 50_000_000
UNLIMITED = 2**64 - 1
"""``-1`` on the wire is refused by Podman before 5.8."""


def body(spec: ContainerSpec) -> bytes:
    """JSON.  Raises PodmanFault for a security option that is not understood."""
    document: dict[str, Any] = {
        "name": spec.name,
        "image": spec.image,
        "labels": spec.labels,
        "env": spec.env,
        "portmappings": [
            {
                "host_ip": "127.0.0.1",
                "host_port": spec.host_port,
                "container_port": spec.container_port,
                "protocol": "tcp",
            }
        ],
        "log_configuration": {"driver": "k8s-file", "size": LOG_BYTES},
        "healthconfig": {"Test": ["NONE"]},
        "no_new_privileges": True,
        "stop_timeout": spec.stop_timeout,
    }
    optional: dict[str, Any] = {
        "command": spec.command,
        "secret_env": spec.secret_env,
        "mounts": [_mount(m) for m in spec.mounts],
        "devices": [{"path": d.path} for d in spec.devices],
        "groups": [str(g) for g in spec.groups],
        "r_limits": [_ulimit(u) for u in spec.ulimits],
        "shm_size": spec.shm_size,
        "ipcns": {"nsmode": "private"} if spec.private_ipc else None,
    }
    document |= {key: value for key, value in optional.items() if value}
    return msgspec.json.encode(document | _security(spec))


def _mount(mount: Mount) -> dict[str, Any]:
    options = ["rbind", "ro" if mount.read_only else "rw"]
    return {"type": "bind", "source": mount.source, "destination": mount.target, "options": options}


def _ulimit(limit: Ulimit) -> dict[str, Any]:
    soft, hard = (UNLIMITED if v < 0 else v for v in (limit.soft, limit.hard))
    return {"type": limit.name, "soft": soft, "hard": hard}


def _security(spec: ContainerSpec) -> dict[str, Any]:
    """Podman's ``--security-opt`` spelling, ``key=value``, to the fields that it stands for."""
    fields: dict[str, Any] = {}
    for option in spec.security_opt:
        key, _, value = option.partition("=")
        match key:
            case "label" if value:
                fields.setdefault("selinux_opts", []).append(value)
            case "seccomp" if value:
                fields["seccomp_profile_path"] = value
            case "apparmor" if value:
                fields["apparmor_profile"] = value
            case "mask" | "unmask" if value:
                fields.setdefault(key, []).extend(value.split(":"))
            case "no-new-privileges":
                pass
            case _:
                known = "label=, seccomp=, apparmor=, mask=, unmask=, no-new-privileges"
                why = f"security_opt {option!r} is not understood; known are {known}"
                raise PodmanFault(fault("other", f"create {spec.name}", why))
    return fields
