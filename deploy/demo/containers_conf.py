"""Settings that Podman needs on machines where its own defaults cannot start a container.

Small virtual machines and containers often deny raising limits, mix both cgroup versions, or have
no controllers.  Podman is tried as it is first; only when that fails is a private file written and used
through ``CONTAINERS_CONF``.  Nothing below /etc is touched.
"""

import os
import resource
import shutil
import subprocess
from collections.abc import Iterator, Sequence
from pathlib import Path


def limits() -> str:
    """Podman's usual limits, lowered to what this process itself may have."""
    pid_max = int(Path("/proc/sys/kernel/pid_max").read_text())
    nofile, nproc = (resource.getrlimit(kind)[1] for kind in (resource.RLIMIT_NOFILE, resource.RLIMIT_NPROC))
    most = [1048576 if hard == resource.RLIM_INFINITY else hard for hard in (nofile, nproc)]
    # Podman 4 lowers its own nproc to pid_max and then cannot set more
    return f'"nofile={most[0]}:{most[0]}", "nproc={min(most[1], pid_max)}:{min(most[1], pid_max)}"'


def candidates() -> Iterator[tuple[str, str]]:
    """(why, text of a containers.conf), the least change first."""
    yield "", ""
    containers = f"[containers]\ndefault_ulimits = [{limits()}]\n"
    yield "limits may not be raised here", containers
    if shutil.which("runc"):
        runc = '[engine]\nruntime = "runc"\n'
        yield "limits may not be raised here and crun does not run", containers + runc
        yield "no limits and no controllers", containers + "pids_limit = 0\n" + runc + 'cgroup_manager = "cgroupfs"\n'
    yield "no limits and no controllers", containers + 'pids_limit = 0\n[engine]\ncgroup_manager = "cgroupfs"\n'


def settle(podman: Sequence[str], image: str, command: Sequence[str], path: Path, always: str = "") -> tuple[str, str]:
    """Write to ``path`` the first settings with which ``podman run IMAGE COMMAND`` works.

    What an earlier call wrote is tried first.  ``always`` is text that every try ends with (a table
    that no candidate has).  Answers (why, ""), or ("", last error) when nothing works; the file is
    absent when none is needed.
    """
    error = ""
    kept = path.read_text() if path.exists() else ""
    before = (
        [(kept.partition("\n")[0].removeprefix("# "), kept)] if kept.endswith(always) and kept.startswith("# ") else []
    )
    trial = path.with_suffix(".trial")
    for why, settings in [*before, *((why, _text(why, rest, always)) for why, rest in candidates())]:
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


def _text(why: str, settings: str, always: str) -> str:
    return (f"# {why}\n" if why else "") + settings + always
