"""An input that changes during a run: the run ends and names it, finished units stay, the next run plans anew."""

import os
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.stages import score_units
from tests import in_process

pytestmark = pytest.mark.process


@pytest.fixture
def meddle(monkeypatch):
    """Function: file, change -> the file is changed once, while the first unit that holds it is being read."""
    read_unit = score_units.read_unit

    def prepare(file: Path, change) -> None:
        done = file.with_name("done")

        def read(unit, *rest):
            for records in read_unit(unit, *rest):
                if unit.splits[0].path == str(file) and not done.exists():
                    done.touch()
                    change(file)
                yield records

        monkeypatch.setattr(score_units, "read_unit", read)

    return prepare


def append(file: Path) -> None:
    with file.open("a", encoding="utf-8") as opened:
        opened.write('{"id": "late", "text": "迟到的一页。", "lang": "zh"}\n')


def test_grows__names_the_file_and_goes_on_with_it_as_it_is(write_corpus, tmp_path, digests, meddle):
    corpus = write_corpus(tmp_path / "corpus", files=2)
    file = corpus.folder / "web-1.jsonl"
    meddle(file, append)
    with pytest.raises(InputError, match="changed since it was planned") as caught:
        execute(Request(corpus.recipe, tmp_path / "run", until="score", workers=1))
    assert caught.value.where == str(file)
    kept = {path: path.stat().st_mtime_ns for path in (tmp_path / "run").glob("_work/score-*/*.json")}
    assert kept
    assert not (tmp_path / "run" / "manifest.json").exists()
    for out in ("run", "fresh"):
        in_process.execute(Request(corpus.recipe, tmp_path / out, until="score"))
    assert digests(tmp_path / "run") == digests(tmp_path / "fresh")
    assert kept.items() <= {path: path.stat().st_mtime_ns for path in kept}.items()


def test_shrinks_under_a_memory_map__is_no_document_s_fault(write_corpus, tmp_path, meddle):
    corpus = write_corpus(tmp_path / "corpus", files=2)
    table = pa.table({"id": [str(n) for n in range(4000)], "text": [f"第{n}页 " * 400 for n in range(4000)]})
    file = corpus.folder / "big.arrow"
    with ipc.new_file(file, table.schema) as writer:
        writer.write_table(table, max_chunksize=100)
    corpus.recipe.write_text(
        "gristmill: 1\nname: mapped\nsources:\n  web: {format: arrow, paths: big.arrow, id: id}\n"
        "plan: {unit_bytes: 1GB}\ndecide:\n  - when: {language: zh}\n    presets: [chinese@gristmill]\n"
        "otherwise: drop\n",
        encoding="utf-8",
    )
    meddle(file, lambda path: os.truncate(path, path.stat().st_size // 3))
    with pytest.raises(InputError, match="changed since it was planned") as caught:
        execute(Request(corpus.recipe, tmp_path / "run", until="score", workers=1))
    assert caught.value.where == str(file)
