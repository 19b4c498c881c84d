"""Neural classifiers of a recipe: found, keyed by all of their files, kept with the run; bad folders said by name."""

import json
import re
import shutil
import struct
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest

from gristmill.filters.quality import network
from gristmill.filters.quality.model_file import NoModelError
from gristmill.filters.signals import SIGNALS
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.storage.models import keep
from gristmill.pipelines.storage.store import Store
from tests.small_networks import TEXTS

RECIPE = """\
gristmill: 1
name: own
sources: {web: {format: jsonl, paths: "*.jsonl"}}
classifiers:
  edu: {model: net}
"""


@pytest.fixture(autouse=True)
def _forget():
    yield
    from gristmill.filters.quality.signals import declare

    declare([], [])


@pytest.fixture(params=["torch", "onnx"])
def folder(request, tmp_path, small_networks) -> Path:
    """A recipe's folder with a regression in `net`."""
    asked = {"labels": 1, "problem_type": "regression"}
    if request.param == "onnx":
        pytest.importorskip("onnxruntime")
        shutil.copytree(small_networks.export("regression", **asked), tmp_path / "net")
    else:
        shutil.copytree(small_networks.save("regression", **asked), tmp_path / "net")
    return tmp_path


@pytest.fixture
def torch_folder(tmp_path, small_networks) -> Path:
    shutil.copytree(small_networks.save("softmax", labels=3), tmp_path / "net")
    return tmp_path


@pytest.fixture
def onnx_folder(tmp_path, small_networks) -> Path:
    pytest.importorskip("onnx")
    pytest.importorskip("onnxruntime")
    shutil.copytree(small_networks.export("softmax", labels=3), tmp_path / "net")
    return tmp_path


def loaded(folder: Path, recipe: str = RECIPE) -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return load(folder / "recipe.yaml")


def refused(folder: Path, match: str, recipe: str = RECIPE) -> None:
    with pytest.raises(RecipeError, match=f"line 5 .*{match}"):
        loaded(folder, recipe)


def changed(file: Path, **values: object) -> None:
    found = {key: value for key, value in {**json.loads(file.read_text()), **values}.items() if value is not None}
    file.write_text(json.dumps(found))


def test_a_network__one_label_is_the_signal_itself(folder) -> None:
    recipe = loaded(folder, RECIPE + "decide:\n  - rules: [{signal: edu, at_least: 2.5}]\n")
    check(recipe)
    assert SIGNALS["edu"].unit == "score"
    (classifier,) = recipe.recipe.read_classifiers
    values = classifier.values(pa.array(TEXTS, pa.large_string()), None)
    assert np.isfinite(values).all()


def test_a_network__each_of_several_labels(torch_folder) -> None:
    loaded(torch_folder)
    assert {f"edu.LABEL_{n}" for n in range(3)} <= set(SIGNALS)
    assert SIGNALS["edu.LABEL_0"].unit == "share"
    loaded(torch_folder, RECIPE.replace("net}", "net, positive: LABEL_2, languages: [zh]}"))
    assert SIGNALS["edu"].languages == {"zh"}


def test_a_network__a_run_keeps_all_its_files_and_reads_them_again(folder, tmp_path) -> None:
    recipe = loaded(folder, RECIPE.replace("net}", "net, max_tokens: 20}"))
    store = Store.at(folder / "run")
    store.prepare()
    keep(store, recipe.recipe)
    (folder / "run" / "recipe.yaml").write_text(dump(recipe.recipe), encoding="utf-8")
    texts = pa.array(TEXTS, pa.large_string())
    before = recipe.recipe.read_classifiers[0].values(texts, None)
    shutil.rmtree(folder / "net")
    network.load_network.cache_clear()
    again = load(folder / "run" / "recipe.yaml").recipe.read_classifiers
    assert [one.key for one in again] == [one.key for one in recipe.recipe.read_classifiers]
    assert [model.kept_as for _, model in again[0].models] == [
        model.kept_as for _, model in recipe.recipe.read_classifiers[0].models
    ]
    assert np.array_equal(again[0].values(texts, None), before)


def test_a_network__files_under_other_names_on_another_machine(folder) -> None:
    """As workers elsewhere have them: each file by its hash."""
    from gristmill.filters.placed import place

    (classifier,) = loaded(folder).recipe.read_classifiers
    texts = pa.array(TEXTS[:3], pa.large_string())
    before = classifier.values(texts, None)
    ((_, model),) = classifier.models
    for number, file in enumerate(model.files):
        shutil.move(folder / "net" / file.name, folder / f"{number}")
        place(file, folder / f"{number}")
    network.load_network.cache_clear()
    assert np.array_equal(classifier.values(texts, None), before)


def test_a_network__every_file_and_how_much_is_read_are_its_key(folder) -> None:
    def key(recipe: str = RECIPE) -> list:
        return loaded(folder, recipe).recipe.read_classifiers[0].key

    first = key()
    assert key(RECIPE.replace("net}", "net, max_tokens: 20}")) != first
    shutil.move(folder / "net", folder / "other")
    assert key(RECIPE.replace("net}", "other}")) == first
    (folder / "other" / "tokenizer.json").write_bytes((folder / "other" / "tokenizer.json").read_bytes() + b"\n")
    assert key(RECIPE.replace("net}", "other}")) != first


def test_a_network__onnx_as_the_hub_has_it(onnx_folder) -> None:
    (onnx_folder / "net" / "onnx").mkdir()
    shutil.move(onnx_folder / "net" / "model.onnx", onnx_folder / "net" / "onnx" / "model_quantized.onnx")
    loaded(onnx_folder, RECIPE.replace("net}", "net/onnx/model_quantized.onnx}"))


@pytest.mark.parametrize(
    ("name", "match"),
    [
        ("config.json", "there is no config.json beside .*labels"),
        ("tokenizer.json", r"there is no tokenizer.json beside .*AutoTokenizer"),
    ],
)
def test_a_bad_folder__a_file_is_missing(folder, name, match) -> None:
    (folder / "net" / name).unlink()
    refused(folder, match)


def test_a_bad_folder__no_weights(torch_folder) -> None:
    (torch_folder / "net" / "model.safetensors").rename(torch_folder / "net" / "pytorch_model.bin")
    refused(torch_folder, "pytorch_model.bin can hold any program and is not read; save the model again")


def test_a_bad_folder__no_json(folder) -> None:
    (folder / "net" / "config.json").write_text("{")
    refused(folder, "config.json is not a JSON object")


def test_a_bad_folder__no_classifier(torch_folder) -> None:
    changed(torch_folder / "net" / "config.json", architectures=["BertModel"])
    refused(torch_folder, "BertModel, which classifies no texts")


def test_a_bad_folder__labels_that_the_model_does_not_give(torch_folder) -> None:
    changed(torch_folder / "net" / "config.json", id2label={"0": "good", "1": "bad"})
    refused(torch_folder, "names 2 labels, and the last layer of model.safetensors gives 3")


def test_a_bad_folder__onnx_gives_other_labels(onnx_folder) -> None:
    import onnx

    file = onnx_folder / "net" / "model.onnx"
    model = onnx.load(file)
    model.graph.output[0].type.tensor_type.shape.dim[1].dim_value = 3
    onnx.save(model, file)
    changed(onnx_folder / "net" / "config.json", id2label={"0": "good", "1": "bad"})
    refused(onnx_folder, r"output logits is .* names 2 labels")


@pytest.mark.parametrize("cut", [0, 5, 100, -1])
def test_a_bad_folder__weights_that_are_cut_off(torch_folder, cut) -> None:
    file = torch_folder / "net" / "model.safetensors"
    file.write_bytes(file.read_bytes()[:cut])
    refused(torch_folder, "model.safetensors is (no safetensors file, or )?cut off")


def test_a_bad_folder__weights_that_are_another_models(torch_folder) -> None:
    header = json.dumps({"x.weight": {"dtype": "F32", "shape": [1], "data_offsets": [0, 4]}}).encode()
    file = torch_folder / "net" / "model.safetensors"
    file.write_bytes(struct.pack("<Q", len(header)) + header + bytes(4))
    (classifier,) = loaded(torch_folder).recipe.read_classifiers
    with pytest.raises(NoModelError, match="'net' lacks weights of its architecture: bert"):
        classifier.values(pa.array(["a"], pa.large_string()), None)


@pytest.mark.parametrize("cut", [0, 1000])
def test_a_bad_folder__no_onnx(onnx_folder, cut) -> None:
    file = onnx_folder / "net" / "model.onnx"
    file.write_bytes(file.read_bytes()[:cut])
    refused(onnx_folder, "onnxruntime .* cannot read it")


def test_a_bad_folder__an_opset_that_is_too_new(onnx_folder) -> None:
    import onnx

    file = onnx_folder / "net" / "model.onnx"
    model = onnx.load(file)
    model.opset_import[0].version = 999
    onnx.save(model, file)
    refused(onnx_folder, "onnxruntime .* cannot read it: .*[Oo]pset 999")


def test_a_bad_folder__other_inputs(onnx_folder) -> None:
    import onnx
    from onnx import TensorProto, helper

    graph = helper.make_graph(
        [helper.make_node("Identity", ["pixels"], ["logits"])], "g",
        [helper.make_tensor_value_info("pixels", TensorProto.FLOAT, ["a", 3])],
        [helper.make_tensor_value_info("logits", TensorProto.FLOAT, ["a", 3])],
    )  # fmt: skip
    opset = [helper.make_opsetid("", 17)]
    onnx.save(helper.make_model(graph, opset_imports=opset, ir_version=8), onnx_folder / "net" / "model.onnx")
    refused(onnx_folder, "its inputs must be input_ids .* it has pixels")


def test_a_bad_folder__tokenizer_of_another_kind(folder) -> None:
    (folder / "net" / "tokenizer.json").write_text("{}")
    (classifier,) = loaded(folder).recipe.read_classifiers
    with pytest.raises(NoModelError, match=re.escape("tokenizer.json cannot be read")):
        classifier.values(pa.array(["a"], pa.large_string()), None)


def test_keys_that_do_not_fit(folder) -> None:
    refused(folder, "feeding: it is for fastText", RECIPE.replace("net}", "net, feeding: plain}"))
    refused(folder, "max_tokens: the model reads 64 tokens at most", RECIPE.replace("net}", "net, max_tokens: 65}"))


def test_max_tokens__not_of_fasttext(tmp_path, small_models) -> None:
    shutil.copy(small_models.file("en"), tmp_path / "edu.bin")
    refused(tmp_path, "max_tokens: it is for networks", RECIPE.replace("net}", "edu.bin, max_tokens: 65}"))


def test_without_the_extra(folder, monkeypatch) -> None:
    monkeypatch.setattr(network, "_version", lambda library: "" if library in ("onnxruntime", "transformers") else "1")
    refused(folder, r"pip install 'gristmill\[(onnx|hf-classifier)\]'")
