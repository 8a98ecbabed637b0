"""The state directory: what survives the operator, each file written whole or not at all.

A file that cannot be read is as good as none: a cold start, which fails closed.
"""

from typing import Any, TypeVar

import msgspec

from hal0_operator.loop.sync_state import SourceMemory
from hal0_operator.model.memory import Memory, Overrides
from hal0_operator.model.snapshot import Admitted
from hal0_operator.seams.fs import Fs

SCHEMA = 1
LIMIT = 256 * 1024 * 1024
PRIVATE = 0o600
DAMAGED = (ValueError, RecursionError)
"""What decoding raises for a text that is no JSON, no UTF-8, of another shape, or nested without end."""

T = TypeVar("T")


class Envelope(msgspec.Struct, frozen=True):
    """``home`` is the id of the one home that this state is about."""

    schema: int
    home: str
    value: msgspec.Raw


class ForeignState(Exception):
    """The state directory serves another home; the message says what to do."""


class StateDir:
    """``admitted.json``, ``memory.json``, ``overrides.json`` and, for a git repository, ``source.json`` of one home.

    Who only ``looks`` holds no lock, and what it finds is not kept.
    """

    def __init__(self, fs: Fs, folder: str, home: str, *, looks: bool = False) -> None:
        self._fs = fs
        self.looks = looks
        self._home = home
        self.folder = folder

    def admitted(self) -> Admitted | None:
        return self._read("admitted.json", Admitted)

    def memory(self) -> Memory:
        return self._read("memory.json", Memory) or Memory()

    def overrides(self) -> Overrides:
        return self._read("overrides.json", Overrides) or Overrides()

    def source(self) -> SourceMemory:
        return self._read("source.json", SourceMemory) or SourceMemory()

    def write_admitted(self, value: Admitted) -> None:
        self._write("admitted.json", value)

    def write_memory(self, value: Memory) -> None:
        self._write("memory.json", value)

    def write_overrides(self, value: Overrides) -> None:
        self._write("overrides.json", value)

    def write_source(self, value: SourceMemory) -> None:
        self._write("source.json", value)

    def _write(self, name: str, value: Any) -> None:
        """Raises OSError."""
        if self.looks:
            return
        data = msgspec.json.encode(Envelope(SCHEMA, self._home, msgspec.Raw(msgspec.json.encode(value))))
        self._fs.write_atomic(f"{self.folder}/{name}", data, PRIVATE)

    def _read(self, name: str, type: type[T]) -> T | None:
        """None when there is none, it is damaged or of a later schema.  Raises ``ForeignState``."""
        path = f"{self.folder}/{name}"
        try:
            data = self._fs.read(path, LIMIT)
            envelope = msgspec.json.decode(data, type=Envelope)
        except (OSError, *DAMAGED):
            return None
        if envelope.home != self._home:
            raise ForeignState(
                f"{self.folder} holds the state of another home ({envelope.home}, this one is {self._home}): "
                f'use another --state-dir, or set home_id = "{envelope.home}" if the home only moved'
            )
        if envelope.schema != SCHEMA:
            return None
        try:
            return msgspec.json.decode(envelope.value, type=type)
        except DAMAGED:
            return None
