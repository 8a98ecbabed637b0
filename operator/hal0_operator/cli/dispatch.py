"""From words to a verb's module and back to an exit code."""

import os
import sys
import traceback
from collections.abc import Callable
from importlib import import_module
from typing import Any

from hal0_operator import __version__
from hal0_operator.cli.options import SHARED, Failed, Paths, Usage, add_shared, resolve
from hal0_operator.cli.output import did_you_mean, neutral
from hal0_operator.cli.parser import Parser
from hal0_operator.cli.verbs import HELP_WORDS, VERBS, Verb, help_text

DEBUG_VARIABLE = "HAL0CTL_DEBUG"


def dispatch(words: list[str]) -> int:
    """Run the verb among ``words``; what goes wrong becomes a line on stderr."""
    try:
        before, name, after = _split(words)
        if not name:
            return _without_verb(before)
        return _run(_verb(name), before, after)
    except BrokenPipeError:
        raise
    except Exception as failure:  # noqa: BLE001 - the last line of defence: a sentence, never a traceback
        return report(failure)


def _split(words: list[str]) -> tuple[list[str], str, list[str]]:
    """Options before the verb, the verb (``""`` without one), and all that follows it."""
    valued = [option.flag for option in SHARED]
    known = {*valued, *HELP_WORDS, "--version"}
    index = 0
    while index < len(words):
        word = words[index]
        if word == "help" and index + 1 < len(words):
            return words[:index], words[index + 1], ["--help"]
        if not word.startswith("-"):
            return words[:index], word, words[index + 1 :]
        flag = word.split("=", maxsplit=1)[0]
        if flag not in known:
            raise Usage(f"unknown option {flag!r}{did_you_mean(flag, valued)}\nhal0ctl --help lists the verbs")
        index += 2 if word in valued else 1
    return words, "", []


def _verb(name: str) -> Verb:
    if name not in VERBS:
        raise Usage(f"unknown verb {name!r}{did_you_mean(name, VERBS)}\nhal0ctl --help lists the verbs")
    return VERBS[name]


def _without_verb(words: list[str]) -> int:
    if HELP_WORDS.intersection(words):
        sys.stdout.write(help_text())
        return 0
    if "--version" in words:
        sys.stdout.write(f"hal0ctl {__version__}\n")
        return 0
    raise Usage("no verb given\nhal0ctl --help lists the verbs")


def _run(verb: Verb, before: list[str], after: list[str]) -> int:
    module = import_module(f"hal0_operator.cli.{verb.module}")
    front = Parser(prog="hal0ctl", add_help=False)
    add_shared(front)
    given: dict[str, str] = vars(front.parse_args(before))
    parser = parser_of(verb, module.arguments)
    args = parser.parse_args(after)
    given |= {option.dest: getattr(args, option.dest) for option in SHARED if hasattr(args, option.dest)}
    named = getattr(args, "positional_home", None)
    if named is not None and named != "-":
        if "home" in given and os.path.abspath(given["home"]) != os.path.abspath(named):
            raise Usage(f"two homes: --home {given['home']} and {named}; name one")
        given["home"] = named
    paths: Paths = resolve(given, os.environ, os.geteuid())
    code: int = module.run(args, paths)
    return code


def parser_of(verb: Verb, arguments: Callable[[Any], None]) -> Parser:
    """The parser of one verb: its own arguments, then the shared ones."""
    parser = Parser(prog=f"hal0ctl {verb.name}", description=f"{verb.summary[:1].upper()}{verb.summary[1:]}.")
    if verb.home:
        parser.add_argument("positional_home", metavar="HOME", nargs="?", help="the home, as with --home")
    arguments(parser)
    add_shared(parser)
    parser.words += [option.flag for option in SHARED]
    return parser


def report(failure: Exception) -> int:
    """Say what went wrong on stderr and answer the exit code."""
    debug = os.environ.get(DEBUG_VARIABLE, "") not in ("", "0")
    if debug:
        traceback.print_exception(failure)
    if isinstance(failure, Failed):
        lines = [neutral(line) for line in f"hal0ctl: {failure}".splitlines()]
        sys.stderr.write("\n".join(lines) + "\n")
        return failure.code
    if isinstance(failure, OSError) and failure.strerror:
        what = f"{failure.filename}: {failure.strerror}" if failure.filename else failure.strerror
    else:
        what = f"{type(failure).__name__}: {failure}"
    hint = "" if debug else f" ({DEBUG_VARIABLE}=1 shows where)"
    sys.stderr.write(f"hal0ctl: {neutral(what)}{hint}\n")
    return 1
