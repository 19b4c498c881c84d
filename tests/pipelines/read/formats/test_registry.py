"""Every format that a recipe can name has a reader, and every reader is whole."""

import pytest

from gristmill.pipelines.read.formats import READERS
from gristmill.pipelines.recipe.sources import FORMATS


def test_readers__are_the_formats_of_a_recipe() -> None:
    assert set(READERS) == set(FORMATS)


@pytest.mark.parametrize("name", READERS)
def test_reader__reads_in_one_way_and_finds_its_files(name: str) -> None:
    reader = READERS[name]
    assert (reader.items is None) != (reader.batches is None)
    assert bool(reader.suffixes) != (reader.inputs is not None)
