"""Compiles the loops of whole runs: `make test` does so beside the types, so that not both of pytest's workers do."""

import tempfile
from pathlib import Path

from gristmill.pipelines.run.request import Request
from tests.in_process import execute
from tests.runs.conftest import write_corpus

if __name__ == "__main__":
    with tempfile.TemporaryDirectory() as folder:
        corpus = write_corpus(Path(folder) / "corpus", files=2)
        corpus = corpus.with_recipe("names", "scrub: {operator", "scrub: {entities: web, operator")
        execute(Request(corpus.recipe, Path(folder) / "run"))
