"""The settings file: the operator's own policy and pace.  Every key has a default."""

from typing import Literal

import msgspec

from hal0_operator.model.profile import Family


class LoopSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds.  ``resync_s``: the timer that makes every hint optional.  ``grace_s``: from the
    stop signal to the kill.  ``drain_s``: for requests in flight before a swap.
    """

    resync_s: float = 30
    grace_s: float = 10
    drain_s: float = 30
    restart_on_no_progress: bool = False


class ProbeSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """Seconds between probes while starting (grows to 1 s) and when Ready, and per request.

    ``answer_s``: from a whole request of a client to the head of its answer (without a stream that is all of the work),
    and between two pieces of it.
    """

    start_s: float = 0.25
    ready_s: float = 60
    timeout_s: float = 1
    answer_s: float = 1800


class DeviceSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``None``: probed.  An empty list declares a simulator: no node, and for the NPU no memlock.

    ``npu_memlock`` in bytes, ``-1`` for unlimited.
    """

    npu: tuple[str, ...] | None = None
    npu_memlock: int = -1
    gpu: tuple[str, ...] | None = None


class FamilySettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """``None`` leaves the family's own default."""

    security_opt: tuple[str, ...] | None = None
    cache: str | None = None
    start_deadline_s: float | None = None


class Policy(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """What a home may ask for.

    ``images`` are prefixes; an image without a registry is refused.  ``mounts`` are folders that
    may be mounted read-only besides the model store, ``devices`` nodes besides the family's own.
    ``secrets`` are patterns of Podman secret names.
    """

    images: tuple[str, ...] = ("ghcr.io/hal0ai/", "docker.io/kyuz0/", "localhost/")
    mounts: tuple[str, ...] = ()
    devices: tuple[str, ...] = ()
    secret_dirs: tuple[str, ...] = ("/etc/hal0-operator/secrets",)
    secrets: tuple[str, ...] = ("hal0-*",)


class GitopsSettings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The git repository that a home comes from.

    One of ``branch``, ``tag`` and ``commit`` is set.  ``path`` is the home's folder in the repository, ``""`` its
    root.  ``interval_s`` and ``timeout_s`` in seconds, ``keep`` in revisions.  The rest are absolute paths, ``""``
    for none: ``allowed_signers`` a file for ssh, a folder for gpg; ``token_file`` holds ``token`` or ``user:token``.
    """

    url: str
    branch: str = "main"
    tag: str = ""
    commit: str = ""
    path: str = ""
    interval_s: float = 60
    timeout_s: float = 60
    keep: int = 5
    verify: Literal["none", "ssh", "gpg"] = "none"
    allowed_signers: str = ""
    known_hosts: str = ""
    ssh_key_file: str = ""
    token_file: str = ""
    webhook_secret_file: str = ""


class Settings(msgspec.Struct, frozen=True, forbid_unknown_fields=True, kw_only=True):
    """The whole settings file; flags and the environment override ``model_store`` and ``listen``."""

    home_id: str = ""
    model_store: str = "/mnt/ai-models"
    registry: str = ""
    listen: str = "127.0.0.1:8080"
    allowed_hosts: tuple[str, ...] = ()
    api_key_file: str = ""
    loop: LoopSettings = LoopSettings()
    probe: ProbeSettings = ProbeSettings()
    devices: DeviceSettings = DeviceSettings()
    families: dict[Family, FamilySettings] = {}
    policy: Policy = Policy()
    gitops: GitopsSettings | None = None

    def family(self, name: Family) -> FamilySettings:
        return self.families.get(name, FamilySettings())

    @property
    def listen_port(self) -> int:
        return int(self.listen.rpartition(":")[2])
