"""A reference to a secret that the operator's policy does not allow.

A home may use Podman secrets whose names match `[policy] secrets` of the settings, and files below
`[policy] secret_dirs`.  Otherwise whoever can edit a home could read any secret of the machine.

Example: `env = { TOKEN = { file = "/etc/shadow" } }`, or `{ secret = "registry-password" }` where `hal0-*` is
allowed.

Fix: give the secret a name that matches, move the file, or extend the policy in the settings file.
"""

from collections.abc import Iterator, Mapping
from fnmatch import fnmatchcase
from typing import assert_never

from hal0_operator.admission.view import Case, profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import EnvValue, FileRef, Profile, SecretRef
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes.rendering import below

CODE = "secret.policy"


def check_slot(case: Case) -> Iterator[Problem]:
    for name, message, hint in _faults(case.slot.env, case.settings):
        yield case.error(CODE, ("server", "env", name), message, hint)


def check_profile(profile: Profile, settings: Settings) -> Iterator[Problem]:
    for name, message, hint in _faults(profile.env, settings):
        yield profile_error(profile.name, CODE, ("env", name), message, hint)


def _faults(env: Mapping[str, EnvValue], settings: Settings) -> Iterator[tuple[str, str, str]]:
    policy = settings.policy
    for name, value in env.items():
        match value:
            case str():
                continue
            case SecretRef(secret=secret):
                if not any(fnmatchcase(secret, pattern) for pattern in policy.secrets):
                    message = f"{clipped(name)} refers to the secret {clipped(secret)}, which is not allowed here"
                    allowed = ", ".join(policy.secrets) or "none"
                    yield name, message, f"allowed are {allowed}: rename it, or extend `[policy] secrets`"
            case FileRef(file=file):
                parts = file.split("/")[1:]
                plain = file.startswith("/") and not {"", ".", ".."}.intersection(parts)
                if not plain or not any(below(file, folder) for folder in policy.secret_dirs):
                    message = f"{clipped(name)} refers to a file outside the folders for secrets"
                    allowed = ", ".join(policy.secret_dirs) or "none"
                    yield name, message, f"allowed is below {allowed}: move it, or extend `[policy] secret_dirs`"
            case _:
                assert_never(value)
