"""Neural classifiers, against transformers' own pipeline and onnxruntime asked directly."""

import random
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.quality.model_file import NoModelError
from gristmill.filters.quality.network import STEP, Network, _encoded, load_network
from gristmill.filters.quality.network_file import read_config
from gristmill.pipelines.recipe.files.networks import network_place, read_network
from tests.small_networks import TEXTS

KINDS = {
    "softmax": {"labels": 3},
    "binary": {},
    "multi": {"labels": 3, "problem_type": "multi_label_classification"},
    "single": {"labels": 1},
    "regression": {"labels": 1, "problem_type": "regression"},
}


def network(folder: Path, max_tokens: int | None = None) -> Network:
    def get(place: str) -> Path | None:
        return Path(place) if Path(place).is_file() else None

    found = network_place(str(folder), get)
    assert found is not None
    return read_network(str(folder), *found, max_tokens, get)


def column(texts: list[str | None]) -> pa.Array:
    return pa.array(texts, pa.large_string())


@pytest.mark.parametrize("kind", KINDS)
def test_probabilities__are_those_of_transformers_own_pipeline(small_networks, kind) -> None:
    from transformers import pipeline

    folder = small_networks.save(kind, **KINDS[kind])
    model = network(folder)
    theirs = pipeline("text-classification", str(folder), truncation=True, top_k=None, device="cpu")
    expected = [{one["label"]: one["score"] for one in theirs([text])[0]} for text in TEXTS]
    found = model.probabilities(column(TEXTS))
    for row, scores in enumerate(expected):
        assert found[row] == pytest.approx([scores[label] for label in model.labels], abs=1e-5)
    assert np.ptp(found[:, 0]) > 0.05  # it does tell texts apart


@pytest.mark.parametrize("kind", ["softmax", "regression"])
def test_probabilities__onnx_is_the_same_model(small_networks, kind) -> None:
    pytest.importorskip("onnxruntime")
    ours = network(small_networks.save(kind, **KINDS[kind])).probabilities(column(TEXTS))
    onnx = network(small_networks.export(kind, **KINDS[kind])).probabilities(column(TEXTS))
    assert onnx == pytest.approx(ours, abs=1e-5)


def test_probabilities__onnx_as_onnxruntime_gives_them(small_networks) -> None:
    onnxruntime = pytest.importorskip("onnxruntime")
    from transformers import AutoTokenizer

    folder = small_networks.export("regression", **KINDS["regression"])
    session = onnxruntime.InferenceSession(str(folder / "model.onnx"))
    tokenizer = AutoTokenizer.from_pretrained(folder)
    found = network(folder).probabilities(column(TEXTS))
    for row, text in enumerate(TEXTS):
        fed = tokenizer(text, truncation=True, return_tensors="np")
        (logits,) = session.run(None, {one.name: fed[one.name] for one in session.get_inputs()})
        assert found[row] == pytest.approx(logits[0], abs=1e-5)


@pytest.mark.parametrize("made", ["save", "export"])
def test_probabilities__do_not_depend_on_the_batch(small_networks, made) -> None:
    if made == "export":
        pytest.importorskip("onnxruntime")
    model = network(getattr(small_networks, made)("softmax", **KINDS["softmax"]))
    texts = [*TEXTS, *(text[: len(text) // 2] + "了" for text in TEXTS)]
    whole = model.probabilities(column(texts))
    order = list(range(len(texts)))
    for seed in range(3):
        random.Random(seed).shuffle(order)
        assert np.array_equal(model.probabilities(column([texts[i] for i in order])), whole[order])
    for i in order[:6]:
        assert np.array_equal(model.probabilities(column([texts[i]])), whole[[i]])


def test_probabilities__no_texts_and_null(small_networks) -> None:
    model = network(small_networks.save("binary"))
    assert model.probabilities(column([])).shape == (0, 2)
    both = model.probabilities(column([None, ""]))
    assert np.array_equal(both[0], both[1])


def test_max_tokens__what_lies_behind_is_not_read(small_networks) -> None:
    folder = small_networks.save("binary")
    same = column(["a b c d e f", "a b c d X Y Z", "a b c d " + "磨" * 5000])
    few = network(folder, 6).probabilities(same)  # the two marks and four words
    assert np.array_equal(few[0], few[1])
    assert np.array_equal(few[0], few[2])
    assert not np.array_equal(*network(folder).probabilities(same)[:2])


def test_encoded__a_long_beginning_without_tokens_is_read_through(small_networks) -> None:
    tokenizer, _ = load_network(network(small_networks.save("binary")))
    ids, _ = _encoded(tokenizer, " " * 100_000 + "磨坊", 64)
    assert len(ids) == 4
    assert STEP < 64


def test_read_config__labels() -> None:
    config = {"architectures": ["XForSequenceClassification"], "model_type": "x"}
    assert read_config(config, {}, True).labels == ("LABEL_0", "LABEL_1")
    assert read_config(config | {"id2label": {"1": "坏", "0": "好"}}, {}, True).labels == ("好", "坏")
    for wrong in ({"0": "a", "2": "b"}, ["a"], {"a": "b"}, {"0": "a", "1": "a"}, {}):
        with pytest.raises(NoModelError, match="id2label"):
            read_config(config | {"id2label": wrong}, {}, True)


def test_read_config__how_much_is_read() -> None:
    config = {"architectures": ["XForSequenceClassification"], "model_type": "bert", "max_position_embeddings": 514}
    assert read_config(config, {}, True).limit == 514
    assert read_config(config | {"model_type": "xlm-roberta", "pad_token_id": 1}, {}, True).limit == 512
    assert read_config(config, {"model_max_length": 128}, True).limit == 128
    assert read_config(config, {"model_max_length": 1e30}, True).limit == 514
