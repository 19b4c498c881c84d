from collections.abc import Callable

import pytest

from gristmill.filters.pii.engine import Scrubber
from tests.filters.pii.labelled import Sample, labelled_set


@pytest.fixture(scope="session")
def labelled() -> Callable[[int, int], list[Sample]]:
    """labelled_set(seed, rounds)."""
    return labelled_set


@pytest.fixture(scope="session")
def scrubber() -> Scrubber:
    """The default set, tags."""
    return Scrubber()
