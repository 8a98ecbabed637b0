"""``hal0ctl completion``: scripts for bash, zsh and fish, made of the verbs' own parsers."""

import argparse
import contextlib
import os
import shlex
import sys
from collections.abc import Iterable
from importlib import import_module

from hal0_operator.cli import dispatch
from hal0_operator.cli.client import Client
from hal0_operator.cli.get import KINDS
from hal0_operator.cli.options import SHARED, Failed, Paths, Usage
from hal0_operator.cli.parser import Parser, choice
from hal0_operator.cli.verbs import VERBS
from hal0_operator.model.capability import CHILDREN

SHELLS = ("bash", "zsh", "fish")
SLOT_VERBS = ("describe", "events", "logs", "suspend", "resume", "restart")
"""Verbs whose first word is a slot."""

SLOT_COMMANDS = ("slot edit", "slot delete")
"""Commands whose first word is a slot."""

CHILD_COMMAND = "capability set"
"""The command whose first word is a capability."""

VALUED = "|".join(option.flag for option in SHARED)
"""Options whose value is the next word, as a shell pattern."""


def arguments(parser: argparse.ArgumentParser) -> None:
    parser.add_argument("shell", metavar="SHELL", nargs="?", type=choice("shell", SHELLS), help=", ".join(SHELLS))
    parser.add_argument("--slots", action="store_true", help="print the names of slots, as the scripts do")


def run(args: argparse.Namespace, paths: Paths) -> int:
    if args.slots:
        sys.stdout.writelines(f"{name}\n" for name in slot_names(paths))
        return 0
    if args.shell is None:
        raise Usage(f"name a shell: {', '.join(SHELLS)}")
    parsers = {name: parser_of(name) for name in VERBS}
    commands = {name: parser.commands for name, parser in parsers.items() if parser.commands}
    script = {"bash": bash, "zsh": zsh, "fish": fish}[args.shell]
    sys.stdout.write(script({name: parser.words for name, parser in parsers.items()}, commands))
    return 0


def slot_names(paths: Paths) -> list[str]:
    """From the operator, else from the home's files; nothing rather than an error."""
    with contextlib.suppress(Failed):
        return [item["name"] for item in Client(paths.socket).get("/api/slots")["items"]]
    with contextlib.suppress(OSError):
        files = sorted(os.listdir(os.path.join(paths.home, "slots")))
        return [file.removesuffix(".toml") for file in files if file.endswith(".toml") and file.isprintable()]
    return []


def parser_of(name: str) -> Parser:
    """The parser of one verb, which knows its option strings and its commands."""
    module = import_module(f"hal0_operator.cli.{VERBS[name].module}")
    return dispatch.parser_of(VERBS[name], module.arguments)


def _pattern(commands: Iterable[str]) -> str:
    """Of a shell's ``case``, for the verb and the command that were typed."""
    return "|".join(f'"{command}"' for command in commands)


def bash(words: dict[str, list[str]], commands: dict[str, list[str]]) -> str:
    cases = "\n".join(f"    {name}) options={shlex.quote(' '.join(options))} ;;" for name, options in words.items())
    below = "\n".join(
        f'    "{name} ") COMPREPLY=($(compgen -W {shlex.quote(" ".join(listed))} -- "$current")); return ;;'
        for name, listed in commands.items()
    )
    slots = 'COMPREPLY=($(compgen -W "$(hal0ctl completion --slots 2>/dev/null)" -- "$current"))'
    return f"""\
# bash completion for hal0ctl: source <(hal0ctl completion bash)
_hal0ctl() {{
  local current=${{COMP_WORDS[COMP_CWORD]}} verb= command= options= word before=
  for word in "${{COMP_WORDS[@]:1:COMP_CWORD-1}}"; do
    case $before in {VALUED}) before=; continue ;; esac
    case $word in -*) before=$word; continue ;; esac
    if [ -z "$verb" ]; then verb=$word; else command=$word; break; fi
  done
  if [ -z "$verb" ]; then
    COMPREPLY=($(compgen -W {shlex.quote(" ".join(words))} -- "$current"))
    return
  fi
  case $verb in
{cases}
  esac
  case $current in
    -*) COMPREPLY=($(compgen -W "$options" -- "$current")); return ;;
  esac
  case "$verb $command" in
{below}
    {_pattern(SLOT_COMMANDS)}) {slots}; return ;;
    "{CHILD_COMMAND}") COMPREPLY=($(compgen -W {shlex.quote(" ".join(CHILDREN))} -- "$current")); return ;;
  esac
  case $verb in
    {"|".join(SLOT_VERBS)}) {slots} ;;
    get) COMPREPLY=($(compgen -W {shlex.quote(" ".join(KINDS))} -- "$current")) ;;
    completion) COMPREPLY=($(compgen -W {shlex.quote(" ".join(SHELLS))} -- "$current")) ;;
    *) COMPREPLY=($(compgen -f -- "$current")) ;;
  esac
}}
complete -o filenames -F _hal0ctl hal0ctl
"""


def zsh(words: dict[str, list[str]], commands: dict[str, list[str]]) -> str:
    verbs = "\n".join(f"    {shlex.quote(f'{name}:{VERBS[name].summary}')}" for name in words)
    cases = "\n".join(f"    {name}) options=({' '.join(options)}) ;;" for name, options in words.items())
    below = "\n".join(f'    "{name} ") compadd -- {" ".join(listed)}; return ;;' for name, listed in commands.items())
    slots = 'compadd -- ${(f)"$(hal0ctl completion --slots 2>/dev/null)"}'
    return f"""\
#compdef hal0ctl
# zsh completion for hal0ctl: source <(hal0ctl completion zsh)
_hal0ctl() {{
  local -a verbs options
  local verb= command= word before=
  verbs=(
{verbs}
  )
  for word in ${{words[2,CURRENT-1]}}; do
    case $before in ({VALUED}) before=; continue ;; esac
    case $word in (-*) before=$word; continue ;; esac
    if [[ -z $verb ]]; then verb=$word; else command=$word; break; fi
  done
  if [[ -z $verb ]]; then
    _describe verb verbs
    return
  fi
  case $verb in
{cases}
  esac
  if [[ $words[CURRENT] == -* ]]; then
    compadd -- $options
    return
  fi
  case "$verb $command" in
{below}
    {_pattern(SLOT_COMMANDS)}) {slots}; return ;;
    "{CHILD_COMMAND}") compadd -- {" ".join(CHILDREN)}; return ;;
  esac
  case $verb in
    {"|".join(SLOT_VERBS)}) {slots} ;;
    get) compadd -- {" ".join(KINDS)} ;;
    completion) compadd -- {" ".join(SHELLS)} ;;
    *) _files ;;
  esac
}}
if [[ $funcstack[1] == _hal0ctl ]]; then _hal0ctl "$@"; else compdef _hal0ctl hal0ctl; fi
"""


def fish(words: dict[str, list[str]], commands: dict[str, list[str]]) -> str:
    lines = ["# fish completion for hal0ctl: hal0ctl completion fish | source", "complete -c hal0ctl -f"]
    unseen = "not __fish_seen_subcommand_from " + " ".join(words)
    for name, options in words.items():
        lines.append(f"complete -c hal0ctl -n {shlex.quote(unseen)} -a {name} -d {shlex.quote(VERBS[name].summary)}")
        seen = shlex.quote(f"__fish_seen_subcommand_from {name}")
        for option in options:
            kind = f"-l {option[2:]}" if option.startswith("--") else f"-s {option[1:]}"
            lines.append(f"complete -c hal0ctl -n {seen} {kind}")
    for name, listed in commands.items():
        alone = f"__fish_seen_subcommand_from {name}; and not __fish_seen_subcommand_from {' '.join(listed)}"
        lines.append(f"complete -c hal0ctl -n {shlex.quote(alone)} -a {shlex.quote(' '.join(listed))}")
    for pair in (*SLOT_COMMANDS, CHILD_COMMAND):
        verb, command = pair.split()
        both = f"__fish_seen_subcommand_from {verb}; and __fish_seen_subcommand_from {command}"
        offered = " ".join(CHILDREN) if pair == CHILD_COMMAND else "(hal0ctl completion --slots 2>/dev/null)"
        lines.append(f"complete -c hal0ctl -n {shlex.quote(both)} -a {shlex.quote(offered)}")
    with_slot = shlex.quote("__fish_seen_subcommand_from " + " ".join(SLOT_VERBS))
    lines.append(f"complete -c hal0ctl -n {with_slot} -a '(hal0ctl completion --slots 2>/dev/null)'")
    lines.append(f"complete -c hal0ctl -n '__fish_seen_subcommand_from get' -a {shlex.quote(' '.join(KINDS))}")
    lines.append(f"complete -c hal0ctl -n '__fish_seen_subcommand_from completion' -a {shlex.quote(' '.join(SHELLS))}")
    return "\n".join(lines) + "\n"
