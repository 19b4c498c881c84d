"""Our kernels say of any text what fastText's own library says, which is asked one text at a time."""

import hashlib

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.batch import text_buffers
from gristmill.filters.language.model import MODEL, load_model, parse

TEXTS = st.text() | st.text(alphabet="ab é中文かな한글Яж1.，<>_\t\0") | st.text(alphabet="the mil", min_size=60)


@pytest.fixture(scope="module")
def library():
    fasttext = pytest.importorskip("fasttext")
    return fasttext.load_model(str(MODEL))


def scores(texts: list[str], floor: float = -np.inf) -> np.ndarray:
    return load_model().scores(*text_buffers(pa.array(texts, pa.large_string())), floor)


@settings(deadline=None)
@given(st.lists(TEXTS, max_size=4))
def test_scores__as_the_library(library, texts):
    texts = [text.replace("\n", " ") for text in texts]
    for text, score_L in zip(texts, scores(texts), strict=True):
        predicted = library.f.predict(text + "\n", 176, 0.0, "strict")  # what is below 1e-5 it leaves out
        by_label = {label.removeprefix("__label__"): probability for probability, label in predicted}
        found = dict(zip(load_model().labels, np.exp(score_L), strict=True))
        assert by_label.keys() <= found.keys()
        assert max(abs(found[label] - by_label.get(label, 0)) for label in found) < 3e-5


@settings(deadline=None)
@given(st.lists(TEXTS, min_size=1, max_size=4), st.floats(-12, -0.1))
def test_scores__above_a_floor_are_the_same(texts, floor):
    exact, rough = scores(texts), scores(texts, floor)
    assert np.array_equal(rough[exact >= floor], exact[exact >= floor])
    assert (rough[exact < floor] < floor).all()


def test_model__is_the_one_of_the_notice():
    assert hashlib.sha256(MODEL.read_bytes()).hexdigest() in MODEL.with_name("NOTICE").read_text()
    assert load_model() is load_model()


@pytest.mark.parametrize("data", [b"\0" * 200, b"PK\x03\x04" + b"\0" * 200])
def test_parse__another_file(data):
    with pytest.raises(ValueError, match="not a model"):
        parse(data)
