"""The one line of a dead process's log that says why it died, and the flag that it names."""

import re
from collections.abc import Iterable, Sequence

from hal0_operator.runtimes.flags import canonical, is_flag, parse, split
from hal0_operator.runtimes.protocol import Argv
from hal0_operator.runtimes.secrets import mask

LIMIT = 300
"""Characters of a line that is shown."""
READ = 4_000
"""Characters of a line that are looked at; a server may print a whole request."""

SIGNALS = {
    132: "SIGILL: the image was built for another CPU",
    134: "SIGABRT: it gave up on itself",
    135: "SIGBUS: a mapped file was cut short or memory failed",
    137: "SIGKILL: killed, by hand or for want of memory",
    139: "SIGSEGV: it crashed",
    143: "SIGTERM: asked to stop",
}
"""What an exit code above 128 means."""

_ARGUMENT = (
    r"(unknown|invalid|unrecogni[sz]ed|unexpected|unsupported) (argument|option|flag|value|parameter)"
    r"|argument .*: (invalid|expected)|the following arguments are required|requires? an argument"
)
_MEMORY = (
    r"out of memory|outofmemory|cannot allocate|unable to allocate|failed to allocate|bad_alloc|oom.?kill"
    r"|cannot enlarge memory"
)
_FATAL = (
    r"ggml_assert|assertion .*failed|terminate called|what\(\):|hwctx|fatal|panic"
    r"|no such (file|device)|permission denied|operation not permitted|address already in use"
    r"|couldn't bind|error while loading shared libraries"
)
_ERROR = r"\berror\b"
_WEAK = r"\b(failed|failure|cannot|could not|couldn't|unable to|invalid|not found|not supported|exception)\b"
_KINDS = tuple(re.compile(kind, re.IGNORECASE) for kind in (_ARGUMENT, _MEMORY, _FATAL, _ERROR, _WEAK))
"""From the most telling kind of line to the least; within a kind the last line counts."""

_FOLLOW_ON = re.compile(r"exiting due to|see above|\b0 errors?\b|usage:|--help", re.IGNORECASE)
"""Lines that only report that another line was the cause."""

_ESCAPES = re.compile(r"\x1b(\[[0-?]*[ -/]*[@-~]|\][^\x07\x1b]*(\x07|\x1b\\)|.)")
_FLAG = re.compile(r"(?<![\w-])--?[A-Za-z][\w-]*")


def decisive_line(lines: Sequence[str], exit_code: int, secrets: Iterable[str] = ()) -> str:
    """The line that explains the exit, clean, without ``secrets`` and at most ``LIMIT`` characters.

    Without a telling line it is what the exit code means together with the last line; ``""``
    when there is nothing to say.
    """
    hidden = tuple(secrets)
    raw = [mask(_unescaped(line), hidden)[:READ].rstrip() for line in lines]
    clean = [text for line in raw if (text := _clean(line))]
    found = _last(clean, _KINDS[0]) or _exception(raw) or _telling(clean)
    if not found:
        meaning = SIGNALS.get(exit_code, "")
        last = clean[-1] if clean else ""
        found = f"{meaning}; last line: {last}" if meaning and last else meaning or last
    return found if len(found) <= LIMIT else found[: LIMIT - 1] + "…"


def blame(line: str, argv: Argv) -> str | None:
    """The flag that a line names, with its provenance: ``--no-mmap, from profile rocm``.

    A flag counts in any spelling; else the flag whose value the line quotes.  ``None``: neither.
    """
    groups = [(flag, provenance) for text, provenance in argv for flag in parse(split(text)) if flag.spelled]
    for word in _FLAG.findall(line):
        for flag, provenance in groups:
            if is_flag(word) and canonical(word) == flag.canonical:
                return f"{flag.spelled}, from {provenance}"
    for flag, provenance in groups:
        for value in flag.values:
            if _telling_value(value) and value in line:
                return f"{flag.spelled} {value}, from {provenance}"
    return None


def _telling_value(value: str) -> bool:
    """A path or a name; numbers and words such as ``on`` stand in many lines by chance."""
    return "/" in value and len(value) > 4


def _telling(clean: Sequence[str]) -> str:
    causes = [line for line in clean if not _FOLLOW_ON.search(line)]
    return next((line for kind in _KINDS[1:] if (line := _last(causes, kind))), "")


def _last(clean: Sequence[str], kind: re.Pattern[str]) -> str:
    return next((line for line in reversed(clean) if kind.search(line)), "")


def _exception(lines: Sequence[str]) -> str:
    """The last line of the last Python traceback: the first one after it that is not indented."""
    starts = [i for i, line in enumerate(lines) if line.startswith("Traceback (most recent call last)")]
    if not starts:
        return ""
    after = (line for line in lines[starts[-1] + 1 :] if line and not line[0].isspace())
    return next((_clean(line) for line in after), "")


def _unescaped(line: str) -> str:
    return _ESCAPES.sub("", line)


def _clean(line: str) -> str:
    """One printable line: no escapes, no control or direction-changing characters."""
    text = "".join(char if char.isprintable() else " " for char in line)
    return " ".join(text.split())
