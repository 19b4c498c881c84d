"""How many workers a run makes: none but one where there is nothing to share among them."""

import json

import pytest
import yaml

from gristmill.pipelines.processes.pool import WorkerPool
from gristmill.pipelines.run.execute import execute
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.local.runner import unsuitable


@pytest.mark.skipif(unsuitable() is not None, reason="not a tested Beam, or no safe fork")
@pytest.mark.parametrize("plan", [{}, {"unit_bytes": 1}])
def test_execute__one_small_unit_is_done_by_one_worker(tmp_path, monkeypatch, plan):
    forked, map_tasks = [], WorkerPool.map

    def noted(pool, work, tasks, what, *more, **options):
        forked.append(what)
        return map_tasks(pool, work, tasks, what, *more, **options)

    monkeypatch.setattr(WorkerPool, "map", noted)
    lines = [json.dumps({"text": text}, ensure_ascii=False) for text in ("A mill grinds grain.", "磨坊在河边。")]
    (tmp_path / "pages.jsonl").write_text("\n".join(lines), encoding="utf-8")
    sources = {"web": {"format": "jsonl", "paths": ["pages.jsonl"], "language": "en"}}
    recipe = {"gristmill": 1, "name": "mill", "decide": [], "deduplicate": None, "scrub": None, "tokenizer": None}
    (tmp_path / "recipe.yaml").write_text(yaml.safe_dump({**recipe, "sources": sources, "plan": plan}))
    manifest = execute(Request(tmp_path / "recipe.yaml", tmp_path / "run", workers=2))
    assert sum(shard["rows"] for shard in manifest["datasets"]["text"]["shards"]) == 2
    if plan:
        assert len(forked) > 1
    else:
        assert forked == ["all stages"]
