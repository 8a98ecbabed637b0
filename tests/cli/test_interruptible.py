"""What waits for the operator ends with Ctrl-C, whenever that comes."""

import os
import select
import signal
import socket
from collections.abc import Iterator

import pytest

from hal0_operator.cli.interruptible import Interruptible

Pair = tuple[Interruptible, socket.socket]


@pytest.fixture
def pair() -> Iterator[Pair]:
    one, other = socket.socketpair()
    with Interruptible(fileno=one.detach()) as here, other:
        here.settimeout(30)
        yield here, other


def test_bytes_come_as_ever(pair: Pair) -> None:
    here, other = pair
    other.sendall(b"data: 1\n")
    assert here.makefile("rb").readline() == b"data: 1\n"
    other.close()
    assert here.makefile("rb").readline() == b""


def test_silence_is_a_timeout(pair: Pair) -> None:
    here, _ = pair
    here.settimeout(0.01)
    with pytest.raises(TimeoutError):
        here.recv_into(bytearray(1))


def test_a_signal_of_the_last_moment_is_seen_before_the_kernel_waits(
    pair: Pair, monkeypatch: pytest.MonkeyPatch
) -> None:
    """Its first half, in C, has run when the wait begins, its second in Python has not: that raises then."""
    here, _ = pair
    waited = select.select

    def late(reads, writes, errors, timeout):
        wakes = signal.set_wakeup_fd(-1)
        signal.set_wakeup_fd(wakes)
        os.write(wakes, bytes([signal.SIGINT]))
        found = waited(reads, writes, errors, timeout)
        assert found[0], "it waited although a signal was there"
        raise KeyboardInterrupt

    monkeypatch.setattr(select, "select", late)
    with pytest.raises(KeyboardInterrupt):
        here.recv_into(bytearray(1))
    assert signal.set_wakeup_fd(-1) == -1, "whoever was told before is told again"


def test_a_signal_that_interrupts_nothing_lets_the_wait_go_on(pair: Pair) -> None:
    here, other = pair
    before = signal.signal(signal.SIGUSR1, lambda *_: other.sendall(b"x"))
    try:
        signal.raise_signal(signal.SIGUSR1)
        assert here.recv_into(bytearray(1)) == 1
    finally:
        signal.signal(signal.SIGUSR1, before)
