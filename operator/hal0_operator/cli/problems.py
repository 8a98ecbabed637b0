"""Problems for people, programs and code reviews: each with its address."""

import json
import os
from collections.abc import Callable, Iterable, Mapping
from typing import Any

from hal0_operator.cli.output import neutral
from hal0_operator.model.digest import digest
from hal0_operator.model.problem import Problem
from hal0_operator.web.shapes import problem_body

BOM = "\ufeff"
SHOWN_BEFORE = 60
SHOWN_AFTER = 60
"""Characters of a source line to either side of the place."""


def _plainly(text: str, colour: str) -> str:
    del colour
    return text


def human(problem: Problem, data: bytes | None, paint: Callable[[str, str], str] = _plainly) -> list[str]:
    """Address and message, the line with a caret below the place, and the hint.

    ``data`` is the file's text, ``None`` where there is none.  ``paint(text, colour)`` colours.
    """
    severity = paint(problem.severity, "red" if problem.severity == "error" else "yellow")
    address = paint(neutral(problem.address or "home"), "bold")
    lines = [f"{address}: {severity} {neutral(problem.code)}: {neutral(problem.message)}"]
    if problem.at is not None and data is not None:
        lines += _excerpt(data, problem.at.line, problem.at.column)
    if problem.hint:
        lines.append(f"  hint: {neutral(problem.hint)}")
    return lines


def _excerpt(data: bytes, line: int, column: int) -> list[str]:
    """The line and a caret; a long line is cut to the neighbourhood of the place."""
    rows = data.split(b"\n", line)
    if len(rows) < line:
        return []
    text = rows[line - 1].decode("utf-8", "replace").removesuffix("\r")
    from hal0_operator.runtimes.secrets import masked_row  # noqa: PLC0415 - only where a line is quoted

    text = masked_row(text.removeprefix(BOM) if line == 1 else text).replace("\t", " ")
    start = max(0, column - 1 - SHOWN_BEFORE)
    before = neutral(text[start : column - 1])
    after = neutral(text[column - 1 : column - 1 + SHOWN_AFTER])
    lead = "…" if start else ""
    number = str(line)
    return [f"  {number} | {lead}{before}{after}", f"  {' ' * len(number)} | {' ' * len(lead + before)}^"]


def human_line(problem: Mapping[str, Any]) -> list[str]:
    """A problem of the API's JSON without its source line."""
    address = ":".join(str(problem[key]) for key in ("file", "line", "column") if problem.get(key) not in (None, ""))
    lines = [f"{address or 'home'}: {problem['severity']} {problem['code']}: {problem['message']}"]
    return [*lines, f"  hint: {problem['hint']}"] if problem.get("hint") else lines


def as_json(problems: Iterable[Problem], home: str, digest_of_home: str) -> str:
    """The contract of ``validate -o json``."""
    listed = tuple(problems)
    body = {
        "ok": not any(problem.severity == "error" for problem in listed),
        "home": home,
        "digest": digest_of_home,
        "problems": [_plain(problem) for problem in listed],
    }
    return json.dumps(body, indent=2)


def _plain(problem: Problem) -> dict[str, Any]:
    body = problem_body(problem)
    return {name: getattr(body, name) for name in body.__struct_fields__}


def github(problem: Problem, home: str) -> str:
    """A workflow command that GitHub shows beside the line."""
    at = {"line": problem.at.line, "col": problem.at.column} if problem.at else {}
    properties = {"file": neutral(repository_path(home, problem.file)), **at, "title": problem.code}
    listed = ",".join(f"{key}={_escape(str(value), properties=True)}" for key, value in properties.items())
    said = "\n".join(neutral(line) for line in _with_hint(problem).splitlines())
    return f"::{problem.severity} {listed}::{_escape(said)}"


def gitlab(problems: Iterable[Problem], home: str) -> str:
    """A code quality report."""
    report = [
        {
            "description": _with_hint(problem),
            "check_name": problem.code,
            "fingerprint": digest("report:1", (problem.code, problem.file, problem.path, problem.message)),
            "severity": "major" if problem.severity == "error" else "minor",
            "location": {
                "path": repository_path(home, problem.file),
                "lines": {"begin": problem.at.line if problem.at else 1},
            },
        }
        for problem in problems
    ]
    return json.dumps(report, indent=2)


def repository_path(home: str, file: str) -> str:
    """A file of the home as the working directory knows it; absolute when it lies elsewhere."""
    path = os.path.relpath(os.path.join(home, file))
    return os.path.join(home, file) if path.startswith("..") else path


def _with_hint(problem: Problem) -> str:
    return f"{problem.message}\n{problem.hint}" if problem.hint else problem.message


def _escape(text: str, properties: bool = False) -> str:
    escapes = {"%": "%25", "\r": "%0D", "\n": "%0A"} | ({":": "%3A", ",": "%2C"} if properties else {})
    return "".join(escapes.get(char, char) for char in text)
