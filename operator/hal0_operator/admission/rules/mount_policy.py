"""A mount that the operator's policy does not allow.

A profile may mount folders below the model store and below the folders in `[policy] mounts` of the settings,
read-only.  Anything else would hand parts of the machine to a container.

Example: `mounts = ["/etc:/etc"]`, or `"{store}/lora:/lora"` without `:ro`.

Fix: mount a folder below the model store with `:ro`, or add the folder to `[policy] mounts`.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes.inputs import STORE
from hal0_operator.runtimes.rendering import below, parse_mount

CODE = "mount.policy"


def check(profile: Profile, settings: Settings) -> Iterator[Problem]:
    for index, text in enumerate(profile.mounts):
        fault = _fault(text.replace(STORE, settings.model_store), settings)
        if fault:
            message = f"profile {profile.name} mounts {clipped(text, 80)}: {fault[0]}"
            yield profile_error(profile.name, CODE, ("mounts", str(index)), message, fault[1])


def _fault(text: str, settings: Settings) -> tuple[str, str] | None:
    mount = parse_mount(text)
    if not _plain(mount.source) or not _plain(mount.target):
        return "a path is not absolute or has `.` or `..` in it", "write SRC:DST:ro with plain absolute paths"
    if mount.target == "/":
        return "it would cover the container's whole file system", "mount it at a folder of its own"
    folders = (settings.model_store, *settings.policy.mounts)
    if not any(below(mount.source, folder) for folder in folders):
        hint = "use a folder below these, or add it to `[policy] mounts` in the settings file"
        return f"it is not below {' or '.join(folders)}", hint
    if not mount.read_only:
        return "it is writable", "add `:ro`"
    return None


def _plain(path: str) -> bool:
    """Absolute and free of parts by which a path ends elsewhere than it begins."""
    parts = path.rstrip("/").split("/")[1:]
    return path.startswith("/") and not {"", ".", ".."}.intersection(parts)
