"""Headers and footers that one label's pages share: found in both languages, told with figures."""

import random

import pytest

from gristmill.pipelines.classifiers.choose import Document, Labelled
from gristmill.pipelines.classifiers.templates import passage_warnings, shared_passages

WORDS = {
    "en": ["river", "mill", "grain", "bread", "village", "bridge", "water", "stone"],
    "zh": [*"河水磨坊面粉桥村石头谷物风车"],
}
FOOTER = {
    "en": "retrieved from the millers journal text is available under its own terms and conditions",
    "zh": " ".join("取自磨坊百科文字在许可协议下提供隐私政策"),
}


def labelled(lang: str, share: dict[str, float], held_out: bool) -> list[Labelled]:
    """100 documents of each label alike but for a footer, which a share of a label's documents has."""
    rng = random.Random(held_out)
    made = []
    for label, of in share.items():
        for number in range(100):
            words = " ".join(rng.choices(WORDS[lang], k=60))
            line = f"{words} {FOOTER[lang]}" if number < of * 100 else words
            made.append(Labelled(label, Document(line, lang, "", str(number)), held_out))
    return made


def found_in(lang: str, share: dict[str, float]):
    """What is found of a model that knows the footer and nothing else."""
    held = labelled(lang, share, held_out=True)

    def area_under_roc(lines):
        with_it = dict.fromkeys(share, 0)
        for one, line in zip(held, lines, strict=True):
            with_it[one.label] += FOOTER[lang] in line
        return 0.5 + (with_it["good"] - with_it["raw"]) / 200

    return shared_passages(labelled(lang, share, held_out=False), held, "good", area_under_roc)


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_a_footer_that_one_label_has_is_told_with_figures(lang) -> None:
    found = found_in(lang, {"good": 0.9, "raw": 0.02})
    assert found is not None
    assert (found["documents_with_label"], found["documents_without_it"]) == (0.9, 0.02)
    assert found["words"] == len(FOOTER[lang].split())
    assert (found["area_under_roc"], found["without_them"]) == (0.94, 0.5)
    (warning,) = passage_warnings(found, "good")
    assert "90% of the documents of `good` and 2% of the others" in warning
    assert "without them the area under the ROC curve is 0.50, with them 0.94" in warning


@pytest.mark.parametrize("share", [{"good": 0.9, "raw": 0.9}, {"good": 0.1, "raw": 0.0}, {"good": 0.0, "raw": 0.0}])
def test_what_both_have_or_few_have_is_no_template(share) -> None:
    found = found_in("en", share)
    assert found is None
    assert passage_warnings(found, "good") == []


def test_what_the_others_share_is_one_too() -> None:
    found = found_in("zh", {"good": 0.0, "raw": 0.8})
    assert found is not None
    assert found["documents_without_it"] == 0.8
