"""``hal0ctl``: help from a table, every verb from its own module, one line for whatever goes wrong.

Exit codes: 0 done, 1 failed, 2 usage, 3 differences, 130 interrupted, 141 nobody reads the output.
"""

import os
import sys
from collections.abc import Sequence

from hal0_operator import __version__
from hal0_operator.cli.verbs import HELP_WORDS, help_text

USAGE = 2
INTERRUPTED = 130
BROKEN_PIPE = 141


def main(argv: Sequence[str] | None = None) -> int:
    """Run one command line and answer its exit code; no exception leaves but ``SystemExit``."""
    words = list(sys.argv[1:] if argv is None else argv)
    _open_what_is_closed()
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


def _open_what_is_closed() -> None:
    """A shell's ``>&-`` leaves no stream at all, and its number to the next file that is opened."""
    for name, mode in (("stdin", "r"), ("stdout", "w"), ("stderr", "w")):
        if getattr(sys, name) is None:
            setattr(sys, name, open(os.devnull, mode, encoding="utf-8"))  # noqa: SIM115 - until the process ends


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


def _discard_stdout() -> None:
    """Point stdout at nothing, so that the interpreter's last flush is silent."""
    nowhere = os.open(os.devnull, os.O_WRONLY)
    os.dup2(nowhere, sys.stdout.fileno())
    os.close(nowhere)
