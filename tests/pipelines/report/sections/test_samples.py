"""Documents that are shown, kept and dropped, and how long all are, against the documents of the run."""

from collections.abc import Callable
from pathlib import Path
from typing import Any

import pytest

from gristmill.pipelines.report.build import build
from gristmill.pipelines.report.drawing.render import render
from gristmill.pipelines.report.model import Report

Scrub = Callable[[str], str]


@pytest.fixture(scope="session")
def report(run: Path, scrub: Scrub) -> Report:
    return build(run, scrub)


def test_samples__the_smallest_ids_with_every_reason(report: Report, docs: list) -> None:
    assert report.samples is not None
    by_rule: dict[tuple[str, str], list] = {}
    for doc in docs:
        if doc.step:
            by_rule.setdefault((doc.step, doc.rules[0]), []).append(doc)
    assert {(group.step, group.reason): group.documents for group in report.samples.groups} == {
        key: len(value) for key, value in by_rule.items()
    }
    assert [group.step for group in report.samples.groups] == sorted(group.step for group in report.samples.groups)
    for group in report.samples.groups:
        chosen = sorted(by_rule[group.step, group.reason], key=lambda doc: doc.doc_id)[:4]
        assert [sample.doc_id for sample in group.samples] == [doc.doc_id for doc in chosen]
        for sample, doc in zip(group.samples, chosen, strict=True):
            assert [why.rule for why in sample.why] == doc.rules
            values = [doc.signals[why.signal] for why in sample.why if why.signal in doc.signals]
            assert [why.value for why in sample.why if why.signal in doc.signals] == values
            assert doc.text.startswith(sample.excerpt)
            assert sample.cut == (len(doc.text) > 600)
            assert (sample.bytes, sample.duplicate_of) == (doc.bytes, doc.duplicate_of)


def test_samples__of_kept_documents_as_the_clean_text_has_them(report: Report, docs: list) -> None:
    assert report.kept is not None
    for group in report.kept.groups:
        mine = sorted((d for d in docs if d.lang == group.reason and not d.step), key=lambda doc: doc.doc_id)
        assert group.documents == len(mine)
        assert [sample.doc_id for sample in group.samples] == [doc.doc_id for doc in mine[:4]]
        for sample, doc in zip(group.samples, mine[:4], strict=True):
            assert doc.clean.startswith(sample.excerpt.rstrip("…"))
            assert (sample.lang, sample.source, sample.why, sample.duplicate_of) == (doc.lang, doc.source, [], None)
    assert [group.reason for group in report.kept.groups] == ["en", "zh", "de"]


def test_lengths__kept_against_dropped_and_no_dead(report: Report, docs: list) -> None:
    assert report.lengths is not None
    assert (report.lengths.scale, report.lengths.unit) == ("log", "bytes of text")
    assert sum(item.documents for item in report.lengths.bins) == len(docs)
    assert sum(item.kept for item in report.lengths.bins) == sum(not doc.step for doc in docs)
    assert report.lengths.median == sorted(doc.bytes for doc in docs)[(len(docs) - 1) // 2]


def test_samples__rules_and_reasons_are_bounded(runs: Any, scrub: Scrub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gristmill.pipelines.report.sections.samples.RULES", 3)
    monkeypatch.setattr("gristmill.pipelines.report.sections.samples.WHY", 1)
    monkeypatch.setattr("gristmill.pipelines.report.sections.groups.SOURCES", 1)
    report = build(runs.whole(), scrub)
    assert report.samples is not None
    assert len(report.samples.groups) == 3
    assert report.samples.others > 0
    assert {len(sample.why) for group in report.samples.groups for sample in group.samples} == {1}
    assert (len(report.sources.rows), report.sources.others) == (1, 1)
    assert f"and {report.samples.others} more reasons" in render(report)
