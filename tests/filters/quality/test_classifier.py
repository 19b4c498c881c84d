"""Probabilities, against fastText's own predictions of the same lines."""

import math
import os
import struct
import subprocess
import sys

import fasttext
import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.by_language import ANY
from gristmill.filters.judge import Entry, Judge
from gristmill.filters.quality.classifier import Classifier, same_labels, signal_names
from gristmill.filters.quality.feeding import PLAIN, feed_words
from gristmill.filters.quality.model_file import NoModelError, read_about
from gristmill.filters.quality.signals import Draw, declare
from gristmill.filters.quality.train import ZEROED_MEMORY
from gristmill.filters.rules import own_rules
from gristmill.filters.signals import SIGNALS

TEXTS = {
    "en": [
        "The river mill ground grain.",
        "Buy cheap casino bonus, click now!",
        "Other words altogether",
        "",
        "good " * 3000,
    ],
    "zh": ["磨坊坐落在河边，人们带着粮食。", "扫码关注微信客服，注册送彩金", "别的话", "", "磨" * 3000],
}


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


def fasttext_trains(folder, function: str, name: str, **options) -> None:
    """A model of lines.txt by fastText itself. One thread leaves memory as it finds it (filters/quality/train.py), two
    race each other: so in a process whose memory is zeroed."""
    code = f"import fasttext; fasttext.{function}('lines.txt', **{options}).save_model({name!r})"
    subprocess.run([sys.executable, "-c", code], cwd=folder, env={**os.environ, **ZEROED_MEMORY}, check=True)


@pytest.fixture(autouse=True)
def _forget():
    yield
    declare([], [])


@pytest.mark.parametrize("suffix", [".bin", ".ftz"])
@pytest.mark.parametrize("lang", ["en", "zh"])
def test_probabilities__are_fasttexts_own(small_models, lang, suffix) -> None:
    file = small_models.file(lang, suffix)
    model, theirs = small_models.model(file), fasttext.load_model(str(file))
    found = model.probabilities(column(TEXTS[lang]))
    for row, line in enumerate(feed_words(column(TEXTS[lang])).to_pylist()):
        labels, values = theirs.predict([line], k=-1)
        expected = dict(zip(labels[0], values[0], strict=True))
        for label, value in zip(model.labels, found[row], strict=True):
            assert value == pytest.approx(min(1.0, expected[f"__label__{label}"]), abs=1e-6)
    good = found[:, model.labels.index("good")]
    assert good[0] > 0.9 > 0.1 > good[1]


def test_probabilities__a_document_does_not_depend_on_its_batch(small_models) -> None:
    model = small_models.model(small_models.file())
    together = model.probabilities(column(TEXTS["en"]))
    alone = np.concatenate([model.probabilities(column([text])) for text in TEXTS["en"]])
    assert np.array_equal(together, alone)


def test_values__each_language_by_its_model_and_none_for_others(small_models) -> None:
    models = tuple((lang, small_models.model(small_models.file(lang))) for lang in ("en", "zh"))
    edu = Classifier("edu", models, (("edu", "good"),), frozenset(["en", "zh"]))
    texts = [TEXTS["en"][0], TEXTS["zh"][0], "Die Mühle stand am Fluss.", TEXTS["zh"][1]]
    value_D = edu.values(column(texts), pa.array(["en", "zh", "de", "zh"]))[:, 0]
    assert value_D[0] > 0.9
    assert value_D[1] > 0.9
    assert math.isnan(value_D[2])
    assert value_D[3] < 0.1
    with pytest.raises(ValueError, match="give the languages"):
        edu.values(column(texts), None)


def test_declare__a_rule_judges_by_it_and_every_document_has_its_number(small_models) -> None:
    model = small_models.model(small_models.file())
    declare([Classifier("edu", ((ANY, model),), (("edu", "good"),), frozenset(["en"]))], [])
    assert not SIGNALS["edu"].valid_for("zh")
    entry = Entry(frozenset(["en"]), None, frozenset(["web"]), (own_rules([("edu", 0.5, None)]),))
    judge = Judge([entry], measured=["edu"])
    languages, sources = pa.array(["en", "en", "zh", "en"]), pa.array(["web", "web", "web", "books"])
    texts = column([*TEXTS["en"][:2], TEXTS["zh"][0], TEXTS["en"][0]])
    found = judge.judge(texts, languages, pa.array(["Latn", "Latn", "Hani", "Latn"]), sources)
    assert found.fired.to_pylist() == [[], ["recipe/edu_min"], [], []]
    edu = found.signals.column("edu").to_pylist()
    assert edu[0] > 0.9 > 0.1 > edu[1]
    assert edu[2] is None
    assert edu[3] == edu[0]
    declare([], [])
    assert "edu" not in SIGNALS


def test_declare__a_name_that_is_taken_is_an_error(small_models) -> None:
    model = small_models.model(small_models.file())
    with pytest.raises(ValueError, match="'plain_words' is Gristmill's own"):
        declare([Classifier("plain_words", ((ANY, model),), (("plain_words", "good"),), None)], [])


def test_signal_names__a_positive_label_or_all() -> None:
    assert signal_names("toxic", ["hate", "clean"], None) == {"toxic.hate": "hate", "toxic.clean": "clean"}
    assert signal_names("edu", ["cc", "hq"], "hq") == {"edu": "hq"}
    with pytest.raises(ValueError, match="no label 'good'; its labels are cc, hq"):
        signal_names("edu", ["cc", "hq"], "good")


def test_same_labels__names_both_sets(small_models, tmp_path) -> None:
    other = small_models.train(tmp_path / "other.bin", [("hq", "a b c"), ("cc", "d e f")] * 20)
    models = {"en": small_models.model(small_models.file()), "zh": small_models.model(other, PLAIN)}
    with pytest.raises(ValueError, match="en has good, raw, zh has cc, hq"):
        same_labels(models)


@settings(max_examples=50)
@given(st.floats(0, 1), st.floats(0.5, 20), st.integers(0, 2**63 - 1))
def test_draw__keeps_as_many_as_gpt3s(score: float, alpha: float, seed: int) -> None:
    """Pareto's own distribution: P(X > 1 - s) = (2 - s) ** -alpha, for any score, alpha and seed."""
    doc_id = pa.array([f"{number:032x}" for number in range(2000)])
    kept = (Draw("edu", alpha, seed).values(doc_id) > 1 - score).mean()
    expected = (2 - score) ** -alpha
    assert abs(kept - expected) < 5 * math.sqrt(max(expected * (1 - expected), 1e-3) / 2000)


@given(st.lists(st.text(alphabet="0123456789abcdef", min_size=32, max_size=32), min_size=1, max_size=20), st.randoms())
def test_draw__is_the_documents_own(doc_ids: list[str], rng) -> None:
    draw = Draw("edu", 9.0, 3)
    values = dict(zip(doc_ids, draw.values(pa.array(doc_ids)), strict=True))
    shuffled = rng.sample(doc_ids, len(doc_ids))
    assert [values[one] for one in shuffled] == list(draw.values(pa.array(shuffled)))
    assert all(0 <= value < math.inf for value in values.values())


def test_draw__another_seed_or_signal_draws_others() -> None:
    doc_id = pa.array([f"{number:032x}" for number in range(100)])
    draws = [Draw("edu", 9), Draw("edu", 9, 1), Draw("toxic.hate", 9)]
    assert len({tuple(draw.values(doc_id)) for draw in draws}) == 3


@pytest.mark.parametrize("suffix", [".bin", ".ftz"])
def test_read_about__whole_models_of_fasttext(small_models, suffix) -> None:
    file = small_models.file("zh", suffix)
    about, theirs = read_about(file), fasttext.load_model(str(file))
    assert [f"__label__{label}" for label in about.labels] == theirs.get_labels()
    assert about.words == len(theirs.get_words())
    assert about.quantized == theirs.is_quantized()


@pytest.mark.parametrize("suffix", [".bin", ".ftz"])
def test_read_about__cut_off_anywhere(small_models, tmp_path, suffix) -> None:
    whole = small_models.file("en", suffix).read_bytes()
    file = tmp_path / "cut.bin"
    for size in [*range(0, 200, 7), *range(200, len(whole), max(1, len(whole) // 60)), len(whole) - 1]:
        file.write_bytes(whole[:size])
        with pytest.raises(NoModelError, match=r"cut off|no fastText model"):
            read_about(file)
    file.write_bytes(whole + b"\0")
    with pytest.raises(NoModelError, match="bytes follow it"):
        read_about(file)


def test_read_about__numbers_that_are_not_finite(small_models, tmp_path) -> None:
    whole = bytearray(small_models.file("en", ".bin").read_bytes())
    whole[-4:] = struct.pack("<f", math.nan)
    (tmp_path / "nan.bin").write_bytes(whole)
    with pytest.raises(NoModelError, match="not finite"):
        read_about(tmp_path / "nan.bin")


@pytest.mark.parametrize("loss", ["softmax", "hs", "ova"])
def test_read_about__one_label_is_always_the_answer(tmp_path, loss) -> None:
    (tmp_path / "lines.txt").write_text("__label__good a b c d\n" * 100)
    options = {"loss": loss, "dim": 4, "bucket": 100, "thread": 1}
    fasttext_trains(tmp_path, "train_supervised", "one.bin", **options)
    if loss == "ova":  # a probability of its own
        assert read_about(tmp_path / "one.bin").labels == ("good",)
        return
    with pytest.raises(NoModelError, match="one label, so it says 1 of every document"):
        read_about(tmp_path / "one.bin")


def test_read_about__word_vectors_are_no_classifier(tmp_path) -> None:
    (tmp_path / "lines.txt").write_text("a b c d\n" * 100)
    fasttext_trains(tmp_path, "train_unsupervised", "vectors.bin", dim=4, minCount=1, bucket=100, thread=1)
    with pytest.raises(NoModelError, match="no labels"):
        read_about(tmp_path / "vectors.bin")


@pytest.mark.parametrize("loss", ["softmax", "ova", "hs"])
def test_probabilities__other_peoples_models_are_asked_with_the_text_as_it_stands(small_models, tmp_path, loss) -> None:
    """With subwords, capitals and labels of any number, as published ones are."""
    rows = [("HQ", "The river mill ground grain"), ("cc-1", "BUY cheap Bonus now"), ("other", "Star planet orbit")] * 40
    (tmp_path / "lines.txt").write_text("".join(f"__label__{label} {line}\n" for label, line in rows))
    options = {"dim": 6, "minn": 2, "maxn": 3, "bucket": 5000, "epoch": 20, "thread": 1, "minCount": 1, "verbose": 0}
    fasttext_trains(tmp_path, "train_supervised", "theirs.bin", loss=loss, **options)
    theirs = fasttext.load_model(str(tmp_path / "theirs.bin"))
    model = small_models.model(tmp_path / "theirs.bin", PLAIN)
    texts = ["The River mill\nground the grain", "BUY\u2028Bonus </s> now", "", "磨坊", "Star"]
    found = model.probabilities(column(texts))
    for row, text in enumerate(texts):
        labels, values = theirs.predict([" ".join(text.replace("</s>", " ").splitlines())], k=-1)
        expected = dict(zip(labels[0], values[0], strict=True))
        assert list(found[row]) == [min(1.0, expected.get(f"__label__{label}", 0.0)) for label in model.labels]
    assert found[0, model.labels.index("HQ")] > found[1, model.labels.index("HQ")]
