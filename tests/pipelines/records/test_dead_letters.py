"""What a dead letter says, for a person: in our words, the same for all records with the same fault."""

import pytest

from gristmill.pipelines.records.dead_letters import in_words


@pytest.mark.parametrize(
    ("error", "words"),
    [
        ("JSONDecodeError: Expecting value: line 1 column 1 (char 0)", "it is not JSON (JSONDecodeError)"),
        (
            "UnicodeDecodeError: 'utf-8' codec can't decode byte 0x8b in position 1: x",
            "it is not UTF-8",
        ),
        ("error: Error -3 while decompressing data: incorrect header check", "no gzip file"),
        ("WrongType: field '正文' is a number, not a string", "WrongType: field '正文' is a number, not a string"),
    ],
)
def test_in_words__no_wording_of_a_library(error: str, words: str) -> None:
    assert words in in_words(error)
    assert "codec" not in in_words(error)
    assert in_words(in_words(error)) == in_words(error)
