"""The main job on a small corpus: every dataset is right, judged by an independent look at the input."""

import json
from pathlib import Path

import duckdb
import numpy as np
import pyarrow as pa
import pyarrow.dataset as ds
import pytest
from transformers import AutoTokenizer

from gristmill.filters.dedup.fingerprints import shingles
from gristmill.pipelines.records.accounts import Accounts, reconcile
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.dataset import TokenShards


@pytest.fixture(scope="module")
def ledger(calm) -> list[dict]:
    return duckdb.sql(f"SELECT * FROM '{calm}/ledger/*.parquet' ORDER BY source, id").to_arrow_table().to_pylist()


def inputs(corpus) -> dict[tuple[str, str], str]:
    """(source, id) -> text, read without any code of ours."""
    texts = {}
    for file in sorted(corpus.folder.glob("web-*.jsonl")):
        for line in file.read_text(encoding="utf-8").splitlines():
            record = json.loads(line)
            texts["web", record["id"]] = record["text"]
    for record in ds.dataset(corpus.folder / "table.parquet").to_table().to_pylist():
        texts["table", record["id"]] = record["text"]
    return texts


def text_rows(run: Path) -> list[dict]:
    return ds.dataset(run / "text", format="ipc").to_table().to_pylist()


def test_every_record_is_in_exactly_one_place(corpus, calm, ledger):
    keys = [(row["source"], row["id"]) for row in ledger]
    assert sorted(keys) == sorted(inputs(corpus))
    assert {row["verdict"] for row in ledger} == {"kept", "dropped"}
    kept = {row["doc_id"] for row in ledger if row["verdict"] == "kept"}
    dropped = duckdb.sql(f"SELECT doc_id FROM '{calm}/dropped/*.parquet'").fetchall()
    assert kept == {row["doc_id"] for row in text_rows(calm)}
    assert sorted(d for (d,) in dropped) == sorted(row["doc_id"] for row in ledger if row["verdict"] == "dropped")


def test_totals_reconcile_and_a_lost_record_is_noticed(calm):
    manifest = json.loads((calm / "manifest.json").read_text())
    accounts = Accounts.from_json(manifest["accounts"])
    assert manifest["reconciled_steps"] == [
        "read", "extract", "decide", "deduplicate", "decontaminate", "scrub", "encode"
    ]  # fmt: skip
    reconcile(accounts, manifest["reconciled_steps"])
    assert accounts.total("encode", "kept") == manifest["datasets"]["text"]["rows"]


def test_times__of_every_stage_are_measured(calm):
    state = json.loads((calm / "run.json").read_text())
    stages = {stage["stage"]: stage for stage in state["stages"]}
    deciding = ["duplicates", "contamination", "passages", "substrings"]
    assert list(stages) == ["score", "overlaps", *deciding, "text", "tokenizer", "tokens", "rows"]
    for name, stage in stages.items():
        assert stage["cpu_seconds"] > 0, name
        assert stage["cpu_seconds"] < stage["seconds"] + 0.5, name
    receipts = [json.loads(file.read_text()) for file in calm.glob("_work/duplicates-*/*.json")]
    found = sum(receipt.get("cpu_seconds", 0) for receipt in receipts)
    assert stages["duplicates"]["cpu_seconds"] == pytest.approx(found, abs=0.002)
    assert stages["duplicates"]["units"] == state["units"]


def test_short_pages_are_dropped_with_every_rule_that_fired(ledger):
    for row in ledger:
        if row["id"].endswith("-short") and row["duplicate_of"] is None:
            assert row["verdict"] == "dropped"
            assert row["step"] == "decide"
            assert len(row["rules"]) >= 2
    prose = [row for row in ledger if row["id"].count("-") == 1]
    assert sum(row["step"] == "decide" for row in prose) < len(prose) / 10


def jaccard(a: str, b: str) -> float:
    first, second = set(shingles(a)), set(shingles(b))
    return len(first & second) / len(first | second)


def test_every_removal_is_at_or_above_the_threshold_with_a_winner_that_stays(corpus, ledger):
    texts = inputs(corpus)
    by_id = {row["doc_id"]: row for row in ledger}
    removed = [row for row in ledger if row["step"] == "deduplicate"]
    assert {row["lang"] for row in removed} == {"en", "zh"}
    for row in removed:
        winner = by_id[row["duplicate_of"]]
        similarity = jaccard(texts[row["source"], row["id"]], texts[winner["source"], winner["id"]])
        assert winner["verdict"] != "dropped"
        if row["rules"] == ["url_duplicate"]:
            assert (row["id"], row["similarity"], row["lost"]) == (f"{winner['id']}-near", None, None)
            continue
        assert similarity >= 0.7
        assert row["similarity"] == pytest.approx(similarity, abs=1e-6)
        assert row["rules"] == ["exact_duplicate" if similarity == 1 else "near_duplicate"]


def test_every_planted_copy_is_found(ledger):
    verdict = {row["doc_id"]: row for row in ledger}
    for row in ledger:
        if row["id"].endswith(("-copy", "-near")):
            twin = row["duplicate_of"] or next(
                (other["doc_id"] for other in ledger if other["duplicate_of"] == row["doc_id"]), None
            )
            assert twin in verdict, row["id"]


def test_higher_priority_source_stays(ledger):
    both = [row for row in ledger if row["source"] == "web" and row["duplicate_of"]]
    winners = {row["doc_id"]: row["source"] for row in ledger}
    shared = {row["id"] for row in ledger if row["source"] == "table"}
    assert any(row["id"] in shared for row in both)
    assert all(winners[row["duplicate_of"]] == "table" for row in both if row["id"] in shared)


def test_personal_data_is_masked_and_its_span_recorded(corpus, calm, ledger):
    texts = inputs(corpus)
    rows = {row["doc_id"]: row for row in text_rows(calm)}
    found = 0
    for row in ledger:
        source = texts[row["source"], row["id"]]
        if row["verdict"] == "dropped" or "@" not in source:
            continue
        clean = rows[row["doc_id"]]["text"]
        assert "@" not in clean
        assert "<EMAIL_ADDRESS>" in clean
        (span,) = [edit for edit in row["edits"] if edit["kind"] == "EMAIL_ADDRESS"]
        covered = source.encode()[span["start"] : span["end"]].decode()
        assert covered.startswith("writer")
        assert covered.endswith("@mills.org")
        found += 1
    assert found > 5


def test_text_changes_only_where_an_edit_says_so(corpus, calm, ledger):
    texts = inputs(corpus)
    rows = {row["doc_id"]: row for row in text_rows(calm)}
    for row in ledger:
        if row["verdict"] != "dropped" and not row["edits"]:
            assert rows[row["doc_id"]]["text"] == texts[row["source"], row["id"]]


def test_fields_travel_as_typed_columns_or_in_meta(calm):
    for row in text_rows(calm):
        if row["source"] == "web":
            assert isinstance(row["stars"], int)
            assert "stars" not in json.loads(row["meta"])
        else:
            assert row["stars"] is None
            assert "stars" in json.loads(row["meta"])
        assert row["bytes"] == len(row["text"].encode())


def test_clusters_name_their_best_member(calm, ledger):
    members = duckdb.sql(f"SELECT * FROM '{calm}/clusters/*.parquet'").to_arrow_table().to_pylist()
    ledger_cluster = {row["doc_id"]: row["cluster"] for row in ledger}
    for member in members:
        assert ledger_cluster[member["doc_id"]] == member["cluster"]
    for cluster in {member["cluster"] for member in members}:
        group = [member for member in members if member["cluster"] == cluster]
        assert len(group) >= 2
        assert any(member["doc_id"] == cluster for member in group)


def test_tokens_decode_to_the_text_and_every_one_is_in_the_plan_once(calm):
    text = {row["doc_id"]: row for row in text_rows(calm)}
    encoder = Encoder(calm / "tokenizer")
    clusters: dict[str, set[str]] = {}
    for split in ("train", "validation"):
        shards = TokenShards(calm / "tokens" / "index.json", split)
        shards.verify()
        covered = [np.zeros(len(shard.tokens), int) for shard in shards.shards]
        plan = shards.plan
        for row, shard, doc, start, length in zip(plan.row, plan.shard, plan.doc, plan.start, plan.length, strict=True):
            assert 0 <= row < len(plan)
            first = shards.shards[shard].offsets[doc] + start
            covered[shard][first : first + length] += 1
        assert all((counts == 1).all() for counts in covered)
        for shard in shards.shards:
            for number, doc_id in enumerate(shard.column("doc_id").to_pylist()):
                assert encoder.decode(shard.document(number)) == text[doc_id]["text"]
                assert shard.column("bytes")[number].as_py() == text[doc_id]["bytes"]
                clusters.setdefault(split, set()).add(text.pop(doc_id)["cluster"])
    assert not text
    assert not clusters["train"] & clusters["validation"]


def test_tokenizer__other_libraries_load_it_from_the_run(calm):
    encoder, loaded = Encoder(calm / "tokenizer"), AutoTokenizer.from_pretrained(calm / "tokenizer")
    for row in text_rows(calm):
        assert loaded(row["text"], add_special_tokens=False)["input_ids"] == encoder.ids(row["text"])


def test_report_has_no_personal_data(calm):
    page = (calm / "report" / "index.html").read_text(encoding="utf-8")
    assert "@mills.org" not in page
    assert "@mills.org" not in (calm / "report" / "report.json").read_text(encoding="utf-8")


def test_text_of_one_run_feeds_the_next(calm, tmp_path):
    from gristmill.pipelines.run.execute import execute
    from gristmill.pipelines.run.request import Request

    recipe = tmp_path / "next.yaml"
    recipe.write_text(
        f"gristmill: 1\nname: next\nsources:\n  clean: {{format: arrow, paths: '{calm}/text/*.arrow', "
        "language: {column: lang}}\ntokenizer: null\n",
        encoding="utf-8",
    )
    document = execute(Request(recipe, tmp_path / "next"))
    before, after = text_rows(calm), text_rows(tmp_path / "next")
    assert sorted(row["text"] for row in before) == sorted(row["text"] for row in after)
    assert document["datasets"]["text"]["rows"] == len(before)


def test_arrow_files_open_with_plain_arrow(calm):
    for file in (calm / "text").glob("*.arrow"):
        with pa.memory_map(str(file)) as source:
            assert pa.ipc.open_file(source).read_all().num_rows > 0
