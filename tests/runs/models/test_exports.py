"""`gristmill export RUN`, as its user meets it: every format of a real run, and what it refuses before it writes."""

import json
import shutil

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.cli.terminal.usage import UsageError, explain
from gristmill.pipelines.errors import GristmillError
from gristmill.tokenizer.encode import Encoder

pytestmark = pytest.mark.process


@pytest.fixture
def export(capsys):
    """Function: command line -> (exit code, stdout, what was said), in this process."""

    def call(*arguments):
        try:
            code = app(["export", *map(str, arguments)], standalone_mode=False) or 0
            said = ""
        except GristmillError as error:
            code, said = error.exit_code, str(error)
        except UsageError as error:
            code, said = 2, str(explain(error))
        return code, capsys.readouterr().out, said

    return call


def texts_of(run):
    rows = [row for file in sorted(run.glob("text/*.arrow")) for row in pa.ipc.open_file(file).read_all().to_pylist()]
    return {row["doc_id"]: row["text"] for row in rows}


@pytest.mark.parametrize("to", ["megatron", "nanogpt", "llmc", "mds", "hf", "webdataset"])
def test_tokens__are_those_of_the_run(small_run, tmp_path, export, to):
    code, out, _ = export(small_run, "--to", to, "--out", tmp_path / to, "--json")
    assert code == 0
    manifest = json.loads(out)
    assert manifest == json.loads((tmp_path / to / "export.json").read_text(encoding="utf-8"))
    index = json.loads((small_run / "tokens/index.json").read_text(encoding="utf-8"))
    tokens = {name: sum(shard["tokens"] for shard in split["shards"]) for name, split in index["splits"].items()}
    assert {name: split["tokens"] for name, split in manifest["splits"].items()} == {
        k: v for k, v in tokens.items() if v
    }
    if to == "nanogpt":
        ids = np.fromfile(tmp_path / to / "train.bin", np.uint16)
        documents = np.split(ids, np.flatnonzero(ids == 2))[1:]
        decode = Encoder(tmp_path / to / "tokenizer").decode
        assert {decode(ids.tolist()) for ids in documents} <= set(texts_of(small_run).values())


def test_text__is_split_as_the_tokens_are(small_run, tmp_path, export):
    assert export(small_run, "--to", "hf", "--content", "text", "--out", tmp_path / "hf")[0] == 0
    found = {}
    for split in ("train", "validation"):
        rows = [row for file in sorted(tmp_path.glob(f"hf/data/{split}-*")) for row in pq.read_table(file).to_pylist()]
        shards = [pa.ipc.open_file(file).read_all() for file in small_run.glob(f"tokens/{split}/*.arrow")]
        assert sorted(row["doc_id"] for row in rows) == sorted(i for one in shards for i in one["doc_id"].to_pylist())
        found |= {row["doc_id"]: row["text"] for row in rows}
    assert found == texts_of(small_run)


def test_again__writes_nothing_and_another_is_refused(small_run, tmp_path, export):
    arguments = (small_run, "--to", "mds", "--out", tmp_path / "x")
    assert export(*arguments)[0] == 0
    before = {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mds")}
    assert export(*arguments)[0] == 0
    assert {path: path.stat().st_mtime_ns for path in tmp_path.rglob("*.mds")} == before
    code, _, said = export(*arguments, "--content", "rows")
    assert code == 2
    assert "other content" in said


@pytest.mark.parametrize(
    ("arguments", "said"),
    [
        (["--out", "OUT"], "say who is to read this run"),
        (["--to", "mds"], "say once where the files go"),
        (["OUT", "--out", "OUT", "--to", "mds"], "say once where the files go"),
        (["--to", "megatron", "--content", "rows", "--out", "OUT"], "reads no rows"),
        (["--to", "mds", "--out", "RUN"], "no export wrote"),
    ],
)
def test_refused__before_anything_is_written(small_run, tmp_path, export, arguments, said):
    places = {"OUT": str(tmp_path / "out"), "RUN": str(small_run)}
    code, _, error = export(small_run, *(places.get(one, one) for one in arguments))
    assert code == 2
    assert said.lower() in error.lower()
    assert not (tmp_path / "out").exists()
    assert not (small_run / "export.json").exists()


def test_damage__an_id_outside_the_vocabulary_and_no_tokens_are_named(small_run, tmp_path, export):
    run = tmp_path / "run"
    shutil.copytree(small_run, run)
    (shard, *_) = sorted(run.glob("tokens/train/*.arrow"))
    data = bytearray(shard.read_bytes())
    data[data.index(b"\x02\x00") : 2] = b""
    at = len(data) // 2
    data[at : at + 2] = b"\xff\xff"
    shard.write_bytes(data)
    code, _, error = export(run, "--to", "megatron", "--out", tmp_path / "out")
    assert code == 7
    assert shard.name in error
    shutil.rmtree(run / "tokens")
    code, _, error = export(run, "--to", "megatron", "--out", tmp_path / "out")
    assert code == 2
    assert "no token shards" in error
    assert not (tmp_path / "out").exists()
