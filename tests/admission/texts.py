"""Homes written as texts, and what admission says of them."""

from collections.abc import Mapping
from functools import cache
from pathlib import Path

import msgspec

from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context, Verdict
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.problem import Problem
from hal0_operator.model.profile import Profile
from hal0_operator.model.settings import Settings
from hal0_operator.model.snapshot import Admitted, Snapshot

Texts = Mapping[str, str]


@cache
def seeds() -> dict[str, Profile]:
    return parse_seeds((Path(__file__).parents[2] / "seeds" / "profiles.toml").read_bytes())


def _sources(texts: Texts) -> HomeFiles:
    return HomeFiles({name: SourceFile(name, text.encode()) for name, text in texts.items()})


def snapshot(texts: Texts) -> Snapshot:
    return assemble(_sources(texts), seeds())[0]


def judge(
    texts: Texts, last: Admitted | Verdict | None = None, settings: Settings = Settings(), **more: object
) -> Verdict:
    """The verdict on a home after another one, its problems located."""
    before = last.admitted if isinstance(last, Verdict) else last
    context = Context(seeds=seeds(), settings=settings, cold=before is None, **more)
    verdict = admit(snapshot(texts), before, context)
    return msgspec.structs.replace(verdict, problems=locate(verdict.problems, _sources(texts).files))


def codes(verdict: Verdict, severity: str = "error") -> list[str]:
    return sorted({problem.code for problem in verdict.problems if problem.severity == severity})


def the(verdict: Verdict, code: str) -> Problem:
    """The first problem of a code; there must be one."""
    return next(problem for problem in verdict.problems if problem.code == code)


def slot(**keys: object) -> str:
    """A slot file: ``model`` goes below ``[model]``, ``extra_args`` below ``[server]``."""
    below = {"model": ("model", "default"), "extra_args": ("server", "extra_args")}
    lines = [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in keys.items() if name not in below]
    for name, (table, key) in below.items():
        if name in keys:
            lines += [f"[{table}]", f"{key} = {msgspec.json.encode(keys[name]).decode()}"]
    return "\n".join(lines) + "\n"


def selection(child: str, **keys: object) -> str:
    lines = [f"[selections.{child}]"]
    lines += [f"{name} = {msgspec.json.encode(value).decode()}" for name, value in keys.items()]
    return "\n".join(lines) + "\n"
