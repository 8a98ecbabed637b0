"""The installed podman for an ordinary user, driven by root: ``PODMAN_USER`` names one who has subordinate ids.

The machine must have newuidmap, slirp4netns or pasta, and a /dev/net/tun that users may open.  The user's own store
is used: give the tests a user of their own.
"""

import os
import pwd
import shutil
import signal
import subprocess
from pathlib import Path

from tests.support.machine import BASE, Machine, ping

INDEX = 14
LIMITS = '[containers]\ndefault_ulimits = ["nofile=16384:16384", "nproc=16384:16384"]\n'
"""A user cannot raise limits, and may have less than Podman's own defaults."""


class Rootless(Machine):
    kind = "rootless"
    subnet = "10.88.0."

    def __init__(self, user: pwd.struct_passwd) -> None:
        super().__init__(INDEX)
        self._user = user
        self.folder = BASE / "rootless"
        self.socket = self.folder / "podman.sock"
        self._service: subprocess.Popen[bytes] | None = None
        shutil.rmtree(self.folder, ignore_errors=True)
        self.folder.mkdir(parents=True)
        (self.folder / "registries.conf").write_text(self.registries)
        unified = Path("/sys/fs/cgroup/cgroup.controllers").exists()
        runtime = "" if unified else 'runtime = "runc"\n'  # crun runs on a pure cgroup v2 only
        engine = f'[engine]\n{runtime}cgroup_manager = "cgroupfs"\nevents_logger = "file"\n'
        (self.folder / "containers.conf").write_text(LIMITS + engine)
        os.chown(self.folder, user.pw_uid, user.pw_gid)
        self.start_service()

    def _run(self, *args: str) -> list[str]:
        return self.inside("podman", *args)

    def inside(self, *command: str, **more: str) -> list[str]:
        """A command as that user, with more in its environment."""
        user = self._user
        environ = {
            "HOME": user.pw_dir,
            "USER": user.pw_name,
            "PATH": os.environ["PATH"],
            "XDG_RUNTIME_DIR": str(self.folder),
            "CONTAINERS_CONF": f"{self.folder}/containers.conf",
            "CONTAINERS_REGISTRIES_CONF": f"{self.folder}/registries.conf",
        } | more
        ids = ("setpriv", "--reuid", str(user.pw_uid), "--regid", str(user.pw_gid), "--clear-groups", "--")
        return ["env", "-i", "-C", user.pw_dir, *(f"{k}={v}" for k, v in environ.items()), *ids, *command]

    def podman(self, *args: str, check: bool = True) -> str:
        done = subprocess.run(self._run(*args), capture_output=True, text=True, check=False)
        if check and done.returncode:
            raise RuntimeError(f"podman {' '.join(args)}: {done.stderr.strip()}")
        return done.stdout

    def start_service(self) -> None:
        self.socket.unlink(missing_ok=True)
        command = self._run("system", "service", "--time=0", self.url)
        self._service = subprocess.Popen(command, stdin=subprocess.DEVNULL, start_new_session=True)
        while not self.socket.exists():
            if self._service.poll() is not None:
                raise RuntimeError(f"the service of {self._user.pw_name} ended with {self._service.returncode}")
        ping(self.socket)

    def kill_service(self) -> None:
        # Podman runs itself again inside the user's namespace: both are meant.
        os.killpg(self._service.pid, signal.SIGKILL)
        self._service.wait()

    def wipe(self) -> None:
        self.podman("rm", "--all", "--force", "--time", "0", check=False)

    def close(self) -> None:
        self.wipe()
        self._service.terminate()
        self._service.wait()
        self.podman("system", "migrate")  # ends the process that keeps the user's namespace


def rootless() -> Rootless:
    name = os.environ.get("PODMAN_USER", "")
    try:
        return Rootless(pwd.getpwnam(name))
    except KeyError:
        raise RuntimeError(f"PODMAN=rootless needs PODMAN_USER: {name!r} is no user of this machine") from None
