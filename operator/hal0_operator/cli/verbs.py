"""The verbs of ``hal0ctl``: names, modules and summaries as data, so that help imports nothing.

A verb's module has ``arguments(parser)``, which adds the verb's own arguments, and
``run(args, paths) -> int``, which answers the exit code.
"""

from typing import NamedTuple


class Verb(NamedTuple):
    """``home``: the verb takes the home as its one positional argument too."""

    name: str
    module: str
    summary: str
    home: bool = False


VERBS: dict[str, Verb] = {
    verb.name: verb
    for verb in (
        Verb("init", "init", "write a commented starter home", home=True),
        Verb("validate", "validate", "check a home, or one file from stdin, without touching anything", home=True),
        Verb(
            "plan",
            "plan",
            "show what would be done now, and what is held; --from and --to: between two homes",
            home=True,
        ),
        Verb("apply", "apply", "converge once and return when nothing is left to do", home=True),
        Verb("run", "run", "run the operator in the foreground", home=True),
        Verb("get", "get", "list slots, profiles, the source, capabilities or events; -w follows"),
        Verb("describe", "describe", "show everything about one slot"),
        Verb("explain", "explain", "explain a problem code, a condition or a phase"),
        Verb("events", "events", "show what happened lately; -f follows"),
        Verb("logs", "logs", "show a slot's log; --previous for the one that failed"),
        Verb("suspend", "suspend", "keep the operator's hands off a slot, or off the repository with --source"),
        Verb("resume", "resume", "end a suspension, follow the repository again, or approve held removals"),
        Verb("sync", "sync", "look at the repository now; --wait until what it says is served"),
        Verb("rollback", "rollback", "put an earlier revision into force, and hold it until resumed"),
        Verb("restart", "restart", "recreate a slot's container; --pull fetches its image first"),
        Verb("capability", "capability", "set, list or sync capabilities: a slot and the overlay at once"),
        Verb("profile", "profile", "list, show, clone, edit or delete profiles"),
        Verb("slot", "slot", "create, edit or delete slots"),
        Verb("migrate", "migrate", "show, or write, what brings a home of hal0 up to date"),
        Verb("doctor", "doctor", "say what this machine can do and what is in the way"),
        Verb("schema", "schema", "print the JSON Schema of a file kind"),
        Verb("completion", "completion", "print a completion script for bash, zsh or fish"),
    )
}

HELP_WORDS = frozenset(("-h", "--help", "help"))


def help_text() -> str:
    """The text of ``hal0ctl --help``, from the table alone."""
    width = max(map(len, VERBS))
    verbs = "\n".join(f"  {verb.name:{width}}  {verb.summary}" for verb in VERBS.values())
    return f"""\
usage: hal0ctl VERB [options]

Keeps a machine's AI containers what its TOML files say.

{verbs}

Every verb takes --home, --state-dir, --podman-url, --config and --model-store, before or after it;
HAL0CTL_HOME, HAL0CTL_STATE_DIR, ... set their defaults.  `hal0ctl VERB --help` tells the rest.
Exit codes: 0 done, 1 failed, 2 usage, 3 differences.
"""
