"""A mode flag that the slot's type implies anyway.

A slot of type embedding is started with `--embedding`, one of type reranking with `--reranking`.  Written
again in `extra_args` or in the profile's `flags` it is dropped.

Example: `extra_args = "--reranking"` in a slot of type reranking.

Fix: remove the flag.
"""

from collections.abc import Iterator

from hal0_operator.admission.view import PROFILES_FILE, Case
from hal0_operator.model.problem import Problem
from hal0_operator.runtimes import flags

CODE = "flag.redundant"


def check(case: Case) -> Iterator[Problem]:
    slot, profile = case.slot, case.profile
    mode = flags.MODE_OF_TYPE.get(slot.type)
    if mode is None:
        return
    message = f"is dropped: slot {slot.name} is of type {slot.type}, which implies it"
    if spelled := _spelled(slot.extra_args, mode):
        yield case.warning(CODE, ("server", "extra_args"), f"the flag {spelled} {message}", "remove the flag")
    if profile is not None and profile.family == "llama-server":
        try:
            spelled = _spelled(flags.split(profile.flags), mode)
        except ValueError:  # reported while decoding
            return
        if spelled:
            message = f"the flag {spelled} of profile {profile.name} {message}"
            path = ("profile", profile.name, "flags")
            yield Problem(
                code=CODE, message=message, file=PROFILES_FILE, path=path, hint="remove the flag", severity="warning"
            )


def _spelled(tokens: tuple[str, ...], mode: str) -> str:
    return next((flag.spelled for flag in flags.parse(tokens) if flag.canonical == mode), "")
