"""A small finished run, English and Chinese, and what triggers trainings on copies of it."""

import json
import shutil
from pathlib import Path

import pytest

from gristmill.pipelines.run.request import Request
from tests.in_process import execute
from tests.runs.conftest import documents

RECIPE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: "web.jsonl", id: id, language: {column: lang}}
decide:
  - when: {language: en}
    presets: [gopher@paper]
    change: {gopher@paper/duplicate_lines: 0.31}
  - when: {language: zh}
    presets: [chinese@gristmill]
deduplicate:
  minhash: {threshold: 0.7}
scrub: {operator: tag}
gates: [kept_documents >= 20]
tokenizer: {vocabulary: 512, sample_bytes: 1MB}
tokens: {sequence_length: 64, validation: 10%}
train:
  preset: nano
  steps: 2
  options: {model.width: 32, model.layers: 1, model.heads: 2, model.kv_heads: 1, data.tokens_per_step: 128}
"""


@pytest.fixture(scope="session")
def mill(tmp_path_factory) -> Path:
    """The folder of a recipe and its run; nothing in it may be changed."""
    folder = tmp_path_factory.mktemp("mill")
    lines = [json.dumps(document, ensure_ascii=False) + "\n" for document in documents()[:70]]
    (folder / "web.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder


@pytest.fixture
def runs(mill, tmp_path) -> Path:
    """A folder with one good run."""
    shutil.copytree(mill / "run", tmp_path / "runs" / "good")
    return tmp_path / "runs"


@pytest.fixture
def target(tmp_path):
    """Function: text -> the file of a target."""

    def write(text: str = "launch: local\n") -> Path:
        (tmp_path / "target.yaml").write_text(text, encoding="utf-8")
        return tmp_path / "target.yaml"

    return write
