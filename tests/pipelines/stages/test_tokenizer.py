"""How much text trains a tokenizer."""

import pytest

from gristmill.pipelines.recipe.schema import Tokenizer
from gristmill.pipelines.stages.tokenizer import sample_bytes


@pytest.mark.parametrize(
    ("options", "expected"),
    [
        ({}, 25_000_000),
        ({"vocabulary": 10_000}, 30_000_000),
        ({"vocabulary": 32_000}, 50_000_000),
        ({"sample_bytes": "7MB"}, 7_000_000),
        ({"sample_bytes": "80MB", "vocabulary": 1024}, 80_000_000),
    ],
)
def test_sample_bytes__follows_the_vocabulary_unless_the_recipe_says_so(options, expected):
    assert sample_bytes(Tokenizer.model_validate(options)) == expected
