"""``hal0ctl``: help from a table, every verb from its own module, one line for whatever goes wrong.

Exit codes: 0 done, 1 failed, 2 usage, 3 differences, 130 interrupted, 141 nobody reads the output.
"""

import os
import sys
from collections.abc import Sequence

from hal0_operator import __version__
from hal0_operator.cli.verbs import VERBS

USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141

HELP_WORDS = frozenset(("-h", "--help", "help"))


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; no exception leaves but ``SystemExit``."""
    words = list(sys.argv[1:] if argv is None else argv)
    if hasattr(sys.stdout, "reconfigure"):
        sys.stdout.reconfigure(errors="backslashreplace")
    try:
        code = _answer(words)
        sys.stdout.flush()
    except KeyboardInterrupt:
        return INTERRUPTED
    except BrokenPipeError:
        _discard_stdout()
        return BROKEN_PIPE
    return code


def _answer(words: list[str]) -> int:
    if not words:
        sys.stderr.write(help_text())
        return USAGE
    if words[0] in HELP_WORDS and len(words) == 1:
        sys.stdout.write(help_text())
        return 0
    if words == ["--version"]:
        sys.stdout.write(f"hal0ctl {__version__}\n")
        return 0
    from hal0_operator.cli.dispatch import dispatch  # noqa: PLC0415 - help stays below 80 ms

    return dispatch(words)


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


def _discard_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
