"""The keys of the settings file."""

import re
from typing import Any

import msgspec

from hal0_operator.desired.faults import Faults, dotted
from hal0_operator.desired.gitops_keys import GITOPS
from hal0_operator.desired.rules import SECONDS, SOME_SECONDS, Many, Switch, Text, refuse_kind
from hal0_operator.desired.table import Key, Table
from hal0_operator.model.problem import KeyPath
from hal0_operator.model.profile import FAMILIES

ABSOLUTE = Text(r"^/", "an absolute path")
_ABSOLUTE_LIST = Many(ABSOLUTE)
_NODES = Many(Text(r"^/dev/", "the path of a node below /dev"))

UNLIMITED = -1
_LISTEN = re.compile(r"(?:\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):([0-9]{1,5})")


class Listen(msgspec.Struct, frozen=True):
    """``host:port``, an IPv6 address in brackets."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> str | None:
        if type(value) is not str:
            refuse_kind(value, "text", faults, path, f'write {path[-1]} = "127.0.0.1:8080"')
            return None
        found = _LISTEN.fullmatch(value)
        if found is None or not 1 <= int(found[1]) <= 65535:
            faults.value(path, f"`{dotted(path)}` must be an address and a port", 'such as "127.0.0.1:8080"')
            return None
        return value

    def schema(self) -> dict[str, Any]:
        return {"type": "string", "pattern": r"^(\[[0-9A-Fa-f:.]+\]|[^\s:\[\]/]+):[0-9]{1,5}$"}


class Memlock(msgspec.Struct, frozen=True):
    """Bytes, or ``unlimited``, which is -1."""

    def read(self, value: Any, faults: Faults, path: KeyPath) -> int | None:
        if value == "unlimited":
            return UNLIMITED
        if type(value) is int and UNLIMITED <= value < 2**63:
            return value
        faults.value(path, f'`{dotted(path)}` must be a number of bytes or "unlimited"')
        return None

    def schema(self) -> dict[str, Any]:
        return {"anyOf": [{"enum": ["unlimited"]}, {"type": "integer", "minimum": UNLIMITED}]}


FAMILY = Table(
    "Settings of one runtime family.",
    {
        "security_opt": Key(
            Many(Text()), "Podman's --security-opt values; the family's own when absent.", "security_opt"
        ),
        "cache": Key(ABSOLUTE, "The folder on this machine that the family may write to.", "cache"),
        "start_deadline_s": Key(
            SOME_SECONDS, "Seconds a start may take before it counts as failed.", "start_deadline_s"
        ),
    },
)

SETTINGS = Table(
    "The operator's own settings.",
    {
        "home_id": Key(
            Text(r"^[A-Za-z0-9][A-Za-z0-9_.-]{0,62}$", "letters, digits, `_`, `.` and `-`, at most 63"),
            "The name by which this home's containers are known; chosen once when absent.",
            "home_id",
        ),
        "model_store": Key(ABSOLUTE, "The folder of the models; /mnt/ai-models when absent.", "model_store"),
        "registry": Key(ABSOLUTE, "hal0's registry.toml; none when absent.", "registry"),
        "listen": Key(Listen(), "Address of the API; 127.0.0.1:8080 when absent.", "listen"),
        "allowed_hosts": Key(
            Many(Text(r"^[^\s/:]+$", "a host's name without port")),
            "Further host names under which the API may be asked.",
            "allowed_hosts",
        ),
        "api_key_file": Key(
            ABSOLUTE,
            "A file with the key that requests below /v1 must bring, read at start; none: open over loopback alone.",
            "api_key_file",
        ),
        "loop": Table(
            "The pace of the control loop.",
            {
                "resync_s": Key(
                    SOME_SECONDS, "Seconds between looks that need no trigger; 30 when absent.", "resync_s"
                ),
                "grace_s": Key(SECONDS, "Seconds from the stop signal to the kill; 10 when absent.", "grace_s"),
                "drain_s": Key(SECONDS, "Seconds for requests in flight before a swap; 30 when absent.", "drain_s"),
                "restart_on_no_progress": Key(
                    Switch(),
                    "Restart a server once when it is healthy and answers nothing; false when absent.",
                    "restart_on_no_progress",
                ),
            },
            field="loop",
        ),
        "probe": Table(
            "How readiness is asked for.",
            {
                "start_s": Key(
                    SOME_SECONDS, "Seconds between probes of a start, growing to 1; 0.25 when absent.", "start_s"
                ),
                "ready_s": Key(SOME_SECONDS, "Seconds between probes of what is ready; 60 when absent.", "ready_s"),
                "timeout_s": Key(SOME_SECONDS, "Seconds that a probe may take; 1 when absent.", "timeout_s"),
                "answer_s": Key(
                    SOME_SECONDS,
                    "Seconds until a client's request must be answered, and that an answer may stop; 1800 when absent.",
                    "answer_s",
                ),
            },
            field="probe",
        ),
        "devices": Table(
            "Device nodes of this machine; probed when absent, [] declares a simulator.",
            {
                "npu": Key(_NODES, "Nodes of the NPU; [] gives FLM no node and no memlock.", "npu"),
                "npu_memlock": Key(Memlock(), "Locked memory of FLM in bytes; unlimited when absent.", "npu_memlock"),
                "gpu": Key(_NODES, "Nodes of the GPU.", "gpu"),
            },
            field="devices",
        ),
        "families": Table(
            "Settings by runtime family.",
            {name: msgspec.structs.replace(FAMILY, field=name) for name in FAMILIES},
            field="families",
        ),
        "policy": Table(
            "What a home may ask for.",
            {
                "images": Key(
                    Many(Text(r"^[^\s/]+/", "a prefix with its registry, such as ghcr.io/hal0ai/")),
                    "Prefixes of images that may run; the seeds' registries and localhost/ when absent.",
                    "images",
                ),
                "mounts": Key(
                    _ABSOLUTE_LIST, "Folders that may be mounted read-only besides the model store.", "mounts"
                ),
                "devices": Key(_NODES, "Nodes that a profile may name besides its family's own.", "devices"),
                "secret_dirs": Key(
                    _ABSOLUTE_LIST,
                    "Folders that { file = … } may read from; /etc/hal0-operator/secrets when absent.",
                    "secret_dirs",
                ),
                "secrets": Key(
                    Many(Text()),
                    "Patterns of Podman secrets that { secret = … } may name; hal0-* when absent.",
                    "secrets",
                ),
            },
            field="policy",
        ),
        "gitops": GITOPS,
    },
)
