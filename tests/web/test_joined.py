import asyncio

import pytest

from hal0_operator.web.joined import MOST, Joined


class Kernel(asyncio.Transport):
    """What reached it, in order."""

    def __init__(self) -> None:
        super().__init__()
        self.said: list[bytes | str] = []

    def write(self, data: bytes | bytearray | memoryview) -> None:
        self.said.append(bytes(data))

    def close(self) -> None:
        self.said.append("closed")

    def abort(self) -> None:
        self.said.append("aborted")


@pytest.fixture
def anyio_backend() -> str:
    return "asyncio"


pytestmark = pytest.mark.anyio


async def test_what_is_written_in_one_turn_goes_as_one() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(b"head ")
    joined.writelines([b"bo", b"dy"])
    assert kernel.said == []
    await asyncio.sleep(0)
    joined.write(b"next")
    await asyncio.sleep(0)
    assert kernel.said == [b"head body", b"next"]


async def test_whoever_writes_without_a_pause_is_not_held_back_for_ever() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    for _ in range(4):
        joined.write(b"x" * MOST)
    assert kernel.said == [b"x" * MOST * 2] * 2


async def test_what_was_written_before_the_end_still_goes_unless_it_is_an_abort() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(b"last words")
    joined.close()
    joined.write(b"too late")
    joined.abort()
    await asyncio.sleep(0)
    assert kernel.said == [b"last words", "closed", "aborted"]


async def test_later_writes_are_not_caught_by_the_turn_of_earlier_ones() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(b"x" * (MOST + 1))
    joined.write(b"y")
    await asyncio.sleep(0)
    assert kernel.said == [b"x" * (MOST + 1), b"y"]
