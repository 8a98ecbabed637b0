"""The language servers that people have in their editors read the schemas."""

import subprocess
import sys
from pathlib import Path

import pytest

from tests.desired.texts import CHECKOUT, GOOD

BIN = Path(sys.executable).parent
SCHEMA = CHECKOUT / "crds" / "slot.schema.json"
BAD = 'prot = 1\ndevice = "gpu"\n\n[model]\ncontext_size = 64\n'
GOOD_SLOT = "\n".join(line for line in GOOD.splitlines() if not line.startswith(("workers", "backend")))


def taplo(file: Path) -> subprocess.CompletedProcess[str]:
    words = [BIN / "taplo", "lint", "--no-auto-config", "--colors", "never", "--schema", SCHEMA.as_uri(), file]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, cwd=file.parent)


def tombi(file: Path) -> subprocess.CompletedProcess[str]:
    config = file.parent / "tombi.toml"
    config.write_text(f'[[schemas]]\npath = "{SCHEMA}"\ninclude = ["*.toml"]\n')
    words = [BIN / "tombi", "lint", "--offline", "--error-on-warnings", file.name]
    return subprocess.run(words, capture_output=True, text=True, timeout=30, cwd=file.parent)


@pytest.mark.parametrize("lint", [taplo, tombi])
def test_a_good_slot_is_accepted(lint, tmp_path: Path) -> None:
    file = tmp_path / "chat.toml"
    file.write_text(GOOD_SLOT + "\n")
    done = lint(file)
    assert done.returncode == 0, done.stdout + done.stderr


@pytest.mark.parametrize("lint", [taplo, tombi])
def test_a_bad_slot_is_marked_key_by_key(lint, tmp_path: Path) -> None:
    file = tmp_path / "chat.toml"
    file.write_text(BAD)
    done = lint(file)
    said = done.stdout + done.stderr
    assert done.returncode != 0
    assert all(word in said for word in ("prot", "gpu-vulkan", "64")), said
