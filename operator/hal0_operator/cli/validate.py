"""``hal0ctl validate``: what a cold start would say to a home, without touching anything."""

import argparse
import os
import sys
from typing import NamedTuple

import msgspec

from hal0_operator.admission.fixpoint import admit
from hal0_operator.admission.verdict import Context
from hal0_operator.cli import inputs, problems
from hal0_operator.cli.following import located
from hal0_operator.cli.options import Failed, Paths, Usage
from hal0_operator.cli.output import colourful, neutral, paint
from hal0_operator.cli.parser import choice
from hal0_operator.desired.assemble import assemble
from hal0_operator.desired.names import OVERLAY_FILE, PROFILES_FILE, shown, slot_stem
from hal0_operator.desired.positions import locate
from hal0_operator.desired.source import HomeFiles, SourceFile
from hal0_operator.home.dead_links import dead_links
from hal0_operator.home.read import read_once
from hal0_operator.home.scan import FILE_LIMIT
from hal0_operator.model.problem import Problem, errors, sort_key
from hal0_operator.model.snapshot import Snapshot

FORMS = ("human", "json", "github", "gitlab")
STDIN = "-"


class Checked(NamedTuple):
    files: HomeFiles
    snapshot: Snapshot
    problems: tuple[Problem, ...]


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument(
        "--as", dest="file", metavar="FILE", help="with HOME '-': what stdin is, such as slots/chat.toml"
    )
    parser.add_argument(
        "--git",
        action="store_true",
        help="as in a home that follows git: overlay and slot files must agree, and links lead to files of the home",
    )
    parser.add_argument("-o", "--output", type=choice("form", FORMS), default="human", help=", ".join(FORMS))


def run(args: argparse.Namespace, paths: Paths) -> int:
    stdin = args.positional_home == STDIN
    if stdin != (args.file is not None):
        raise Usage("'-' and --as go together: hal0ctl validate - --as slots/chat.toml < FILE")
    here = paths if stdin else located(paths, inputs.settings(paths))
    strict = args.git or here is not paths
    paths = here
    checked = check(_with_stdin(args.file, paths) if stdin else _home(paths, strict=strict), paths, strict=strict)
    if stdin:
        own = tuple(p for p in checked.problems if p.file == shown(args.file))
        checked = checked._replace(problems=own)
    _write(checked, paths.home, args.file or paths.home, args.output)
    return 1 if errors(checked.problems) else 0


def check(files: HomeFiles, paths: Paths, *, strict: bool = False) -> Checked:
    """Decode and admit as a cold start would; every problem with its place, in order.

    ``strict``: what overlay and slot files disagree about is an error, as nothing carries it over.
    """
    catalogue = inputs.seeds()
    snapshot, _ = assemble(files, catalogue)
    context = Context(seeds=catalogue, settings=inputs.settings(paths), cold=True, strict_overlay=strict)
    verdict = admit(snapshot, None, context)
    return Checked(files, snapshot, tuple(sorted(locate(verdict.problems, files.files), key=sort_key)))


def _home(paths: Paths, *, strict: bool = False) -> HomeFiles:
    """``strict``: links that refuse a revision are files that are refused."""
    if not os.path.isdir(paths.home):
        raise Failed(f"{paths.home}: there is no such home; hal0ctl init {paths.home} writes one")
    files = read_once(inputs.files(), paths.home)
    if files.busy:
        raise Failed(f"{paths.home}: {files.busy}: try again")
    if strict:
        dead = {file: SourceFile(file, refused=why) for file, why in dead_links(inputs.files(), paths.home).items()}
        files = msgspec.structs.replace(files, files={**files.files, **dead})
    return files


def _with_stdin(file: str, paths: Paths) -> HomeFiles:
    """One file from stdin in the place of the home's; the rest is there only when a home was named."""
    if slot_stem(file) is None and file not in (PROFILES_FILE, OVERLAY_FILE):
        raise Usage(f"--as {file!r} is no file of a home: slots/NAME.toml, profiles.toml or capabilities.toml")
    data = sys.stdin.buffer.read(FILE_LIMIT + 1)
    refused = f"has more than the {FILE_LIMIT} bytes that a file of a home may have" if len(data) > FILE_LIMIT else ""
    source = SourceFile(file, b"" if refused else data, refused)
    home = _home(paths) if paths.home_named else HomeFiles({})
    return msgspec.structs.replace(home, files={**home.files, file: source})


def _write(checked: Checked, home: str, title: str, form: str) -> None:
    found = checked.problems
    match form:
        case "json":
            sys.stdout.write(problems.as_json(found, home, checked.snapshot.digest) + "\n")
        case "gitlab":
            sys.stdout.write(problems.gitlab(found, home) + "\n")
        case "github":
            sys.stdout.writelines(f"{problems.github(problem, home)}\n" for problem in found)
        case _:
            _write_human(checked, title)


def _write_human(checked: Checked, title: str) -> None:
    colour = colourful(sys.stdout)
    for problem in checked.problems:
        source = checked.files.files.get(problem.file)
        lines = problems.human(problem, source.data if source else None, lambda text, tint: paint(text, tint, colour))
        sys.stdout.write("\n".join(lines) + "\n\n")
    wrong = len(errors(checked.problems))
    counted = f"{_count(wrong, 'error')}, {_count(len(checked.problems) - wrong, 'warning')}"
    sys.stdout.write(f"{neutral(title)}: {_count(len(checked.files.files), 'file')} read, {counted}\n")


def _count(number: int, word: str) -> str:
    return f"{number} {word}{'' if number == 1 else 's'}"
