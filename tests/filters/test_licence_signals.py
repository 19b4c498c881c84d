"""The licence of a document as a signal: from whatever its record says."""

import json

import pyarrow as pa
import pytest

from gristmill.filters.signals import score

NAMES = ["license_openness", "license_open"]


def of(*licences: object) -> list[tuple[float, float]]:
    metas = [json.dumps({"title": "磨坊", "license": one}, ensure_ascii=False) for one in licences]
    texts = pa.array(["x"] * len(metas), pa.large_string())
    found = score(texts, NAMES, {"meta": pa.array(metas, pa.large_string())})
    return list(zip(found["license_openness"].tolist(), found["license_open"].tolist(), strict=True))


@pytest.mark.parametrize(
    ("licence", "level"),
    [
        ("CC0-1.0", 4),
        ("CC-BY-4.0", 3),
        ("https://creativecommons.org/licenses/by-sa/3.0/", 2),
        ("署名-非商业性使用-相同方式共享 4.0", 1),
        ("GPL-3.0-or-later", 2),
        ("MIT OR CC-BY-NC-4.0", 3),
        (["MIT", "CC-BY-NC-4.0"], 1),
        ("All rights reserved", 0),
        (None, 0),
        (7, 0),
        ({"id": "MIT"}, 0),
    ],
)
def test_openness_of_a_field(licence, level) -> None:
    assert of(licence) == [(level, float(level >= 2))]


def test_a_field_elsewhere_or_a_word_in_another_field_is_none() -> None:
    metas = ["{}", '{"repo": {"license": "MIT"}}', '{"title": "\\"license\\": \\"MIT\\""}', None]
    found = score(pa.array(["x"] * 4, pa.large_string()), NAMES, {"meta": pa.array(metas, pa.large_string())})
    assert found["license_openness"].tolist() == [0, 0, 0, 0]


def test_without_records_none_is_told() -> None:
    assert score(pa.array(["x"], pa.large_string()), NAMES)["license_open"].tolist() == [0]
