"""What is kept of a container that ended: its last lines without secrets, and the decisive one."""

from collections.abc import Sequence

from hal0_operator.model.facts import HostFacts
from hal0_operator.model.launch import LaunchInputs
from hal0_operator.model.memory import LastExit
from hal0_operator.runtimes import family
from hal0_operator.runtimes.decisive import blame, decisive_line
from hal0_operator.runtimes.secrets import literal_secrets, mask, secret_names


def last_exit(
    exit: LastExit, inputs: LaunchInputs | None, facts: HostFacts | None = None, profile: str = ""
) -> LastExit:
    """``exit`` with its raw ``lines`` masked and its ``line`` chosen from them.

    A flag that the line names is added with where it comes from:
    ``error: invalid argument: --no-mmap (--no-mmap, from profile rocm)``.  ``inputs`` and ``facts`` are those that the
    container was made of, as far as they are known; they hold the secrets and the flags.
    """
    lines = lines_without_secrets(exit.lines, inputs, facts)
    line = decisive_line(lines, exit.exit_code, _secrets(inputs, facts))
    named = _named(line, inputs, facts, profile)
    return LastExit(
        container=exit.container,
        exit_code=exit.exit_code,
        line=f"{line} ({named})" if named else line,
        lines=lines,
        too_slow=exit.too_slow,
    )


def _secrets(inputs: LaunchInputs | None, facts: HostFacts | None) -> tuple[str, ...]:
    literal = literal_secrets(inputs) if inputs is not None else ()
    return (*literal, *(facts.secrets.values() if facts is not None else ()))


def _named(line: str, inputs: LaunchInputs | None, facts: HostFacts | None, profile: str) -> str | None:
    if inputs is None:
        return None
    model = facts.model if facts is not None else None
    path, projector = (model.path, model.projector) if model is not None else ("", "")
    return blame(line, family(inputs.family).argv(inputs, path, projector, profile))


def lines_without_secrets(
    lines: Sequence[str], inputs: LaunchInputs | None, facts: HostFacts | None = None
) -> tuple[str, ...]:
    """Log lines as they may be shown."""
    secrets, names = _secrets(inputs, facts), secret_names(inputs) if inputs is not None else ()
    return tuple(mask(text, secrets, names) for text in lines)
