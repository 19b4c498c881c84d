"""Strings of a column as JSON: those that hold what JSON escapes, and those beside them."""

import json

import pyarrow as pa
import pytest

from gristmill.pipelines.read.formats.json.columns import json_values

VALUES = ["", "a mill", "磨坊 \x7f\u2028", None]


@pytest.mark.parametrize("character", ['"', "\\", *map(chr, range(0x20))])
def test_json_values__escape_what_json_cannot_hold(character):
    values = [*VALUES, f"磨{character}坊"]
    texts = json_values(pa.array(["x", *values], pa.large_string()).slice(1)).to_pylist()
    assert texts == [json.dumps(value, ensure_ascii=False) for value in values]


def test_json_values__of_strings_without_it():
    assert json_values(pa.array(VALUES)).to_pylist() == [json.dumps(value, ensure_ascii=False) for value in VALUES]
