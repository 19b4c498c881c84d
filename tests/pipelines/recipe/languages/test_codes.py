"""Codes of languages: what is meant by what people write."""

import pytest

from gristmill.filters.language.identify import MIXED, NOISE, UNKNOWN
from gristmill.filters.language.model import load_model
from gristmill.pipelines.recipe.decisions import When
from gristmill.pipelines.recipe.languages.codes import (
    MEANT,
    NAMES,
    codes,
    known_language,
    normal_language,
    wrong_language,
)
from gristmill.pipelines.recipe.sources import Source


@pytest.mark.parametrize("code", ["en", "zh", "ja", "yue", "wuu", "ceb", "und", "frr"])
def test_wrong_language__codes_that_documents_can_have(code):
    assert wrong_language(code) is None


def test_wrong_language__knows_everything_that_identification_gives():
    labels = [*load_model().labels, UNKNOWN, NOISE, MIXED]
    assert [code for code in labels if wrong_language(known_language(code))] == []


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


@pytest.mark.parametrize("wrong", ["xx", "", "1", "q" * 300])
def test_wrong_language__no_language_at_all(wrong):
    assert "ISO 639-1" in (wrong_language(wrong) or "")


def test_meant__leads_to_codes():
    assert set(MEANT.values()) <= set(NAMES)
    assert not set(MEANT) & set(NAMES) - {"kr", "cr"}


@pytest.mark.parametrize(
    ("label", "code"),
    [
        ("en", "en"), (" EN ", "en"), ("eng", "en"), ("en-US", "en"), ("en_GB.UTF-8", "en"), ("English", "en"),
        ("zh", "zh"), ("zho", "zh"), ("chi", "zh"), ("cmn", "zh"), ("cmn_Hani", "zh"), ("zh-Hant-TW", "zh"),
        ("zho,eng", "zh"), ("zh-yue", "yue"), ("zh-min-nan", "nan"), ("zh_yue-HK", "yue"), ("zh-CHS", "zh"),
        ("CHINESE", "zh"), ("中文", "zh"), ("pt_BR", "pt"), ("arb_Arab", "ar"), ("ara", "ar"),
        ("glg", "gl"), ("glg_Latn", "gl"), ("ekk", "et"), ("lvs", "lv"), ("swh", "sw"), ("zsm", "ms"), ("npi", "ne"),
        ("pes_Arab", "fa"), ("prs", "fa"), ("nob_Latn", "no"), ("nb", "no"), ("nno", "nn"), ("als_Latn", "sq"),
        ("uzn", "uz"), ("azj", "az"), ("khk", "mn"), ("plt", "mg"), ("kmr", "ku"), ("ydd", "yi"), ("ory", "or"),
        ("iw", "he"), ("in", "id"), ("fil", "tl"), ("tgl", "tl"), ("ger", "de"), ("per", "fa"), ("gre", "el"),
        ("Norwegian Bokmal", "nb"), ("scottish gaelic", "scottish"), ("yue", "yue"), ("ceb_Latn", "ceb"),
        ("tlh", "tlh"), ("klingon", "klingon"), ("xq", "xq"),
        ("und", None), ("mul", None), ("", None), ("n/a", None), ("?", None), ("None", None), ("12", None),
        ("x" * 9, None),
    ],
)  # fmt: skip
def test_normal_language__every_usual_way_to_write_it(label, code):
    assert normal_language(label) == code


def test_normal_language__is_at_home_in_every_code():
    assert all(normal_language(code) in NAMES for code in codes())
    assert all(normal_language(code) == code for code in NAMES if code != "nb")


def test_known_language__leaves_what_is_wrong_for_the_check():
    assert [known_language(label) for label in ("zho", "German", "cn", "klingon", "yue")] == [
        "zh", "de", "cn", "klingon", "yue",
    ]  # fmt: skip
    assert When(language=["arb_Arab", "ar", "glg"]).language == ["ar", "gl"]
    assert Source(format="text", paths=["a"], language="cmn_Hani").language == "zh"
