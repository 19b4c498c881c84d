"""What a command imports: the top-level packages that cost time are there only where something of theirs is used."""

import json
import subprocess
import sys
from pathlib import Path

import pytest
import yaml

pytestmark = pytest.mark.process

HEAVY = {
    *("apache_beam", "torch", "duckdb", "numba", "pyarrow", "numpy", "pydantic", "fsspec", "jinja2", "spacy"),
    *(
        "presidio_analyzer",
        "tldextract",
        "phonenumbers",
        "requests",
        "boto3",
        "botocore",
        "pymongo",
        "beartype",
        "scipy",
    ),
    *("fasttext", "sentencepiece", "resiliparse", "fastwarc", "grpc", "yaml", "multiprocessing"),
}
OTHER_RUNNERS = {
    "gristmill.pipelines.runners.dataflow.options",
    "gristmill.pipelines.runners.portable.runner",
}
"""Modules with what jobs elsewhere need: a run on this machine does without."""
ALLOWED = {
    "--help": set(),
    "--version": set(),
    "init --help": {"pydantic"},
    "cluster --help": {"pydantic"},
    "watch --help": {"pydantic"},
    "run --help": {"pydantic", "yaml"},
    "run RECIPE --memory much": {"pydantic", "yaml"},
    "status RUN": {"pydantic", "numpy", "pyarrow"},
    "rules gopher@paper": {"pydantic", "numpy", "pyarrow"},
    "whatif RUN --set gopher@paper/words_min=3": {"pydantic", "yaml", "numpy", "pyarrow"},
    "validate RECIPE": {"pydantic", "yaml", "numpy", "pyarrow", "fsspec", "resiliparse", "fastwarc"},
}
"""Of HEAVY, what a command may import. typer has arguments checked by pydantic."""


@pytest.fixture(scope="module")
def recipe(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("start")
    (folder / "web.jsonl").write_text('{"text": "A mill grinds grain."}\n{"text": "磨坊在河边。"}\n', encoding="utf-8")
    source = {"format": "jsonl", "paths": ["web.jsonl"]}
    text = {"gristmill": 1, "name": "mill", "sources": {"web": source}, "tokenizer": None}
    decide = [{"when": {"language": "en"}, "presets": ["gopher@paper"]}]
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**text, "decide": decide, "scrub": None}), encoding="utf-8")
    return folder / "recipe.yaml"


@pytest.fixture(scope="module")
def finished(recipe) -> Path:
    out = recipe.parent / "run"
    done = subprocess.run(
        [sys.executable, "-m", "gristmill.pipelines.cli.main", "run", recipe, "--out", out], capture_output=True
    )
    assert done.returncode == 0, done.stderr
    return out


def imported_by(code: str) -> set[str]:
    """The packages of HEAVY and OTHER_RUNNERS that are loaded when some code has run, in a process of its own."""
    ending = f"import json, sys; print(json.dumps(sorted(set(sys.modules) & {HEAVY | OTHER_RUNNERS!r})))\n"
    ending += "from gristmill.pipelines.processes.lifetime import leave; leave(0)"
    line = f"try:\n    {code}\nexcept SystemExit:\n    pass\n{ending}"
    done = subprocess.run([sys.executable, "-c", line], capture_output=True, text=True, check=True)
    return set(json.loads(done.stdout.splitlines()[-1]))


@pytest.mark.parametrize("line", ALLOWED)
def test_command__imports_what_it_uses(line, recipe, finished):
    arguments = [{"RUN": str(finished), "RECIPE": str(recipe)}.get(word, word) for word in line.split()]
    found = imported_by(
        f"import sys; sys.argv = ['gristmill', *{arguments!r}]; from gristmill.pipelines.cli.main import main; main()"
    )
    assert found <= ALLOWED[line], found - ALLOWED[line]


@pytest.mark.parametrize("folder", ["finished", "new"])
def test_run__the_command_itself_only_reads_receipts(folder, recipe, finished, tmp_path):
    arguments = ["run", str(recipe), "--out", str(finished if folder == "finished" else tmp_path / "run")]
    found = imported_by(
        f"import sys; sys.argv = ['gristmill', *{arguments!r}]; from gristmill.pipelines.cli.main import main; main()"
    )
    assert found <= {"pydantic", "yaml"}


def test_run__loads_no_connectors_models_or_recognizers_of_others(recipe, tmp_path):
    request = f"Request(Path({str(recipe)!r}), {str(tmp_path / 'run')!r}, runner='fnapi')"
    found = imported_by(
        "from pathlib import Path; from gristmill.pipelines.run.request import Request; "
        f"from gristmill.pipelines.run.execute import execute; execute({request})"
    )
    assert not found & {"spacy", "torch", "boto3", "botocore", "pymongo", "requests", "tldextract", "beartype", "scipy"}
    assert "fsspec" not in found, "everything is on this machine"
    assert not found & OTHER_RUNNERS
    assert not found & {"presidio_analyzer", "phonenumbers"}, "no text holds anything that a recognizer could find"


def test_scrub__an_address_is_checked_without_what_would_fetch_suffixes():
    text = "Write to miller@example.com, 邮箱zhang@qq.com。"
    found = imported_by(
        f"from gristmill.filters.pii.engine import Scrubber; assert '@' not in Scrubber().scrub({text!r})"
    )
    assert "tldextract" in found
    assert "requests" not in found
