"""Seeds and schemas are found in a checkout and inside a wheel."""

import subprocess
import sys
import zipfile
from pathlib import Path

import pytest

from hal0_operator.home.seeds import NotPackaged, shipped

ROOT = Path(__file__).parents[2]


def test_a_checkout_has_them_at_its_top() -> None:
    assert shipped("seeds", "profiles.toml") == (ROOT / "seeds" / "profiles.toml").read_bytes()


def test_a_missing_file_is_named_with_the_way_out() -> None:
    with pytest.raises(NotPackaged, match="seeds/nothing.toml.*install it again"):
        shipped("seeds", "nothing.toml")


def test_an_unpacked_wheel_has_them_in_the_package(tmp_path: Path) -> None:
    """The wheel's layout (``force-include`` in pyproject.toml), as an installer unpacks it."""
    package = tmp_path / "site" / "hal0_operator"
    with zipfile.ZipFile(tmp_path / "x.whl", "w") as wheel:
        wheel.write(ROOT / "operator/hal0_operator/__init__.py", "hal0_operator/__init__.py")
        for name in ("__init__.py", "seeds.py"):
            wheel.write(ROOT / "operator/hal0_operator/home" / name, f"hal0_operator/home/{name}")
        wheel.writestr("hal0_operator/data/seeds/profiles.toml", "# packed\n")
    with zipfile.ZipFile(tmp_path / "x.whl") as wheel:
        wheel.extractall(package.parent)
    code = "from hal0_operator.home.seeds import shipped; print(shipped('seeds', 'profiles.toml').decode(), end='')"
    shown = subprocess.run(
        (sys.executable, "-I", "-c", f"import sys; sys.path.insert(0, {str(package.parent)!r}); {code}"),
        capture_output=True,
        text=True,
        check=True,
    )
    assert shown.stdout == "# packed\n"
