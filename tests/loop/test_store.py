"""The state directory after a crash of the disk, or of whoever edits it."""

from pathlib import Path

import pytest

from hal0_operator.host.fs import HostFs
from hal0_operator.loop.store import ForeignState, StateDir
from hal0_operator.model.memory import Memory, Overrides
from hal0_operator.model.snapshot import Admitted

DAMAGED = {
    "empty": b"",
    "cut": b'{"schema": 1, "home": "a", "value": {"slots": {',
    "no utf-8": b'{"schema": 1, "home": "\xff", "value": {}}',
    "no utf-8 within": b'{"schema": 1, "home": "a", "value": {"digest": "\xff"}}',
    "nested without end": b"[" * 100_000,
    "nested within": b'{"schema": 1, "home": "a", "value": {"slots": ' + b"[" * 100_000 + b"]" * 100_000 + b"}}",
    "another shape": b'{"schema": 1, "home": "a", "value": {"slots": 7, "rejected": 7, "suspended": 7}}',
    "a later schema": b'{"schema": 2, "home": "a", "value": {}}',
}


@pytest.mark.parametrize("data", DAMAGED.values(), ids=DAMAGED)
def test_a_damaged_file_is_as_good_as_none(tmp_path: Path, data: bytes) -> None:
    for name in ("admitted", "memory", "overrides"):
        (tmp_path / f"{name}.json").write_bytes(data)
    state = StateDir(HostFs(), str(tmp_path), "a")
    assert (state.admitted(), state.memory(), state.overrides()) == (None, Memory(), Overrides())


def test_what_was_written_is_read_again_by_its_own_home_alone(tmp_path: Path) -> None:
    written = Admitted(digest="1")
    StateDir(HostFs(), str(tmp_path), "a").write_admitted(written)
    assert (tmp_path / "admitted.json").stat().st_mode & 0o777 == 0o600
    assert StateDir(HostFs(), str(tmp_path), "a").admitted() == written
    with pytest.raises(ForeignState, match="another home"):
        StateDir(HostFs(), str(tmp_path), "b").admitted()
