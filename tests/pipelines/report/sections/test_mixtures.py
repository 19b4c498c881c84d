"""Mixtures of a run in its report."""

import json
from pathlib import Path
from types import SimpleNamespace

from gristmill.pipelines.report.sections.mixtures import GROUPS, build_mixtures


def material(run: Path):
    return SimpleNamespace(run=run, excerpts=SimpleNamespace(name=str))


def card(groups: int) -> dict:
    listed = [
        {"group": f"组{n}", "documents": 1, "tokens": 10, "read": 20 + n, "share": 1 / groups, "epochs": 2.0,
         "most_epochs": 3.0, "cut": 1, "effective": 19}
        for n in range(groups)
    ]  # fmt: skip
    total = {"read": sum(one["read"] for one in listed), "epochs": 2.0, "effective": 19 * groups}
    rest = {"runs": [{}, {}], "rows": 7, "padding": 0.1, "left_out": {"id": 1, "content": 2}}
    return {"groups": listed, "total": total, **rest}


def test_build_mixtures__rows_are_bounded_and_add_up(tmp_path):
    (tmp_path / "mix" / "first").mkdir(parents=True)
    (tmp_path / "mix" / "first" / "mix.json").write_text(json.dumps(card(GROUPS + 5)), encoding="utf-8")
    (tmp_path / "mix" / "torn").mkdir()
    (tmp_path / "mix" / "torn" / "mix.json").write_text('{"groups": [', encoding="utf-8")
    (found,) = build_mixtures(material(tmp_path))
    assert (found.name, found.runs, found.left_out, found.most_epochs) == ("first", 2, 3, 3.0)
    assert len(found.groups) == GROUPS + 1
    assert found.groups[0].name == f"组{GROUPS + 4}"
    assert found.groups[-1].name == "5 more"
    assert sum(group.read for group in found.groups) == found.read


def test_build_mixtures__a_run_without_any_has_none(tmp_path):
    assert build_mixtures(material(tmp_path)) == []
