"""An index of some items, built for a test."""

from collections.abc import Callable, Sequence
from pathlib import Path

import pytest

from gristmill.filters.contamination.index import Index, read_about, write
from gristmill.filters.contamination.items import Item, Sizes
from gristmill.filters.placed import place


@pytest.fixture
def index_of(tmp_path) -> Callable[[Sequence[Item]], Index]:
    def build(items: Sequence[Item]) -> Index:
        file = Path(tmp_path) / "sets"
        write(file, {"set": items}, {"set": "0" * 64}, Sizes())
        about = read_about(file)
        place(about, file)
        return about.index

    return build
