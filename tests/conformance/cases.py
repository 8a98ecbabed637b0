"""Words that the cases share."""

import contextlib
from collections.abc import Iterator

import pytest

from hal0_operator.model.action import Fault, FaultKind
from hal0_operator.seams.podman import PodmanFault


class Seen:
    fault: Fault


@contextlib.contextmanager
def refused(*kinds: FaultKind) -> Iterator[Seen]:
    """The call fails with one of these kinds, and with a message."""
    seen = Seen()
    with pytest.raises(PodmanFault) as caught:
        yield seen
    seen.fault = caught.value.fault
    assert seen.fault.kind in kinds, seen.fault
    assert seen.fault.message
