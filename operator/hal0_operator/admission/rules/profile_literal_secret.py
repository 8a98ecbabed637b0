"""A secret stands literally in the home.

A variable or a flag whose name ends in KEY, TOKEN, SECRET or PASSWORD has its value in the file, so it is in
every copy and in git's history; a flag's can also be read in the list of processes.  The value is masked wherever
the operator shows something.

Example: `env = { HF_TOKEN = "hf_..." }`, or `flags = "--hf-token hf_..."`.

Fix: `podman secret create hal0-hf-token FILE` and `HF_TOKEN = { secret = "hal0-hf-token" }`, or
`{ file = "PATH" }` below the settings' `secret_dirs`; and change the secret, it was written down.
"""

from collections.abc import Iterator, Mapping, Sequence

from hal0_operator.admission.view import Case, profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import EnvValue, Profile
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes.flags import owned, split_if_possible
from hal0_operator.runtimes.secrets import is_secret_name, secret_flags

CODE = "profile.literal_secret"


def check_slot(case: Case) -> Iterator[Problem]:
    for name, message, hint in _found(case.slot.env):
        yield case.warning(CODE, ("server", "env", name), message, hint)
    for message, hint in _in_flags(case.slot.extra_args):
        yield case.warning(CODE, ("server", "extra_args"), message, hint)


def check_profile(profile: Profile, settings: Settings) -> Iterator[Problem]:
    del settings
    for name, message, hint in _found(profile.env):
        yield profile_error(profile.name, CODE, ("env", name), message, hint, severity="warning")
    for message, hint in _in_flags(split_if_possible(profile.flags)):
        yield profile_error(profile.name, CODE, ("flags",), message, hint, severity="warning")


def _found(env: Mapping[str, EnvValue]) -> Iterator[tuple[str, str, str]]:
    for name, value in env.items():
        if isinstance(value, str) and value and is_secret_name(name):
            shown = clipped(name)
            hint = f'refer to it: {shown} = {{ secret = "hal0-…" }} or {{ file = "PATH" }}'
            yield name, f"the value of {shown} looks like a secret and stands in the file", hint


def _in_flags(tokens: Sequence[str]) -> Iterator[tuple[str, str]]:
    for flag, _ in secret_flags(tokens):
        if not owned(flag):
            yield (
                f"the value of {clipped(flag)} looks like a secret and stands in the file",
                "servers take such a value from a variable as well: refer to the secret in `env`",
            )
