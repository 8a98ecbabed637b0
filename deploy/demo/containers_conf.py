"""Settings that Podman needs on machines where its own defaults cannot start a container.

Small virtual machines and containers often deny raising limits, mix both cgroup versions, or have
no controllers.  Podman is tried as it is first; only when that fails is a private file written and used
through ``CONTAINERS_CONF``.  Nothing below /etc is touched.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Mapping, Sequence
from pathlib import Path


def limits() -> str:
    """Podman's usual limits, lowered to what this process itself may have."""
    pid_max = int(Path("/proc/sys/kernel/pid_max").read_text())
    nofile, nproc = (resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    most = [1048576 if hard == resource.RLIM_INFINITY else hard for hard in (nofile, nproc)]
    # Podman 4 lowers its own nproc to pid_max and then cannot set more
    return f'"nofile={most[0]}:{most[0]}", "nproc={min(most[1], pid_max)}:{min(most[1], pid_max)}"'


Tables = Mapping[str, Sequence[str]]
"""Lines of a containers.conf by table."""


def candidates() -> Iterator[tuple[str, Tables]]:
    """(why, settings), the least change first."""
    limited = f"default_ulimits = [{limits()}]"
    runc = ['runtime = "runc"'] if shutil.which("runc") else []
    yield "", {}
    yield "limits may not be raised here", {"containers": [limited]}
    if runc:
        yield "limits may not be raised here and crun does not run", {"containers": [limited], "engine": runc}
    uncontrolled = [*runc, 'cgroup_manager = "cgroupfs"']
    yield "no limits and no controllers", {"containers": [limited, "pids_limit = 0"], "engine": uncontrolled}


def settle(
    podman: Sequence[str], image: str, command: Sequence[str], path: Path, always: Tables | None = None
) -> tuple[str, str]:
    """Write to ``path`` the first settings with which ``podman run IMAGE COMMAND`` works.

    What an earlier call wrote is tried first; ``always`` is part of every try.  Answers (why, ""),
    or ("", last error) when nothing works; the file is absent when none is needed.
    """
    error = ""
    kept = path.read_text() if path.exists() else ""
    before = [(kept.partition("\n")[0].removeprefix("# "), kept)] if kept.startswith("# ") else []
    trial = path.with_suffix(".trial")
    for why, settings in [*before, *((why, render(tables, always or {}, why)) for why, tables in candidates())]:
        trial.write_text(settings)
        environment = dict(os.environ) | ({"CONTAINERS_CONF": str(trial)} if settings else {})
        words = [*podman, "run", "--rm", "--entrypoint", command[0], image, *command[1:]]
        done = subprocess.run(words, env=environment, capture_output=True, text=True, check=False)
        if done.returncode == 0:
            if settings:
                trial.replace(path)
            else:
                path.unlink(missing_ok=True)
                trial.unlink()
            return why, ""
        error = done.stderr.strip().splitlines()[-1] if done.stderr.strip() else f"exit code {done.returncode}"
    trial.unlink()
    return "", error


def render(tables: Tables, always: Tables, why: str = "") -> str:
    """The text of a containers.conf; ``why`` becomes its first line, a comment."""
    lines = [f"# {why}"] if why else []
    for name in sorted({*tables, *always}):
        lines += [f"[{name}]", *tables.get(name, ()), *always.get(name, ())]
    return "".join(f"{line}\n" for line in lines)
