"""What several tests of change sets stand on."""

from collections.abc import Iterator
from pathlib import Path

import pytest

from tests.home.change_sets import quick_folder


@pytest.fixture
def folder() -> Iterator[Path]:
    with quick_folder() as found:
        yield found
