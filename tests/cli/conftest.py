"""The command in this process, and a FakeOperator behind a real socket for it to ask."""

from collections.abc import Iterator
from typing import NamedTuple

import pytest

from hal0_operator.cli.main import main
from tests.support.checkouts import SLOT, Checkout
from tests.support.fake_operator import FakeOperator, slot
from tests.support.served import Served, served


class Ran(NamedTuple):
    code: int
    out: str
    err: str


@pytest.fixture(autouse=True)
def no_environment(monkeypatch) -> None:
    """Defaults of whoever runs the tests decide nothing."""
    for name in ("HOME", "STATE_DIR", "PODMAN_URL", "CONFIG", "MODEL_STORE", "DEBUG"):
        monkeypatch.delenv(f"HAL0CTL_{name}", raising=False)


@pytest.fixture
def hal0ctl(capsys):
    """Run one command line; ``exit`` by argparse counts as its exit code."""

    def run(*words: str) -> Ran:
        try:
            code = main(words)
        except SystemExit as end:
            code = end.code
        return Ran(code, *capsys.readouterr())

    return run


@pytest.fixture
def operator() -> FakeOperator:
    return FakeOperator(
        slot("chat"), slot("code", "CrashLoop", port=8082, restarts=3, blocked_on="exited 1, retry soon")
    )


@pytest.fixture
def live(operator: FakeOperator, tmp_path, monkeypatch) -> Iterator[Served]:
    """The operator runs, and the command finds it by its environment."""
    with served(operator, tmp_path) as here:
        monkeypatch.setenv("HAL0CTL_STATE_DIR", str(tmp_path))
        yield here


@pytest.fixture
def home(tmp_path):
    """A home with nothing wrong in it."""
    home = tmp_path / "home"
    (home / "slots").mkdir(parents=True)
    (home / "slots" / "chat.toml").write_text('device = "gpu-rocm"\n[model]\ndefault = "some-model"\n')
    return home


@pytest.fixture
def checkout(tmp_path) -> Checkout:
    here = Checkout(tmp_path / "repository")
    here.commit(chat=SLOT.format(port=8101, model="one"), code=SLOT.format(port=8102, model="one"))
    return here


@pytest.fixture
def changed(checkout: Checkout) -> Checkout:
    """A revision that adds, swaps and removes one each."""
    new = SLOT.format(port=8103, model="one")
    checkout.commit(chat=SLOT.format(port=8101, model="two"), code=None, extra=new)
    return checkout
