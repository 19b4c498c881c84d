"""Groups of embeddings against brute force; files that are none; a recipe that joins them."""

import json
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.cli import main
from gristmill.pipelines.errors import GristmillError
from gristmill.pipelines.semantic.groups import groups_of
from gristmill.pipelines.semantic.partitions import partitions_of
from gristmill.pipelines.semantic.written import Asked, write_groups


def unit(vectors: np.ndarray) -> np.ndarray:
    return (vectors / np.linalg.norm(vectors, axis=1, keepdims=True)).astype(np.float32)


def around(seed: int, centres: int, each: int, spread: float, dimensions: int = 16) -> np.ndarray:
    """Unit vectors in heaps, the heaps mixed."""
    rng = np.random.default_rng(seed)
    heaps = np.repeat(rng.normal(size=(centres, dimensions)), each, 0)
    return unit(rng.permutation(heaps + spread * rng.normal(size=heaps.shape)))


def brute_force(vectors: np.ndarray, threshold: float) -> list[int]:
    winners: list[int] = []
    for n in range(len(vectors)):
        alike = {m: float(vectors[m] @ vectors[n]) for m in range(n) if winners[m] == m}
        best = max(alike, key=lambda m: (alike[m], -m), default=None)
        winners.append(n if best is None or alike[best] < threshold else best)
    return winners


@settings(max_examples=30, deadline=None)
@given(st.integers(0, 10_000), st.sampled_from([0.05, 0.2, 0.5]), st.sampled_from([0.8, 0.95]))
def test_groups__are_those_of_brute_force(seed, spread, threshold):
    vectors = around(seed, 12, 9, spread)
    found = groups_of(vectors, np.zeros(len(vectors), np.int32), threshold)
    assert found.winners_N.tolist() == brute_force(vectors, threshold)


def test_groups__over_many_blocks_every_one_that_goes_is_as_alike_as_it_says_to_one_that_stays():
    vectors = around(1, 700, 5, 0.05)
    found = groups_of(vectors, np.zeros(len(vectors), np.int32), 0.9)
    gone = np.flatnonzero(found.winners_N != np.arange(len(vectors)))
    winners = found.winners_N[gone]
    assert len(gone) > 2_500
    assert (found.winners_N[winners] == winners).all()
    assert (winners < gone).all()
    cosines = (vectors[gone] * vectors[winners]).sum(1)
    assert np.allclose(cosines, found.similarity_N[gone], atol=1e-5)
    assert cosines.min() >= 0.9 - 1e-5
    stay = vectors[found.winners_N == np.arange(len(vectors))]
    assert np.triu(stay @ stay.T, 1).max() < 0.9


def test_groups__equal_embeddings_are_one_group_at_the_threshold_of_one():
    vectors = np.repeat(around(2, 1, 1, 0.1, 384), 3_000, 0)
    found = groups_of(vectors, np.zeros(3_000, np.int32), 1.0)
    assert (found.winners_N == 0).all()
    assert found.similarity_N.max() <= 1


def test_partitions__hold_heaps_together_and_are_bounded():
    vectors = around(3, 300, 20, 0.02)
    parts = partitions_of(vectors, seed=1, size=500)
    sizes = np.bincount(parts)
    assert sizes.min() > 0
    assert sizes.max() <= 2_000
    alone = groups_of(vectors, np.zeros(len(vectors), np.int32), 0.95).winners_N
    parted = groups_of(vectors, parts, 0.95).winners_N
    assert (parted != np.arange(len(vectors))).sum() >= 0.98 * (alone != np.arange(len(vectors))).sum()
    assert (partitions_of(vectors, seed=1, size=500) == parts).all()


def test_partitions__what_cannot_be_parted_stays_one():
    assert (partitions_of(np.repeat(around(4, 1, 1, 0.1), 900, 0), seed=1, size=100) == 0).all()


def written(path: Path, keys: list[str], vectors, kind: pa.DataType = pa.list_(pa.float32()), **columns) -> Path:
    pq.write_table(pa.table({"doc_id": keys, "embedding": pa.array(vectors, kind), **columns}), path)
    return path


def asked(*files: Path, **changes) -> Asked:
    return Asked(**{"files": files, "key": "doc_id", "column": "embedding", "rank": None, "threshold": 0.9, **changes})


def test_rank_says_which_stays_and_the_order_of_rows_and_files_changes_nothing(tmp_path):
    vectors = [[1, 0], [3, 0.1], [0, 1], [0, -2]]
    first = written(tmp_path / "a.parquet", ["甲", "b"], vectors[:2], score=[1.0, None])
    second = written(tmp_path / "b.parquet", ["c", "d"], vectors[2:], score=[5.0, 5.0])
    turned = written(tmp_path / "c.parquet", ["d", "c", "b", "甲"], vectors[::-1], score=[5.0, 5.0, None, 1.0])
    summary = write_groups(asked(first, second, rank="score"), tmp_path / "out.parquet")
    rows = {row["doc_id"]: row for row in pq.read_table(tmp_path / "out.parquet").to_pylist()}
    assert (summary.documents, summary.groups, summary.duplicates) == (4, 1, 1)
    assert (rows["b"]["duplicate"], rows["b"]["winner"], rows["甲"]["group_size"]) == (True, "甲", 2)
    assert list(rows) == sorted(rows, key=str.encode)
    write_groups(asked(turned, rank="score"), tmp_path / "again.parquet")
    assert (tmp_path / "again.parquet").read_bytes() == (tmp_path / "out.parquet").read_bytes()
    write_groups(asked(first, second), tmp_path / "keys.parquet")
    by_key = {row["doc_id"]: row["duplicate"] for row in pq.read_table(tmp_path / "keys.parquet").to_pylist()}
    assert by_key == {"b": False, "c": False, "d": False, "甲": True}


@pytest.mark.parametrize(
    ("keys", "vectors", "changes", "said"),
    [
        (["a", "a"], [[1, 0], [0, 1]], {}, "a key stands twice"),
        (["a", None], [[1, 0], [0, 1]], {}, "a row has no key"),
        (["a", "b"], [[1, 0], [0, 0]], {}, "row 2\n"),
        (["a", "b"], [[1, 0], [0, 0]], {}, "all zeros"),
        (["a", "b"], [[1, 0], [0, float("nan")]], {}, "not finite"),
        (["a", "b"], [[1, 0], [0]], {}, "has not the 2 numbers"),
        (["a", "b"], [[1, 0], None], {}, "row 2\n"),
        (["a", "b"], [[1, 0], None], {}, "a row has no embedding"),
        ([], [], {}, "not one row"),
        (["a"], [[1, 0]], {"column": "vector"}, "the file has: doc_id, embedding"),
        (["a"], [[1, 0]], {"column": "doc_id"}, "not lists of numbers"),
        (["a"], [[1, 0]], {"rank": "doc_id"}, "is no number"),
    ],
)
def test_what_is_wrong_is_named_and_nothing_is_written(tmp_path, keys, vectors, changes, said):
    file = written(tmp_path / "in.parquet", pa.array(keys, pa.string()), vectors)
    with pytest.raises(GristmillError) as error:
        write_groups(asked(file, **changes), tmp_path / "out.parquet")
    assert said in f"{error.value}\n"
    assert [path.name for path in tmp_path.iterdir()] == ["in.parquet"]


def test_lists_of_one_size_of_which_one_is_null_are_named(tmp_path):
    file = written(tmp_path / "in.parquet", ["a", "b"], [[1, 0], None], pa.list_(pa.float32(), 2))
    with pytest.raises(GristmillError, match="leave rows without an embedding out") as error:
        write_groups(asked(file), tmp_path / "out.parquet")
    assert "in.parquet" in str(error.value)


@pytest.mark.parametrize("size", [1e300, 1e-310, 1e-30, 1.0])
def test_embeddings_of_any_length_are_compared_by_their_direction(tmp_path, size):
    vectors = [[size, 0], [size, size / 9], [0, size]]
    file = written(tmp_path / "in.parquet", ["a", "b", "c"], vectors, pa.list_(pa.float64()))
    write_groups(asked(file), tmp_path / "out.parquet")
    assert [row["duplicate"] for row in pq.read_table(tmp_path / "out.parquet").to_pylist()] == [False, True, False]


@pytest.mark.parametrize(
    ("words", "said"),
    [
        (["--threshold", "2"], "no cosine"),
        (["--out", "in.parquet"], "there already"),
        (["--out", "no/where.parquet"], "no such folder"),
        (["--column", "vector"], "no column 'vector'"),
    ],
)
def test_command__errors(tmp_path, monkeypatch, capsys, words, said):
    written(tmp_path / "in.parquet", ["a"], [[1, 0]])
    monkeypatch.chdir(tmp_path)
    out = [] if "--out" in words else ["--out", "out.parquet"]
    monkeypatch.setattr("sys.argv", ["gristmill", "semantic", "in.parquet", *out, *words])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert ended.value.code == 2
    assert said in capsys.readouterr().err


def test_recipe__joins_the_groups_and_drops_what_repeats(tmp_path, monkeypatch, capsys):
    """From the page: the labels and the rule as docs/semantic.md has them."""
    from gristmill.pipelines.run.request import Request
    from gristmill.pipelines.storage.ledger import Ledger
    from tests.in_process import execute

    texts = {"a": "The mill stands by the river.", "b": "Beside the river there is a mill.", "c": "磨坊在山上。"}
    records = [{"id": name, "text": text} for name, text in texts.items()]
    (tmp_path / "in.jsonl").write_text("".join(json.dumps(row) + "\n" for row in records), "utf-8")
    written(tmp_path / "vectors.parquet", list(texts), [[1, 0.05], [1, 0], [0, 1]])
    monkeypatch.chdir(tmp_path)
    command = ["semantic", "vectors.parquet", "--key", "doc_id", "--out", "semantic.parquet"]
    monkeypatch.setattr("sys.argv", ["gristmill", *command])
    with pytest.raises(SystemExit) as ended:
        main.main()
    assert not ended.value.code
    assert "3 documents in 1 partitions: 1 groups, 1 documents go (33.3%)" in capsys.readouterr().out
    Path("recipe.yaml").write_text(
        """\
gristmill: 1
name: mill
sources: {mill: {format: jsonl, paths: in.jsonl, id: id}}
labels: {semantic: {paths: semantic.parquet, key: id, field: doc_id, columns: [duplicate]}}
decide: [{rules: [{signal: semantic.duplicate, at_most: 0}]}]
deduplicate: null
scrub: null
tokenizer: null
""",
        "utf-8",
    )
    execute(Request(tmp_path / "recipe.yaml", tmp_path / "run"))
    with Ledger(tmp_path / "run") as ledger:
        rows = ledger.rows("SELECT verdict, rules FROM 'ledger/*.parquet' WHERE id = 'b' OR id = 'a' ORDER BY id")
    assert [row["verdict"] for row in rows] == ["kept", "dropped"]
    assert rows[1]["rules"] == ["recipe/semantic.duplicate_max"]
