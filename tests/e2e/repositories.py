"""An operator that follows a real bare repository over file://; its home's folder is a checkout that pushes to it."""

import os
import shutil
import subprocess
from pathlib import Path
from typing import Any

from tests.support.machine import Machine
from tests.support.operator_process import OperatorProcess

SELDOM_S = 3600
"""An interval that never comes: looks are asked for."""


class Following(OperatorProcess):
    """``push`` commits what is in ``home``; ``sync`` asks for a look and waits for all that follows."""

    def __init__(self, machine: Machine, interval_s: float = SELDOM_S, **gitops: Any) -> None:
        super().__init__(machine)
        self.bare = self.folder / "remote.git"
        self.git("init", "-q", "--bare", "-b", "main", str(self.bare), at=self.folder)
        self.git("init", "-q", "-b", "main")
        self.git("remote", "add", "origin", str(self.bare))
        self.configure(gitops={"url": f"file://{self.bare}", "interval_s": interval_s} | gitops)
        self.home.profile("stub")
        for slot in ("chat", "code", "util"):
            self.home.slot(slot)

    @property
    def options(self) -> list[str]:
        return [word for word in super().options if not word.startswith("--home=")]

    def git(self, *words: str, at: Path | None = None) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        environ = {name: value for name, value in os.environ.items() if not name.startswith("GIT_")}
        done = subprocess.run(
            ("git", *identity, *words),
            cwd=at or self.home.path,
            env=environ,
            capture_output=True,
            check=False,
            text=True,
        )
        assert done.returncode == 0, done.stderr
        return done.stdout.strip()

    def push(self, subject: str = "a change", *options: str) -> str:
        """The commit's id."""
        self.git("add", "-A")
        self.git("commit", "-q", "-m", subject, *options)
        self.git("push", "-q", "--force", "origin", "main")
        return self.git("rev-parse", "HEAD")

    def sync(self) -> subprocess.CompletedProcess[str]:
        return self.hal0ctl("sync", "--wait", "--timeout=45")

    def synced(self) -> str:
        """After a look that went well: the commit that is in force."""
        done = self.sync()
        assert done.returncode == 0, done.stdout + done.stderr + self.said()
        source = self.get("/api/source")
        assert source["admitted"] == source["applied"] == source["fetched"]
        return str(source["admitted"])

    def source(self, type: str) -> dict[str, Any]:
        """One condition of the source; empty when it has none such."""
        return next((c for c in self.get("/api/source")["conditions"] if c["type"] == type), {})

    def lose_the_remote(self) -> None:
        shutil.move(self.bare, self.folder / "elsewhere.git")

    def find_the_remote(self) -> None:
        shutil.move(self.folder / "elsewhere.git", self.bare)
