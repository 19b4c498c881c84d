"""The kernel for fastText's classifiers gives fastText's probabilities, whatever stands in a text."""

import random

import fasttext
import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.quality.bag import read_bag
from gristmill.filters.quality.classifier import load_bag
from gristmill.filters.quality.model_file import LABEL, read_about
from tests.small_models import WORDS_OF, labelled_texts


def lines() -> list[tuple[str, str]]:
    """Labelled, in English and Chinese; one label has texts of both kinds."""
    made = [(label, text) for label in ("good", "raw") for lang in ("en", "zh") for text in labelled_texts(label, lang)]
    made += [("third", one) for _, one in made[::3]]
    random.Random(0).shuffle(made)
    return [(label, " ".join(text) if " " not in text else text) for label, text in made]


def asked() -> list[str]:
    rng = random.Random(1)
    words = [
        *WORDS_OF["good", "en"],
        *WORDS_OF["raw", "zh"],
        "unheard",
        "陌生",
        "__label__good",
        "__label__new",
        "naïve",
    ]
    made = ["\t".join(rng.choices(words, k=rng.randint(0, 30))) for _ in range(200)]
    return ["", " ", "\x0b\x0c\0", "unheard", "river", "__label__raw", "_", *made, " ".join(made)]


def by_fasttext(file, texts: list[str]) -> np.ndarray:
    labels = read_about(file).labels
    found, values = fasttext.load_model(str(file)).predict(texts, k=-1)
    wanted = np.zeros((len(texts), len(labels)))
    for row, (names, some) in enumerate(zip(found, values, strict=True)):
        wanted[row, [labels.index(name.removeprefix(LABEL)) for name in names]] = some
    return wanted


@pytest.mark.parametrize("options", [{}, {"word_ngrams": 1}, {"word_ngrams": 4, "buckets": 999}, {"min_count": 30}])
def test_probabilities_are_fasttexts(small_models, tmp_path, options):
    file = small_models.train(tmp_path / "m.bin", lines(), **{"dimensions": 5, **options})
    made = read_bag(file)
    assert made is not None
    found, wanted = made.probabilities(pa.array(asked(), pa.large_string())), by_fasttext(file, asked())
    assert wanted.std(axis=0).min() > 0.05
    np.testing.assert_allclose(found, wanted, atol=1e-6)


def test_batches_do_not_matter(small_models, tmp_path):
    made = read_bag(small_models.file())
    whole = made.probabilities(pa.array(asked(), pa.large_string()))
    alone = [made.probabilities(pa.array([one], pa.large_string()))[0] for one in asked()]
    assert (np.array(alone) == whole).all()
    sliced = pa.array(["other", *asked()], pa.large_string()).slice(1)
    assert (made.probabilities(sliced) == whole).all()
    assert made.probabilities(pa.array([], pa.large_string())).shape == (0, 2)


@pytest.mark.parametrize(("at", "value"), [(32, 1), (32, 2), (32, 4), (48, 3)])
def test_other_losses_and_n_grams_of_characters__left_to_fasttext(small_models, tmp_path, at, value):
    """fastText's arguments stand at the head of a file: the loss at byte 32, the longest n-gram at 48."""
    data = bytearray(small_models.file().read_bytes())
    assert (data[32], data[48]) == (3, 0)
    data[at] = value
    (tmp_path / "m.bin").write_bytes(data)
    assert read_bag(tmp_path / "m.bin") is None


def test_compressed__left_to_fasttext(small_models):
    assert read_bag(small_models.file("en", ".ftz")) is None


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_classifier__asks_the_kernel(small_models, lang):
    file = small_models.file(lang)
    model, texts = small_models.model(file), [labelled_texts(label, lang)[0] for label in ("good", "raw")]
    assert load_bag(model.sha256) is not None
    found = model.probabilities(pa.array(texts, pa.large_string()))
    assert found.argmax(axis=1).tolist() == [model.labels.index("good"), model.labels.index("raw")]
    assert found.shape == (2, 2)
