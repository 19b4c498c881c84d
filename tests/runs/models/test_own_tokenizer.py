"""A run with a tokenizer that others trained: encoded, measured, trained on, generated with, exported."""

import json
import subprocess
import sys

import numpy as np
import pytest
from tokenizers import Tokenizer

from gristmill.pipelines.cli.main import app
from gristmill.pipelines.run.request import Request
from gristmill.tokenizer.mixing.leaks import overlaps
from gristmill.tokenizer.mixing.pool import open_runs
from gristmill.tokenizer.shards.dataset import TokenShards, unigram_entropy
from gristmill.trainer.__main__ import main
from gristmill.trainer.data.verify import verify_run
from tests.in_process import execute

pytestmark = pytest.mark.slow
BEFORE = "tokenizer: {vocabulary: 640, sample_bytes: 1MB}"


@pytest.fixture(scope="module")
def own(small, tmp_path_factory):
    """(the run, its tokenizer as the library reads it)."""
    corpus = small.with_recipe("own", BEFORE, "tokenizer: {path: theirs/tokenizer.json}")
    corpus = corpus.with_recipe("own", "validation: 10%", "validation: 10%, test: 20%")
    run = tmp_path_factory.mktemp("own") / "run"
    execute(Request(corpus.recipe, run))
    made = Tokenizer.from_file(str(corpus.folder / "theirs" / "tokenizer.json"))
    made.encode_special_tokens = True
    return run, made


def texts_of(run):
    import pyarrow as pa

    rows = [row for file in sorted(run.glob("text/*.arrow")) for row in pa.ipc.open_file(file).read_all().to_pylist()]
    return {row["doc_id"]: row["text"] for row in rows}


def test_shards__hold_the_ids_of_the_library(own, small):
    run, made = own
    texts, eos = texts_of(run), made.token_to_id("<|endoftext|>")
    seen = 0
    clusters: dict[str, set[str]] = {}
    for split in ("train", "validation", "test"):
        for shard in TokenShards(run / "tokens/index.json", split).shards:
            clusters.setdefault(split, set()).update(shard.column("cluster").to_pylist())
            for row, doc_id in enumerate(shard.column("doc_id").to_pylist()):
                ids = made.encode(texts[doc_id], add_special_tokens=False).ids
                assert shard.document(row).tolist() == [eos, *ids, eos]
                seen += 1
    assert seen == len(texts)
    assert all(clusters[split] for split in ("train", "validation", "test"))
    assert sum(map(len, clusters.values())) == len(set().union(*clusters.values())), "no cluster is in two splits"
    assert overlaps(open_runs([run])) == []
    assert (run / "tokenizer/tokenizer.json").read_bytes() == (small.folder / "theirs/tokenizer.json").read_bytes()
    card = json.loads((run / "tokenizer/info.json").read_bytes())
    assert (card["kind"], card["vocabulary"], card["special_ids"]["<eos>"]) == ("byte_bpe", 600, eos)
    assert card["evaluation"]["all"]["round_trip_errors"] == card["evaluation"]["all"]["unknown"] == 0
    assert set(card["evaluation"]) == {"all", "en", "zh"}
    assert not (run / "tokenizer/tokenizer.model").exists()
    assert "byte_bpe" in (run / "report/report.json").read_text(encoding="utf-8")


def test_entropy__the_end_of_a_document_is_predicted_even_where_it_also_begins_one(own):
    shards = TokenShards(own[0] / "tokens/index.json", "validation").shards
    targets = np.concatenate([shard.document(d)[1:] for shard in shards for d in range(len(shard))])
    count = np.bincount(targets)
    share = count[count > 0] / len(targets)
    assert unigram_entropy(shards)[0] == pytest.approx(-(share * np.log(share)).sum())


def test_taken_from_that_run__the_same_tokens(own, small, tmp_path):
    corpus = small.with_recipe("own-from", BEFORE, f"tokenizer: {{from: {own[0]}}}")
    corpus = corpus.with_recipe("own-from", "validation: 10%", "validation: 10%, test: 20%")
    execute(Request(corpus.recipe, tmp_path / "run"))
    content = [json.loads((run / "manifest.json").read_bytes())["datasets"]["tokens/train"]["content"]
               for run in (own[0], tmp_path / "run")]  # fmt: skip
    assert content[0] == content[1]


def trainer(*arguments: object) -> str:
    done = subprocess.run(
        [sys.executable, "-m", "gristmill.trainer", *map(str, arguments)], capture_output=True, text=True, check=True
    )
    return done.stdout


@pytest.mark.process
def test_trained__generates_exports_and_is_refused_where_roles_are_needed(own, tmp_path, monkeypatch, capsys):
    from transformers import AutoTokenizer

    run, made = own
    verify_run(run)
    sizes = ["--set", "model.layers=1", "--set", "model.width=32", "--set", "model.heads=2", "--set", "loop.steps=2"]
    trainer("train", run, *sizes)
    checkpoint = run / "train" / "main"
    checkpoint = checkpoint if checkpoint.exists() else run / "train" / "default"
    assert trainer("generate", checkpoint, "The mill 磨坊", "--tokens", 3).startswith("The mill 磨坊")
    trainer("export", checkpoint, tmp_path / "out")
    loaded = AutoTokenizer.from_pretrained(tmp_path / "out")
    assert (tmp_path / "out/tokenizer.json").read_bytes() == (run / "tokenizer/tokenizer.json").read_bytes()
    assert loaded("The mill 磨坊")["input_ids"] == made.encode("The mill 磨坊").ids
    facts = json.loads((tmp_path / "out/config.json").read_bytes())
    assert (facts["vocab_size"], facts["eos_token_id"], loaded.eos_token_id) == (600, 0, 0)
    for arguments, said in (
        (["train", run, "--name", "m", "--set", "objective=masked", *sizes],
         "masked needs ids that only tokenizers trained here reserve"),
        (["evaluate", checkpoint, "--task", "sort"], "need the ids of roles"),
    ):  # fmt: skip
        monkeypatch.setattr(sys, "argv", ["trainer", *map(str, arguments)])
        with pytest.raises(SystemExit) as ended:
            main()
        assert ended.value.code == 2
        assert said in capsys.readouterr().err


@pytest.mark.process
def test_exported__with_that_tokenizer(own, tmp_path, capsys):
    run, made = own
    app(["export", str(run), "--to", "nanogpt", "--out", str(tmp_path / "out"), "--json"], standalone_mode=False)
    about = json.loads(capsys.readouterr().out)
    assert about["special_ids"] == {"<bos>": 0, "<eos>": 0, "<pad>": 0}
    ids = np.fromfile(tmp_path / "out/train.bin", np.uint16)
    assert about["splits"].keys() == {"train", "validation", "test"}
    documents = [part[1:] for part in np.split(ids, np.flatnonzero(ids == 0)[::2])[1:]]
    assert {made.decode(one.tolist()) for one in documents} <= set(texts_of(run).values())
