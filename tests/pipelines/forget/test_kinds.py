"""Conversations and pairs, and runs on an object store: forgotten from like any other."""

import json
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.pipelines.forget.asked import Asked, Entry
from gristmill.pipelines.forget.make import look, make
from gristmill.pipelines.forget.proof import check
from gristmill.pipelines.forget.version import open_version
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.stages.rendering import Renderer
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import verify
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.dataset import TokenShards
from tests.in_process import execute
from tests.pipelines.forget.conftest import GONE, MOBILE, NAME, rows, said
from tests.runs.conftest import digests_of
from tests.runs.models.conversations import write_conversations

IDS = {
    "chat": ("c3", "c7", "long", "no-answer", "alpaca"),
    "pairs": ("p3", "p4", "equal", "long"),
}
VALUE = "miller"


def forgotten(run: str, out: str, *entries: tuple[str, str]) -> Store:
    version = open_version(run)
    asked = Asked.of(Entry(kind, text, kind) for kind, text in entries)
    return make(version, asked, look(version, asked, False, ()), out, False, lambda line: None)


@pytest.mark.parametrize("kind", list(IDS))
def test_turns__go_with_their_tokens_and_masked_ones_are_rendered_anew(kind, tmp_path):
    corpus = write_conversations(tmp_path / "corpus", kind)
    execute(Request(corpus.recipe, tmp_path / "run"))
    entries = [("id", name) for name in IDS[kind] if name in "".join(said(tmp_path / "run").values())]
    out = tmp_path / "new"
    forgotten(str(tmp_path / "run"), str(out), *entries, ("value", VALUE))
    before, after = (rows(run, "text") for run in (tmp_path / "run", out))
    assert VALUE in repr(before)
    assert VALUE not in "".join(
        text.lower() for file, text in said(out).items() if file.startswith(("text", "curated"))
    )
    assert len(after) < len(before)
    assert not {name for _, name in entries} & {row["id"] for row in after}
    assert rendered(out, kind) == shards(out)
    assert not verify(Store.at(out)).faults
    assert not check(Store.at(out))
    assert json.loads((out / "report/report.json").read_text())["header"]["reconciles"]


def shards(run: Path) -> dict[str, tuple]:
    """doc_id -> its tokens and its mask."""
    found = {}
    for split in ("train", "validation"):
        whole = TokenShards(run / "tokens" / "index.json", split)
        whole.verify()
        for row in (row for shard in whole.shards for row in shard.batch.to_pylist()):
            found[row["doc_id"]] = (row["tokens"], row.get("loss_mask"))
    return found


def rendered(run: Path, kind: str) -> dict[str, tuple]:
    """The same, made of `text/` alone."""
    renderer = Renderer(load(run / "recipe.yaml", models=False).recipe, Encoder(run / "tokenizer"))
    found = {}
    for file in sorted((run / "text").glob("*.arrow")):
        for row in pa.ipc.open_file(file).read_all().to_batches():
            for one in (row.slice(number, 1) for number in range(row.num_rows)):
                made = renderer.render(one)
                if made.kept.any():
                    mask = made.columns.get("loss_mask")
                    found[one.column("doc_id")[0].as_py()] = (
                        made.tokens_T.tolist(),
                        None if mask is None else mask.tolist(),
                    )
    return found


@pytest.mark.process
def test_object_store__there_and_back(finished, s3, tmp_path):
    bucket = s3.bucket()
    forgotten(str(finished), f"s3://{bucket}/new", ("domain", GONE), ("value", MOBILE))
    forgotten(str(finished), str(tmp_path / "here"), ("domain", GONE), ("value", MOBILE))
    remote = Store.at(f"s3://{bucket}/new")
    assert not verify(remote).faults
    assert not check(remote)
    for path in digests_of(tmp_path / "here"):
        assert remote.read_bytes(path) == (tmp_path / "here" / path).read_bytes(), path
    assert not list(s3.keys(bucket, "new/_work/"))
    forgotten(f"s3://{bucket}/new", str(tmp_path / "back"), ("value", NAME))
    assert [file for file, text in said(tmp_path / "back").items() if NAME in text or GONE in text] == []
