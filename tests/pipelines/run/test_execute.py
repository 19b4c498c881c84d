"""How many workers a run makes: none but one where there is nothing to share among them, and others where that dies."""

import json
import os
import signal
from pathlib import Path

import pyarrow.parquet as pq
import pytest
import yaml

from gristmill.pipelines.processes.pool import WorkerPool
from gristmill.pipelines.run import execute as execution
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.local.runner import unsuitable
from gristmill.pipelines.stages.score import UnitScorer
from gristmill.pipelines.storage.layout import STATE

pytestmark = pytest.mark.skipif(unsuitable() is not None, reason="not a tested Beam, or no safe fork")


@pytest.fixture
def forked(monkeypatch) -> list[str]:
    """What workers were made for."""
    made, map_tasks = [], WorkerPool.map

    def noted(pool, work, tasks, what, *more, **options):
        made.append(what)
        return map_tasks(pool, work, tasks, what, *more, **options)

    monkeypatch.setattr(WorkerPool, "map", noted)
    return made


def request(folder: Path, texts: list[str], plan: dict) -> Request:
    """A run of two workers over some texts."""
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in texts]
    (folder / "pages.jsonl").write_text("\n".join(lines), encoding="utf-8")
    sources = {"web": {"format": "jsonl", "paths": ["pages.jsonl"], "language": "en"}}
    recipe = {"gristmill": 1, "name": "mill", "decide": [], "deduplicate": None, "scrub": None, "tokenizer": None}
    (folder / "recipe.yaml").write_text(yaml.safe_dump({**recipe, "sources": sources, "plan": plan}))
    return Request(folder / "recipe.yaml", folder / "run", workers=2)


@pytest.mark.parametrize("plan", [{}, {"unit_bytes": 1}])
def test_execute__one_small_unit_is_done_by_one_worker(tmp_path, forked, plan):
    manifest = execute(request(tmp_path, ["A mill grinds grain.", "磨坊在河边。"], plan))
    assert sum(shard["rows"] for shard in manifest["datasets"]["text"]["shards"]) == 2
    if plan:
        assert len(forked) > 1
    else:
        assert forked == ["all stages"]


def test_execute__a_document_that_kills_that_worker_costs_itself(tmp_path, forked, monkeypatch):
    examine = UnitScorer.examine

    def deadly(scorer, batch, *rest):
        if any("石头 falls" in text for text in batch.column("text").to_pylist()):
            os.kill(os.getpid(), signal.SIGKILL)
        return examine(scorer, batch, *rest)

    monkeypatch.setattr(UnitScorer, "examine", deadly)
    manifest = execute(request(tmp_path, ["A mill grinds grain.", "A 石头 falls.", "磨坊在河边。"], {}))
    assert sum(shard["rows"] for shard in manifest["datasets"]["text"]["shards"]) == 2
    (dead,) = (row for file in (tmp_path / "run" / "dead").glob("*.parquet") for row in pq.read_table(file).to_pylist())
    assert dead["error"] == "LethalRecord: it ends its process (SIGKILL)"
    assert forked[0] == "all stages"
    assert len(forked) > 1


def test_execute__who_waits_for_loops_to_be_compiled_is_told(tmp_path, monkeypatch):
    asked, told = request(tmp_path, ["A mill grinds grain."], {}), []

    def waiting() -> str | None:
        return json.loads((tmp_path / "run" / STATE).read_text())["waiting"]

    monkeypatch.setattr(execution, "nothing_compiled", lambda: True)
    monkeypatch.setattr(execution, "preload", lambda recipe: told.append(waiting()))
    execute(asked)
    assert told == [execution.COMPILES]
    assert waiting() is None
