"""Who stays among duplicates in a whole run, what goes with the others, and how often to repeat who stays."""

import json
import unicodedata
from pathlib import Path

import duckdb
import numpy as np
import pytest

from gristmill.filters.dedup.fingerprints import shingles
from gristmill.pipelines.duplicates.members import weights_of
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.deduplication import Deduplicate
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.report.clusters import find_clusters
from gristmill.pipelines.report.drawing.render import render_clusters
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: winners
sources:
  pages: {format: jsonl, paths: pages.jsonl, id: id, language: en}
  made: {format: jsonl, paths: made.jsonl, id: id, language: en, priority: 9, derived: synthetic}
  moved: {format: jsonl, paths: moved.jsonl, id: id, language: en, priority: 5, columns: {made_of: string},
          derived_from: made_of}
deduplicate: {minhash: {threshold: 0.5}}
scrub: null
tokenizer: null
"""
WORDS = {
    "en": [f"café{number} rivière naïve" for number in range(40)],
    "zh": [f"{chr(0x4E00 + 7 * number)}が磨坊{chr(0x5E00 + 11 * number)}" for number in range(40)],
}


def text(lang: str, start: int, words: int, other: int = 0) -> str:
    """Words from `start` on, the last `other` of them replaced."""
    some = WORDS[lang][start : start + words]
    some = [*some[: words - other], *(f"autre{number}" for number in range(other))]
    return (" " if lang == "en" else "").join(some)


def write(folder: Path, recipe: str = RECIPE) -> Path:
    sources: dict[str, list[dict]] = {"pages": [], "made": [], "moved": []}
    for lang in WORDS:
        whole = text(lang, 0, 20)
        sources["pages"] += [
            {"id": f"{lang}-original", "text": whole},
            {"id": f"{lang}-nfd", "text": unicodedata.normalize("NFD", whole)},
            {"id": f"{lang}-edited", "text": text(lang, 0, 20, other=3)},
            {"id": f"{lang}-alone", "text": text(lang, 22, 15)},
        ]
        sources["made"].append({"id": f"{lang}-synthetic", "text": whole + " . . . . . . ."})
        sources["moved"] += [
            {"id": f"{lang}-moved", "text": whole + " !", "made_of": "somewhere"},
            {"id": f"{lang}-not-moved", "text": text(lang, 21, 16), "made_of": ""},
        ]
    for name, docs in sources.items():
        lines = [json.dumps(doc, ensure_ascii=False) + "\n" for doc in docs]
        (folder / f"{name}.jsonl").write_text("".join(lines), encoding="utf-8")
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder / "recipe.yaml"


def ledger(run: Path) -> dict[str, dict]:
    found = duckdb.sql(f"SELECT * FROM '{run}/ledger/*.parquet'")
    return {row["id"]: row for row in (dict(zip(found.columns, one, strict=True)) for one in found.fetchall())}


def test_winners__are_originals_and_the_ledger_says_what_goes(tmp_path):
    execute(Request(write(tmp_path), tmp_path / "run"))
    rows = ledger(tmp_path / "run")
    for lang in WORDS:
        mine = {id.removeprefix(f"{lang}-"): row for id, row in rows.items() if id.startswith(lang)}
        kept = {id for id, row in mine.items() if row["verdict"] == "kept"}
        (original,) = kept & {"original", "nfd"}  # the longer one, in bytes: canonically they are equal
        assert original == "nfd"
        assert kept == {original, "not-moved"}  # no original is beaten by what was made of it, whatever the priority
        assert mine["original"]["rules"] == ["exact_duplicate"]
        assert mine["original"]["lost"] == 0
        assert mine["alone"]["duplicate_of"] == mine["not-moved"]["doc_id"]
        one, two = (set(shingles(text(lang, *some))) for some in ((0, 20, 3), (0, 20)))
        assert mine["edited"]["duplicate_of"] == mine[original]["doc_id"]
        assert mine["edited"]["lost"] == pytest.approx(len(one - two) / len(one))
        assert {mine[id]["cluster_size"] for id in ("original", "nfd", "edited", "synthetic", "moved")} == {5}
        assert mine[original]["weight"] == 5
        assert (mine["not-moved"]["cluster_size"], mine["not-moved"]["weight"]) == (2, 2)
        assert mine["edited"]["weight"] is None

    clusters_are_shown(tmp_path / "run", rows)

    bounded = RECIPE.replace("threshold: 0.5}", "threshold: 0.5}, max_lost: 1%, weights: {1: 1, 3: 4}, repeat: 2.5")
    execute(Request(write(tmp_path, bounded), tmp_path / "run"))
    again = ledger(tmp_path / "run")
    for lang in WORDS:
        assert rows[f"{lang}-edited"]["lost"] > 0.01
        assert again[f"{lang}-edited"]["verdict"] == "kept"
        assert again[f"{lang}-edited"]["cluster"] == again[f"{lang}-nfd"]["cluster"]
        assert again[f"{lang}-nfd"]["weight"] == 2.5
        assert again[f"{lang}-not-moved"]["weight"] == 1
    assert all(row["lost"] is None or row["lost"] <= 0.01 for row in again.values())


def clusters_are_shown(run: Path, rows: dict[str, dict]) -> None:
    excerpts = Excerpts(lambda text: text.replace("rivière", "***"))
    with Ledger(run) as ledger:
        found = find_clusters(ledger, excerpts, limit=9, pairs=3)
        (one,) = find_clusters(ledger, excerpts, 1, 9, of=rows["zh-edited"]["doc_id"][:12]).shown
        assert find_clusters(ledger, excerpts, 1, 0).shown[0].removals == []
        with pytest.raises(RecipeError, match="no cluster has a document"):
            find_clusters(ledger, excerpts, 1, 1, of="0" * 20)
    assert (found.clusters, found.documents) == (4, 14)
    assert [cluster.documents for cluster in found.shown] == [5, 5, 2, 2]
    assert [(cluster.kept, cluster.removed, cluster.others) for cluster in found.shown] == [(1, 4, 1)] * 2 + [
        (1, 1, 0)
    ] * 2
    assert one.cluster == rows["zh-edited"]["cluster"]
    assert one.removals[0].loser.id == "zh-edited"
    assert [removal.similarity for removal in one.removals] == sorted(removal.similarity for removal in one.removals)
    differs = "".join(span.text for span in one.removals[0].loser_text if span.differs)
    assert "autre0" in differs.replace(" ", "")
    page = render_clusters(found, "winners")
    for shown in (json.dumps(found.to_json(), ensure_ascii=False), page):
        assert "***" in shown
        assert "rivière" not in shown
    assert page.count('class="pair"') == sum(len(cluster.removals) for cluster in found.shown)


def test_weights__are_fineweb2s_by_default():
    sizes = np.array([0, 1, 2, 3, 4, 5, 99, 100, 999, 1000, 10**6])
    assert weights_of(Deduplicate(), sizes).tolist() == [1, 1, 2, 3, 3, 5, 5, 8, 8, 1, 1]
    assert weights_of(Deduplicate(weights="fineweb2", repeat=4), sizes).tolist() == [1, 1, 2, 3, 3, 4, 4, 4, 4, 1, 1]
    assert weights_of(None, sizes).tolist() == [1] * 11


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("derived_from: made_of", "derived_from: made", r"'made' is no column of this source; add `columns: \{made:"),
        ("threshold: 0.5}", "threshold: 0.5}, weights: {2: 1}", "add the size 1"),
        ("threshold: 0.5}", "threshold: 0.5}, max_lost: 15", "expected a share"),
        ("threshold: 0.5}", "threshold: 0.5, recall: 0.99, rows: 3}", "leave out `bands` and `rows`"),
        ("derived: synthetic", "derived: synthetik", "synthetic"),
    ],
)
def test_recipe__says_what_is_wrong(tmp_path, old, new, said):
    with pytest.raises(RecipeError, match=said):
        check(load(write(tmp_path, RECIPE.replace(old, new))))
