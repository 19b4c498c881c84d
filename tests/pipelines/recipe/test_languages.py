"""Codes of languages: what is meant by what people write."""

import pytest

from filters.language.identify import load_model
from pipelines.recipe.languages import MEANT, NAMES, wrong_language


@pytest.mark.parametrize("code", ["en", "zh", "ja", "yue", "wuu", "ceb", "und", "frr"])
def test_wrong_language__codes_that_documents_can_have(code):
    assert wrong_language(code) is None


def test_wrong_language__knows_everything_that_identification_gives():
    labels = [label.removeprefix("__label__") for label in load_model().get_labels()]
    assert [code for code in labels if wrong_language(code)] == []


@pytest.mark.parametrize(
    ("wrong", "right"),
    {
        "English": "en", "chinese": "zh", "Chineese": "zh", "cn": "zh", "zh-CN": "zh", "zh_Hans": "zh", "EN": "en",
        "jp": "ja", "eng": "en", "cmn": "zh", "zho": "zh", "deu": "de", "en-US": "en", "Deutsch": "de", "中文": "zh",
        "german": "de",
    }.items(),
)  # fmt: skip
def test_wrong_language__says_what_is_meant(wrong, right):
    assert f"did you mean '{right}'" in (wrong_language(wrong) or "")


def test_wrong_language__documents_that_declare_three_letters_can_be_asked_for():
    assert wrong_language("deu", own_codes=True) is None
    assert wrong_language("German", own_codes=True) is not None


@pytest.mark.parametrize("wrong", ["xx", "", "1", "q" * 300])
def test_wrong_language__no_language_at_all(wrong):
    assert "ISO 639-1" in (wrong_language(wrong) or "")


def test_meant__leads_to_codes():
    assert set(MEANT.values()) <= set(NAMES)
    assert not set(MEANT) & set(NAMES) - {"kr", "cr"}
