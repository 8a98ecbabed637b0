"""``hal0ctl profile``: how slots run; copies of the shipped profiles, and the home's own."""

import argparse
import json
import sys
from collections.abc import Iterator

import msgspec

from hal0_operator.changes.edit import new_text
from hal0_operator.changes.judged import Judged
from hal0_operator.changes.profiles import keys_of
from hal0_operator.changes.wish import CreateProfile, DeleteProfile, EditProfile
from hal0_operator.cli import commands, replacing, wishing
from hal0_operator.cli.assignments import assigned
from hal0_operator.cli.get import FORMS, show
from hal0_operator.cli.local import Local
from hal0_operator.cli.options import Paths
from hal0_operator.cli.output import neutral
from hal0_operator.cli.parser import Parser, choice
from hal0_operator.desired.names import PROFILES_FILE
from hal0_operator.model.problem import profile_key
from hal0_operator.runtimes.secrets import masked_row
from hal0_operator.web.catalogue import profile_bodies
from hal0_operator.web.shapes import ProfileBody, ProfileItems

SET_HELP = "a key of the profile, such as flags=… or env.NAME=…; KEY= removes it"


def _list_arguments(parser: Parser) -> None:
    parser.add_argument("-o", "--output", type=choice("form", FORMS), help=", ".join(FORMS))


def _list(args: argparse.Namespace, paths: Paths) -> int:
    client = wishing.operator_of(paths)
    if client is None:
        sys.stderr.write("no operator runs: read from the home's files\n")
        local = Local(paths)
        body = json.loads(msgspec.json.encode(ProfileItems(_bodies(local, local.judged()))))
    else:
        body = client.get("/api/profiles")
    show("profiles", body, args.output)
    return 0


def _bodies(local: Local, now: Judged) -> tuple[ProfileBody, ...]:
    used = [(slot.profile, slot.name) for slot in now.verdict.slots.values()]
    return profile_bodies(now.catalogue, used, local.settings.model_store)


def _show_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument("-o", "--output", type=choice("form", ("json",)), help="json")


def _show(args: argparse.Namespace, paths: Paths) -> int:
    local = Local(paths)
    now = local.judged()
    profile = now.catalogue.get(args.name)
    if profile is None:
        raise wishing.refused(local, EditProfile(args.name, {}))
    body = next(body for body in _bodies(local, now) if body.name == profile.name)
    if args.output == "json":
        sys.stdout.write(json.dumps(msgspec.to_builtins(body), indent=2) + "\n")
        return 0
    text = new_text({"profile": {profile.name: keys_of(profile)}})
    sys.stdout.writelines(f"{neutral(masked_row(row))}\n" for row in (*text.splitlines(), *_follows(body)))
    return 0


def _follows(body: ProfileBody) -> Iterator[str]:
    """What is not said by its keys, as comments."""
    yield ""
    if body.seed:
        yield "# shipped with the operator: `hal0ctl profile clone` copies it under a name of your own"
    yield f"# serves: {', '.join(body.slot_types)}"
    yield f"# resolved flags: {body.resolved_flags or 'none'}"
    yield f"# used by: {', '.join(body.used_by) or 'no slot'}"


def _clone_arguments(parser: Parser) -> None:
    parser.add_argument("source", metavar="SOURCE", help="the profile to copy, shipped or your own")
    parser.add_argument("name", metavar="NAME", help="the name of the copy")
    parser.add_argument("--set", action="append", default=[], metavar="KEY=VALUE", help=SET_HELP)
    wishing.arguments(parser)


def _clone(args: argparse.Namespace, paths: Paths) -> int:
    return wishing.carry_out(CreateProfile(args.name, assigned(args.set), args.source), args, paths)


def _edit_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    parser.add_argument(
        "--set", action="append", default=[], metavar="KEY=VALUE", help=f"{SET_HELP}; without any: your editor opens"
    )
    wishing.arguments(parser)


def _edit(args: argparse.Namespace, paths: Paths) -> int:
    if args.set:
        return wishing.carry_out(EditProfile(args.name, assigned(args.set)), args, paths)
    local = Local(paths)
    snapshot = local.judged().snapshot
    if PROFILES_FILE not in snapshot.broken_files and profile_key(args.name) not in snapshot.broken:
        wishing.done_here(local, EditProfile(args.name, {}), dry_run=True)  # what is broken is there to be corrected
    return replacing.in_editor(PROFILES_FILE, args, paths, ("profile", args.name))


def _delete_arguments(parser: Parser) -> None:
    parser.add_argument("name", metavar="NAME")
    wishing.arguments(parser)


def _delete(args: argparse.Namespace, paths: Paths) -> int:
    return wishing.carry_out(DeleteProfile(args.name), args, paths)


COMMANDS = (
    commands.Command("list", "list every profile, as get profiles does", _list_arguments, _list),
    commands.Command("show", "print one as TOML, with its flags resolved and its users", _show_arguments, _show),
    commands.Command("clone", "copy one under a name of your own", _clone_arguments, _clone),
    commands.Command("edit", "change one of your own, by --set or in your editor", _edit_arguments, _edit),
    commands.Command("delete", "delete one of your own that no slot names", _delete_arguments, _delete),
)


def arguments(parser: Parser) -> None:
    commands.add_commands(parser, COMMANDS)


def run(args: argparse.Namespace, paths: Paths) -> int:
    return commands.perform(args, paths, COMMANDS)
