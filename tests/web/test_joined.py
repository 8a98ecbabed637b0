import asyncio

import pytest

from hal0_operator.web.joined import Joined

HEAD = b"HTTP/1.1 200 OK\r\n\r\n"


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


async def test_a_head_goes_with_the_first_piece_of_its_body_and_the_rest_at_once() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(HEAD)
    assert kernel.said == []
    joined.writelines([b"bo", b"dy"])
    joined.write(b"more")
    assert kernel.said == [HEAD + b"body", b"more"]
    await asyncio.sleep(0)
    assert len(kernel.said) == 2


async def test_a_head_that_nothing_follows_waits_for_no_more_than_a_turn() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(HEAD)
    await asyncio.sleep(0)
    joined.write(b"late")
    assert kernel.said == [HEAD, b"late"]


async def test_a_head_whose_body_has_a_length_waits_for_it_or_for_the_end() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    sized = b"HTTP/1.1 200 OK\r\ncontent-length: 4\r\n\r\n"
    joined.write(sized)
    await asyncio.sleep(0)
    assert kernel.said == []
    joined.write(b"body")
    joined.write(sized)
    joined.flush()
    joined.flush()
    assert kernel.said == [sized + b"body", sized]


async def test_heads_of_answers_that_follow_each_other_stay_in_order() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    for _ in range(3):
        joined.write(HEAD)
    await asyncio.sleep(0)
    assert b"".join(said for said in kernel.said if isinstance(said, bytes)) == HEAD * 3


async def test_what_was_written_before_the_end_still_goes_unless_it_is_an_abort() -> None:
    kernel = Kernel()
    joined = Joined(kernel)
    joined.write(HEAD)
    joined.close()
    joined.write(HEAD)
    joined.abort()
    await asyncio.sleep(0)
    assert kernel.said == [HEAD, "closed", "aborted"]
