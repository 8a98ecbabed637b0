"""A real git repository with a home in it."""

import subprocess
from pathlib import Path

SLOT = 'device = "gpu-rocm"\nport = {port}\n[model]\ndefault = "{model}"\n'


class Checkout:
    """A real git repository whose home lies in ``homes/lab``."""

    def __init__(self, root: Path) -> None:
        self.root = root
        self.home = root / "homes" / "lab"
        (self.home / "slots").mkdir(parents=True)
        self.git("init", "-q", "-b", "main")

    def git(self, *words: str) -> str:
        identity = ("-c", "user.name=Ada", "-c", "user.email=ada@example.com")
        done = subprocess.run(("git", "-C", self.root, *identity, *words), check=True, capture_output=True, text=True)
        return done.stdout.strip()

    def commit(self, **slots: str | None) -> str:
        for name, text in slots.items():
            file = self.home / "slots" / f"{name}.toml"
            file.unlink() if text is None else file.write_text(text)
        self.git("add", "-A")
        self.git("commit", "-q", "-m", "a change")
        return self.git("rev-parse", "HEAD")
