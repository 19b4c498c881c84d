"""fineweb2@LANG: the published numbers, for any of its languages, found by any of its names."""

import pyarrow as pa
import pytest

from gristmill.filters.data.fineweb2 import codes, thresholds
from gristmill.filters.judge import Entry, Judge
from gristmill.filters.presets import PRESETS
from gristmill.filters.signals import SIGNALS, score


def bounds(name: str) -> dict[str, float]:
    return {rule.name: rule.threshold for rule in PRESETS[name].rules}


def test_fineweb2__the_numbers_of_german_as_its_file_has_them():
    found = bounds("fineweb2@deu_Latn")
    assert (found["duplicate_lines"], found["top_2grams"], found["top_4grams"]) == (0.263, 0.169, 0.137)
    assert (found["duplicate_5grams"], found["duplicate_10grams"]) == (0.141, 0.098)
    assert (found["mean_word_length_max"], found["alphabetic_words"], found["newlines"]) == (15, 0.774, 0.152)
    assert "mean_word_length_min" not in found  # 0 is off
    assert found["repeated_line_chars"] == 0.1


def test_fineweb2__chinese_without_what_needs_a_segmenter():
    found = bounds("fineweb2@cmn")
    assert found == {
        "duplicate_lines": 0.287, "punctuated_lines": 0.106, "repeated_line_chars": 0.1, "bullet_lines": 0.9,
        "ellipsis_lines": 0.3, "stop_words": 2,
    }  # fmt: skip
    assert all(rule.valid_for("zh") and not rule.valid_for("en") for rule in PRESETS["fineweb2@cmn"].rules)
    assert "segmenter" in PRESETS["fineweb2@cmn"].source


@pytest.mark.parametrize("name", ["fineweb2@de", "fineweb2@deu", "fineweb2@deu_Latn"])
def test_fineweb2__any_name_of_a_language(name):
    assert PRESETS[name].name == name
    assert bounds(name) == bounds("fineweb2@deu_Latn")
    assert PRESETS[name].rule_names()[0] == f"{name}/duplicate_lines"


@pytest.mark.parametrize(
    "name", ["fineweb2@xyz", "fineweb2@", "fineweb2@deu_Hani", "fineweb2", "fineweb2_stop_words_de"]
)
def test_fineweb2__no_other_name(name):
    assert name not in PRESETS
    assert name not in SIGNALS
    with pytest.raises(KeyError):
        PRESETS[name]


def test_fineweb2__every_language_has_a_preset_of_known_signals():
    assert len(codes()) == 1929
    for code in codes():
        preset = PRESETS[f"fineweb2@{code}"]
        assert all(rule.signal in SIGNALS for rule in preset.rules), code
    assert not any(name.startswith("fineweb2") for name in PRESETS), "too many to list"


def test_fineweb2__stop_words_of_three_scripts():
    texts = pa.array(["Der Müller und die Mühle, der", "他的书在这里", "ในบ้านที่มี", "nothing"], pa.large_string())
    names = [f"fineweb2_stop_words_{code}" for code in ("deu_Latn", "cmn_Hani", "tha_Thai")]
    found = score(texts, names)
    assert [found[name].tolist() for name in names] == [[3, 0, 0, 0], [0, 3, 0, 0], [0, 0, 3, 0]]
    assert thresholds("th").stop_words[:2] == ("ใน", "ที่")


def test_fineweb2__judges():
    text = "Die Mühle dreht sich, wenn der Fluss hoch steht, und der Müller schläft in den langen Nächten. "
    words = " ".join(f"Wort{n} und der Satz geht weiter mit Nummer {n}." for n in range(12))
    label = pa.array(["de"] * 2)
    judge = Judge([Entry(frozenset(["de"]), None, None, (PRESETS["fineweb2@de"],))])
    fired = judge.judge(pa.array([text, words], pa.large_string()), label, label, label).fired.to_pylist()
    assert "fineweb2@de/words_min" in fired[0]
    assert "fineweb2@de/top_3grams" in fired[1]
