"""Remote repositories for tests: made with the real git, reached by the real transports."""

import os
import shutil
import subprocess
from pathlib import Path

SLOT = 'device = "cpu"\nprofile = "stub"\nport = {port}\n'
ENV = {
    "PATH": os.environ["PATH"],
    "HOME": "/nonexistent",
    "GIT_CONFIG_NOSYSTEM": "1",
    "GIT_CONFIG_GLOBAL": "/dev/null",
    "GIT_AUTHOR_NAME": "Ada",
    "GIT_AUTHOR_EMAIL": "ada@example.org",
    "GIT_COMMITTER_NAME": "Ada",
    "GIT_COMMITTER_EMAIL": "ada@example.org",
    "GIT_AUTHOR_DATE": "1700000000 +0100",
    "GIT_COMMITTER_DATE": "1700000000 +0100",
}


class Remote:
    """A bare repository and a work tree that pushes into it."""

    def __init__(self, folder: Path, *options: str, like: "Remote | None" = None) -> None:
        folder.mkdir(exist_ok=True)
        self.bare, self.work = folder / "remote.git", folder / "work"
        if like is not None:
            for mine, theirs in ((self.bare, like.bare), (self.work, like.work)):
                shutil.copytree(theirs, mine)
            return
        self.git("init", "-q", "--bare", "-b", "main", *options, str(self.bare), at=folder)
        self.git("init", "-q", "-b", "main", *options, str(self.work), at=folder)
        self.git("remote", "add", "origin", "../remote.git")

    @property
    def url(self) -> str:
        return f"file://{self.bare}"

    def git(self, *words: str, at: Path | None = None, stdin: bytes = b"", env: dict[str, str] | None = None) -> str:
        done = subprocess.run(
            ["git", *words], cwd=at or self.work, env=ENV | (env or {}), input=stdin, capture_output=True, check=False
        )
        assert done.returncode == 0, done.stderr.decode()
        return done.stdout.decode("utf-8", "replace").strip()

    def write(self, name: str, data: bytes | str) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.write_bytes(data if isinstance(data, bytes) else data.encode())

    def link(self, name: str, target: str) -> None:
        path = self.work / name
        path.parent.mkdir(parents=True, exist_ok=True)
        path.symlink_to(target)

    def commit(self, subject: str = "Change", *options: str, env: dict[str, str] | None = None) -> str:
        """Everything in the work tree, as a new commit; its id."""
        self.git("add", "-A", env=env)
        self.git("commit", "-q", "--allow-empty", "-m", subject, *options, env=env)
        return self.git("rev-parse", "HEAD")

    def push(self, subject: str = "Change", *options: str, branch: str = "main") -> str:
        commit = self.commit(subject, *options)
        self.git("push", "-q", "--force", "origin", f"HEAD:refs/heads/{branch}")
        return commit

    def home(self, slots: int = 3, at: str = "") -> None:
        """Files of a home, in the work tree."""
        self.write(f"{at}profiles.toml", '[profile.stub]\nimage = "localhost/stub:1"\n')
        for number in range(slots):
            self.write(f"{at}slots/s{number}.toml", SLOT.format(port=8101 + number))

    def crafted(self, tree: list[tuple[str, bytes, str]], branch: str = "main") -> str:
        """A commit of a folder that no work tree can have: (mode, name, id) as given; pushed as the branch."""
        data = b"".join(mode.encode() + b" " + name + b"\0" + bytes.fromhex(oid) for mode, name, oid in tree)
        root = self.object("tree", data)
        commit = self.git("commit-tree", root, "-m", "crafted")
        self.git("push", "-q", "--force", "origin", f"{commit}:refs/heads/{branch}")
        return commit

    def object(self, kind: str, data: bytes) -> str:
        return self.git("hash-object", "-w", "-t", kind, "--literally", "--stdin", stdin=data)


def files(folder: str) -> dict[str, bytes]:
    """Every file below a folder."""
    return {
        str(path.relative_to(folder)): path.read_bytes() for path in sorted(Path(folder).rglob("*")) if path.is_file()
    }
