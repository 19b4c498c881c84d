"""Groups, quality and cluster sizes, from a ledger and clusters on disk; English and Chinese."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.tokenizer.mixing.cells import curve, make_cells, quantile_bins
from gristmill.tokenizer.mixing.columns import labels, numbers
from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.outlook import Material, Outlook
from gristmill.tokenizer.mixing.pool import Pool, open_runs
from gristmill.tokenizer.mixing.recipe import Quality, parse
from gristmill.tokenizer.mixing.written import open_mix, write_mix
from gristmill.tokenizer.sampling import TRAIN
from gristmill.tokenizer.shards.format import write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index

DOCUMENTS = 200


@pytest.fixture(scope="module")
def run(batch_of, header, tmp_path_factory) -> Path:
    """200 documents of 10 to 29 tokens, half of them Chinese. The ledger lists them backwards and scores those whose
    number is no multiple of 10; document 7 had two duplicates."""
    folder = tmp_path_factory.mktemp("cells") / "run"
    (folder / "tokens" / "train").mkdir(parents=True)
    (folder / "ledger").mkdir()
    (folder / "clusters").mkdir()
    names = [f"{'zh' if n % 2 else 'en'}{n}" for n in range(DOCUMENTS)]
    documents = [(name, range(200 * n, 200 * n + 10 + n % 20)) for n, name in enumerate(names)]
    written = write_shard(folder / "tokens" / "train" / "0.arrow", [batch_of(documents)])
    entry = ShardEntry("train/0.arrow", written.rows, written.tokens, written.bytes, written.file_bytes, written.sha256)
    tokenizer = {"sha256": header.tokenizer_sha256, "vocabulary": header.vocabulary}
    split = SplitEntry((entry,), "plan/none", 0, written.tokens, 0.0)
    write_index(folder / "tokens" / "index.json", Index(64, tokenizer, {"train": split}))
    edu = [None if n % 10 == 0 else float(n % 50) for n in range(DOCUMENTS)]
    topic = ["科学" if n < 100 else "sport" for n in range(DOCUMENTS)]
    ledger = {"doc_id": names[::-1], "edu": pa.array(edu[::-1], pa.float64()), "topic": topic[::-1]}
    pq.write_table(pa.table(ledger), folder / "ledger" / "0.parquet")
    pq.write_table(pa.table({"cluster": ["zh7"] * 3, "doc_id": ["zh7", "x", "y"]}), folder / "clusters" / "0.parquet")
    datasets = {name: {"shards": [{"path": f"{name}/0.parquet"}]} for name in ("ledger", "clusters")}
    (folder / "manifest.json").write_text(json.dumps({"datasets": datasets}), encoding="utf-8")
    return folder


@pytest.fixture(scope="module")
def pool(run) -> Pool:
    return Pool(open_runs([run]), TRAIN)


def test_columns__are_joined_by_doc_id(pool):
    number_D, names = labels(pool, "topic")
    assert [names[n] for n in number_D.tolist()] == ["科学"] * 100 + ["sport"] * 100
    edu_D = numbers(pool, "edu")
    assert np.isnan(edu_D[::10]).all()
    assert edu_D[13] == 13
    assert edu_D[63] == 13
    size_D = numbers(pool, "cluster_size")
    assert size_D[7] == 3
    assert size_D.sum() == DOCUMENTS + 2
    with pytest.raises(MixError, match="no column 'edo'") as found:
        numbers(pool, "edo")
    assert "edu" in found.value.fix
    with pytest.raises(MixError, match="holds no numbers"):
        numbers(pool, "topic")


def test_quantiles__are_parts_of_equal_tokens_and_equal_values_stay_together():
    value, tokens = np.array([3.0, 1, 2, np.nan, 2, 4]), np.array([10, 10, 5, 99, 5, 10])
    assert quantile_bins(value, tokens, 4).tolist() == [2, 0, 1, -1, 1, 3]
    assert quantile_bins(np.ones(5), np.ones(5), 4).tolist() == [2] * 5


def test_curve__rises_from_what_is_left_out_to_one():
    rates = curve(Quality("edu", bins=10, drop=0.4, power=2))
    assert rates[:4].tolist() == [0] * 4
    assert (np.diff(rates[3:]) > 0).all()
    assert rates[-1] == pytest.approx((0.55 / 0.6) ** 2)


def test_quality__the_bottom_of_each_topic_is_out_the_rest_rises_and_shares_of_topics_stay(run, pool):
    asked = parse(
        {"by": "topic", "quality": {"column": "edu", "per": "topic", "bins": 10}, "max_epochs": 3, "epochs": 1}
    )
    outlook = Outlook.of(Material.of(open_runs([run])), asked)
    cells, epochs = outlook.cells, outlook.epochs()
    edu_D, length_D = numbers(pool, "edu"), pool.documents.length_D
    for g, name in enumerate(cells.groups):
        mine = np.flatnonzero((cells.group_D == g) & ~np.isnan(edu_D))
        mine = mine[np.argsort(edu_D[mine], kind="stable")]
        below = np.cumsum(length_D[mine]) / length_D[mine].sum()
        read = epochs[cells.cell_D[mine]]
        assert (read[below < 0.35] == 0).all()
        assert (read[below > 0.55] > 0).all()
        assert (np.diff(read) >= -1e-9).all(), "never less often than a worse one"
        share = {group["group"]: group["share"] for group in outlook.facts()["groups"]}[name]
        assert share == pytest.approx(length_D[cells.group_D == g].sum() / length_D.sum())
    assert epochs.max() <= 3 + 1e-9


def test_cluster_size__documents_are_read_as_often_as_their_weight_says(run, tmp_path):
    runs = open_runs([run])
    write_mix(
        tmp_path / "m", Material.of(runs), parse({"by": "lang", "cluster_size": {1: 1, 3: 3}, "packing": "document"})
    )
    mix = open_mix(tmp_path / "m", runs)
    read = np.bincount(mix.rows.doc[mix.rows.first[mix.row_R]], minlength=DOCUMENTS)
    assert read[7] == 3
    assert np.delete(read, 7).tolist() == [1] * (DOCUMENTS - 1)


def test_best__a_stage_reads_the_top_of_each_topic_alone(run, pool, tmp_path):
    runs = open_runs([run])
    stages = [{"name": "main"}, {"name": "anneal", "share": "20%", "best": "30%"}]
    asked = parse({"quality": {"column": "edu", "drop": 0, "power": 0, "bins": 10}, "stages": stages, "tokens": "3k"})
    write_mix(tmp_path / "m", Material.of(runs), asked)
    mix = open_mix(tmp_path / "m", runs)
    last = mix.row_R[-mix.card["stage_rows"][1] :]
    docs = np.concatenate([mix.rows.doc[mix.rows.segments(int(row))] for row in last])
    edu_D = numbers(pool, "edu")
    assert np.nanmin(edu_D[docs]) >= np.nanquantile(edu_D, 0.65)
    assert not np.isnan(edu_D[docs]).any()


def test_make_cells__what_is_held_out_is_in_no_cell(pool):
    keep_D = np.arange(DOCUMENTS) % 3 > 0
    cells = make_cells(pool, parse({"by": ["source", "topic"]}), keep_D)
    assert (cells.cell_D[~keep_D] == -1).all()
    assert cells.documents_C.sum() == keep_D.sum()
    assert cells.tokens_C.sum() == pool.documents.length_D[keep_D].sum()
    assert cells.groups == ["e/sport", "e/科学", "z/sport", "z/科学"]


def test_scaled__a_sample_stands_for_the_whole_source_by_source(run):
    material = Material.of(open_runs([run]))
    scaled = material.scaled({"e": 100.0, "z": 2.5})
    asked = parse({"by": "source", "tokens": "1M", "weights": {"e": 3, "z": 1}, "max_epochs": 1000})
    here, whole = (Outlook.of(one, asked).facts() for one in (material, scaled))
    for group, times in (("e", 100), ("z", 2.5)):
        before, after = ({one["group"]: one for one in facts["groups"]}[group] for facts in (here, whole))
        assert after["tokens"] == pytest.approx(times * before["tokens"], rel=1e-2)
        assert after["documents"] == pytest.approx(times * before["documents"], abs=1)
        assert after["epochs"] == pytest.approx(before["epochs"] / times, rel=1e-2)
        assert after["share"] == pytest.approx(before["share"])
    assert Outlook.of(material.scaled({}), asked).facts() == here
