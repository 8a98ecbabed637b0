"""A launch flag that belongs to the slot or to the operator.

Port, host, model, alias, context size, GPU layers and API key are set by the slot's own keys or by the
operator.  In a profile's `flags` or a slot's `extra_args` they would win over what the slot says: the server
listens elsewhere than it is probed, or serves another model.  They are refused in every spelling (`--port 1`,
`--port=1`, `-c`, `-ngl`), and as variables (`LLAMA_ARG_PORT`).  So is the mode flag of another type, such as
`--embedding` for an llm, and on the NPU `--asr` and `--embed`, which follow from the records.

Example: `extra_args = "-c 512"` beside `[model] context_size = 4096`.

Fix: remove the flag and set the slot's key that the message names.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import PROFILES_FILE, Case, profile_error
from hal0_operator.desired.rules import clipped
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Family, Profile
from hal0_operator.model.settings import Settings
from hal0_operator.runtimes import flags

CODE = "flag.policy"


def check_slot(case: Case) -> Iterator[Problem]:
    """The slot's own flags, and whether its profile's flags switch to another type's mode."""
    slot, profile = case.slot, case.profile
    family: Family = profile.family if profile is not None else "llama-server"
    for flag in flags.parse(slot.extra_args):
        if owner := flags.owned(flag.spelled, family):
            yield case.error(CODE, ("server", "extra_args"), *_words(flag.spelled, owner))
        elif _foreign_mode(case, flag):
            yield case.error(CODE, ("server", "extra_args"), *_mode_words(case, flag.spelled))
    for name in slot.env:
        variable = flags.of_variable(name)
        if variable in flags.MODES or flags.owned(variable):
            yield case.error(CODE, ("server", "env", name), *_variable_words(name, variable))
    if profile is None or family != "llama-server":
        return
    for flag in flags.parse(flags.split_if_possible(profile.flags)):
        if _foreign_mode(case, flag):
            message, hint = _mode_words(case, flag.spelled)
            yield Problem(
                code=CODE,
                message=f"in profile {profile.name}, {message}",
                file=PROFILES_FILE,
                path=("profile", profile.name, "flags"),
                hint=hint,
                parties=case.profile_parties,
            )


def check_profile(profile: Profile, settings: Settings) -> Iterator[Problem]:
    """The flags of a home's own entry."""
    del settings
    for flag in flags.parse(flags.split_if_possible(profile.flags)):
        if owner := flags.owned(flag.spelled, profile.family):
            message, hint = _words(flag.spelled, owner)
            yield profile_error(profile.name, CODE, ("flags",), f"profile {profile.name}: {message}", hint)
    for name in profile.env:
        variable = flags.of_variable(name)
        if variable in flags.MODES or flags.owned(variable):
            message, hint = _variable_words(name, variable)
            yield profile_error(profile.name, CODE, ("env", name), f"profile {profile.name}: {message}", hint)


def _foreign_mode(case: Case, flag: flags.Flag) -> bool:
    return flag.canonical in flags.MODES and flag.canonical != flags.MODE_OF_TYPE.get(case.slot.type)


def _words(spelled: str, owner: str) -> tuple[str, str]:
    return f"the flag {clipped(spelled)} may not be set here: it is the business of {owner}", "remove the flag"


def _variable_words(name: str, flag: str) -> tuple[str, str]:
    owner = flags.owned(flag) or "the slot's type"
    return f"the variable {clipped(name)} may not be set here: it is the business of {owner}", "remove the variable"


def _mode_words(case: Case, spelled: str) -> tuple[str, str]:
    slot = case.slot
    return (
        f"the flag {clipped(spelled)} is another type's mode, and slot {slot.name} is of type {slot.type}",
        "remove the flag, or give the slot the type that it is meant to have",
    )
