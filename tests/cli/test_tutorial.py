"""The way from an empty repository to a followed home, as the README tells it."""

import os
import re
import subprocess
import sys
from pathlib import Path

from hal0_operator.desired.settings import decode_settings
from hal0_operator.desired.source import SourceFile
from hal0_operator.gitops.repository import HostGit

README = (Path(__file__).parents[2] / "README.md").read_text()
SECTION = README.partition("## The machine is what the repository says")[2].partition("\n## ")[0]


def block(language: str) -> str:
    found = re.search(rf"^```{language}\n(.*?)^```", SECTION, re.M | re.S)
    assert found is not None
    return found[1]


def test_its_commands_make_a_home_that_can_be_followed(tmp_path: Path) -> None:
    path = f"{Path(sys.executable).parent}:{os.environ['PATH']}"
    people = {f"GIT_{who}_{what}": "ada@example.com" for who in ("AUTHOR", "COMMITTER") for what in ("NAME", "EMAIL")}
    script = block("sh").replace("/srv/git", str(tmp_path))
    done = subprocess.run(
        ("bash", "-e", "-c", script), cwd=tmp_path, env={"PATH": path, "HOME": str(tmp_path), **people}, check=False
    )
    assert done.returncode == 0
    settings, problems = decode_settings(
        SourceFile("config.toml", block("toml").replace("/srv/git", str(tmp_path)).encode())
    )
    assert problems == ()
    assert settings.gitops is not None
    (tmp_path / "state").mkdir()
    git = HostGit(settings.gitops, str(tmp_path / "state"))
    commit = git.tip()
    assert git.fetch(commit).subject == "A home"
    assert (Path(git.export(commit)) / "slots" / "chat.toml").is_file()


def test_every_setting_that_it_names_is_one() -> None:
    text = README.partition("## Settings")[2].partition("```toml\n")[2].partition("```")[0]
    settings, problems = decode_settings(SourceFile("config.toml", text.encode()))
    assert problems == ()
    assert settings.gitops is not None
    assert settings.gitops.path == "homes/lab"
