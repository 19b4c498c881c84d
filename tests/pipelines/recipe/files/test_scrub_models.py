"""`scrub.models`: found and told by content, errors at validation, and a run that looks with one."""

import json
from pathlib import Path

import pytest
import spacy
import yaml

from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.load import dump, fingerprint, load
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute

MODEL = {
    "engine": "spacy",
    "model": "models/zh",
    "lang": "Chinese",
    "entities": {"GPE": "LOCATION", "PERSON": "PERSON"},
}


@pytest.fixture
def folder(tmp_path) -> Path:
    save(tmp_path / "models" / "zh", "磨坊镇")
    lines = [{"text": "磨坊镇在河边。", "lang": "zh"}, {"text": "磨坊镇 by the river", "lang": "en"}]
    (tmp_path / "a.jsonl").write_text("".join(json.dumps(line) + "\n" for line in lines), encoding="utf-8")
    return tmp_path


def save(folder: Path, name: str) -> None:
    nlp = spacy.blank("zh")
    nlp.add_pipe("entity_ruler").add_patterns([{"label": "GPE", "pattern": name}])
    folder.parent.mkdir(exist_ok=True)
    nlp.to_disk(folder)


def written(folder: Path, scrub: dict, name: str = "recipe.yaml") -> Path:
    sources = {"a": {"format": "jsonl", "paths": "a.jsonl", "language": {"column": "lang"}}}
    recipe = {"gristmill": 1, "name": "x", "sources": sources, "scrub": scrub, "tokenizer": None}
    (folder / name).write_text(yaml.safe_dump(recipe, allow_unicode=True), encoding="utf-8")
    return folder / name


def text_key(file: Path, tmp_path: Path) -> str:
    return make_job(load(file).recipe, [], Store.at(tmp_path / "none"), 1.0, "text").books["text"].folder


def test_model__its_content_is_the_key_not_its_place(folder, tmp_path):
    file = written(folder, {"models": [MODEL]})
    before, key = fingerprint(load(file).recipe), text_key(file, tmp_path)
    (folder / "models").rename(folder / "moved")
    moved = written(folder, {"models": [MODEL | {"model": "moved/zh"}]})
    assert text_key(moved, tmp_path) == key
    save(folder / "moved" / "zh", "水车镇")
    assert text_key(moved, tmp_path) != key
    assert fingerprint(load(moved).recipe) != before


def test_dump__names_it_from_anywhere(folder):
    kept = yaml.safe_load(dump(load(written(folder, {"models": [MODEL]})).recipe))["scrub"]["models"][0]
    assert (kept["model"], kept["lang"]) == (str(folder / "models" / "zh"), ["zh"])


@pytest.mark.parametrize(
    ("change", "scrub", "said"),
    [
        ({"engine": "stanza"}, {}, "scrub.models[0].engine: stanza is not installed; pip install 'gristmill[stanza]'"),
        ({"engine": "gliner"}, {}, "gristmill[gliner]"),
        ({"engine": "spcy"}, {}, "spacy"),
        ({"model": "models/zz"}, {}, "'models/zz' is no folder, nor an installed package"),
        ({"model": "zh_core_web_enormous"}, {}, "nothing is downloaded"),
        ({"engine": "transformers"}, {}, "is no model of transformers: it has no config.json"),
        ({"entities": {"GPE": "LOCATOIN"}}, {}, "did you mean 'LOCATION'?"),
        ({"entities": {}}, {}, "scrub.models[0].entities"),
        ({"lang": "klingonese"}, {}, "scrub.models[0].lang"),
        (
            {},
            {"entities": ["ORGANIZATION"]},
            "'ORGANIZATION' needs a language model, and none of `scrub.models`",
        ),
    ],
)
def test_mistakes__are_errors_of_validation(folder, change, scrub, said):
    file = written(folder, {"models": [MODEL | change], **scrub})
    with pytest.raises(RecipeError) as error:
        check(load(file))
    assert said in str(error.value)


def test_run__looks_with_it(folder):
    scrub = {"models": [MODEL], "operators": {"LOCATION": "mask"}, "drop_above": {"LOCATION": 1}}
    execute(Request(written(folder, scrub), folder / "run"))
    with Ledger(folder / "run") as ledger:
        rows = ledger.rows("SELECT lang, findings FROM 'ledger/*.parquet' ORDER BY lang")
    found = {one["lang"]: [(f["type"], f["start"], f["end"], f["action"]) for f in one["findings"]] for one in rows}
    assert found == {"en": [], "zh": [("LOCATION", 0, 9, "mask")]}
