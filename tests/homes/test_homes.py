"""Homes with faults, and homes as hal0 wrote them: every problem, with its place.

A folder is one case: the home's files, and ``expected.toml`` with all problems in the order of files and
places.  ``before/`` is the home that was in force, ``settings.toml`` the operator's own file.  ``says`` are
words of the message or the hint; ``slots`` and ``denied`` are what must be in force and what must not.
"""

from pathlib import Path
from typing import Any

import pytest
import tomli

from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context, Verdict
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.positions import locate
from hal0_operator.desired.profiles_file import parse_seeds
from hal0_operator.desired.settings import decode_settings
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.model.problem import Problem, sort_key
from hal0_operator.model.settings import Settings

HERE = Path(__file__).parent
SEEDS = parse_seeds((HERE.parents[1] / "seeds" / "profiles.toml").read_bytes())
CASES = sorted(path.parent for path in HERE.glob("*/expected.toml"))
BAD = [case for case in CASES if not case.name.startswith("compat-")]


def read(home: Path) -> HomeFiles:
    """The files of a home; a case's own files do not count as such by their names."""
    files = [path for path in (*home.glob("slots/*"), *home.glob("*.toml")) if path.is_file()]
    names = [path.relative_to(home).as_posix() for path in files]
    return HomeFiles({name: SourceFile(name, path.read_bytes()) for name, path in zip(names, files, strict=True)})


def settings_of(case: Path) -> Settings:
    file = case / "settings.toml"
    if not file.exists():
        return Settings()
    settings, problems = decode_settings(SourceFile(file.name, file.read_bytes()))
    assert problems == ()
    return settings


def judge(case: Path) -> tuple[Verdict, tuple[Problem, ...]]:
    settings, last = settings_of(case), None
    if (case / "before").is_dir():
        before, _ = assemble(read(case / "before"), SEEDS)
        earlier = admit(before, None, Context(seeds=SEEDS, settings=settings, cold=True))
        assert [problem for problem in earlier.problems if problem.severity == "error"] == []
        last = earlier.admitted
    home = read(case)
    snapshot, _ = assemble(home, SEEDS)
    verdict = admit(snapshot, last, Context(seeds=SEEDS, settings=settings, cold=last is None))
    return verdict, tuple(sorted(locate(verdict.problems, home.files), key=sort_key))


def row(expected: dict[str, Any]) -> str:
    place = f"{expected['file']}:{expected['line']}:{expected.get('column', '*')}"
    return f"{expected['severity']} {expected['code']} {place} {expected.get('path', '')}".rstrip()


def found_row(problem: Problem, *, any_column: bool) -> str:
    assert problem.at is not None, problem
    place = f"{problem.file}:{problem.at.line}:{'*' if any_column else problem.at.column}"
    return f"{problem.severity} {problem.code} {place} {'.'.join(problem.path)}".rstrip()


@pytest.mark.parametrize("case", CASES, ids=lambda case: case.name)
def test_a_home_has_exactly_the_problems_that_are_expected(case: Path) -> None:
    expected = tomli.loads((case / "expected.toml").read_text())
    verdict, problems = judge(case)
    wanted = expected.get("problem", [])
    rows = [
        found_row(problem, any_column=index < len(wanted) and "column" not in wanted[index])
        for index, problem in enumerate(problems)
    ]
    assert rows == [row(problem) for problem in wanted], "\n".join(p.message for p in problems)
    for problem, want in zip(problems, wanted, strict=True):
        assert want.get("says", "") in f"{problem.message}: {problem.hint}"
    if "slots" in expected:
        assert sorted(verdict.slots) == sorted(expected["slots"])
    if "denied" in expected:
        assert sorted(verdict.denied) == sorted(expected["denied"])


def test_there_are_at_least_sixty_bad_homes() -> None:
    assert len(BAD) >= 60


@pytest.mark.parametrize("case", BAD, ids=lambda case: case.name)
def test_every_problem_says_what_is_wrong_in_one_printable_line(case: Path) -> None:
    for problem in judge(case)[1]:
        assert problem.message, problem
        assert problem.message.isprintable(), problem
        assert problem.hint.isprintable(), problem
