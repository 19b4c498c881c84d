"""The numbers of a report against a count in plain Python over the same documents."""

import glob
import json
import shutil
import subprocess
import sys
import time
from collections import Counter
from collections.abc import Callable
from pathlib import Path
from typing import Any

import duckdb
import numpy as np
import pyarrow.dataset
import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.report import build as build_module
from gristmill.pipelines.report.alignment import GAP
from gristmill.pipelines.report.build import build, write_report
from gristmill.pipelines.report.drawing.render import prose, render
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.model import Report

Scrub = Callable[[str], str]


@pytest.fixture(scope="session")
def report(run: Path, scrub: Scrub) -> Report:
    return build(run, scrub)


def test_header(report: Report, docs: list) -> None:
    kept = [doc for doc in docs if not doc.step]
    head = report.header
    assert (head.name, head.state, head.limits, head.reconciles) == ("mixed-crawl", "finished", [], True)
    assert (head.records.documents, head.dropped, head.dead) == (len(docs) + 5, len(docs) - len(kept), 5)
    assert (head.kept.documents, head.kept.bytes) == (len(kept), sum(doc.bytes for doc in kept))
    assert head.tokens == sum(doc.bytes for doc in kept)  # the test's tokenizer: one token a byte
    assert (head.share_kept, head.seconds) == (len(kept) / (len(docs) + 5), 55.0)


def test_funnel__steps_and_reasons(report: Report, docs: list) -> None:
    steps = {step.name: step for step in report.funnel.steps}
    assert list(steps) == ["read", "extract", "decide", "deduplicate", "scrub"]
    assert steps["read"].dead.documents == 5
    judged, removed = (Counter(d.rules[0] for d in docs if d.step == s) for s in ("decide", "deduplicate"))
    fired = Counter(rule for d in docs if d.step == "decide" for rule in d.rules)
    found = {name: {r.name: (r.first, r.fired) for r in step.reasons} for name, step in steps.items()}
    assert found["decide"] == {rule: (judged[rule], number) for rule, number in fired.items()}
    assert found["deduplicate"] == {rule: (number, number) for rule, number in removed.items()}
    for step in report.funnel.steps:
        whole = step.share_gone_before + step.share_kept + step.share_dropped + step.share_dead
        assert whole == pytest.approx(1)
    assert [(item.name, item.count) for item in report.funnel.aside] == [("warc_request", 12)]
    assert [(item.name, item.count) for item in report.funnel.unjudged] == [("de", sum(d.lang == "de" for d in docs))]


@pytest.mark.parametrize("table", ["sources", "languages"])
def test_groups(report: Report, docs: list, table: str) -> None:
    key = "source" if table == "sources" else "lang"
    for group in getattr(report, table).rows:
        mine = [doc for doc in docs if getattr(doc, key) == group.name]
        kept = [doc for doc in mine if not doc.step]
        dead = 5 if group.name in ("crawl", "unknown") else 0  # nobody knows the language of a record that died early
        assert (group.documents, group.kept, group.dropped) == (len(mine) + dead, len(kept), len(mine) - len(kept))
        assert (group.dead, group.kept_bytes) == (dead, sum(doc.bytes for doc in kept))
        assert group.unjudged == sum(not doc.judged for doc in mine)
        assert (group.tokens or 0) == sum(doc.bytes for doc in kept)


def test_sites__host_names_only(report: Report, docs: list) -> None:
    assert report.sites is not None
    expected = Counter(doc.url.split("/")[2] for doc in docs)
    assert {group.name: group.documents for group in report.sites.rows} == dict(expected)


def test_entries__how_often_each_rule_fired(report: Report, docs: list, rules: tuple) -> None:
    assert [entry.admits for entry in report.entries] == ["language en", "language zh"]
    for number, (entry, lang) in enumerate(zip(report.entries, ("en", "zh"), strict=True)):
        mine = [doc for doc in docs if doc.lang == lang]
        assert entry.judged == len(mine)
        assert entry.dropped == sum(doc.step == "decide" for doc in mine)
        assert [rule.name for rule in entry.rules] == [rule.name for rule in rules if rule.entry == number]
        for row in entry.rules:
            fired = [doc for doc in mine if row.name in doc.rules]
            assert row.fired == len(fired)
            assert row.first == sum(doc.rules[0] == row.name for doc in fired)
            assert row.alone == sum(doc.rules == [row.name] for doc in fired)
            assert row.flag == ("never" if not fired else "often" if len(fired) > len(mine) / 2 else "")


def test_entries__histograms_and_what_lies_beyond(report: Report, docs: list, rules: tuple) -> None:
    for number, (entry, lang) in enumerate(zip(report.entries, ("en", "zh"), strict=True)):
        mine = [rule for rule in rules if rule.entry == number]
        assert [drawn.title for drawn in entry.histograms] == list(dict.fromkeys(rule.signal for rule in mine))
        for drawn in entry.histograms:
            values = [doc.signals[drawn.title] for doc in docs if doc.lang == lang]
            assert sum(item.documents for item in drawn.bins) == drawn.documents == len(values)
            assert (drawn.smallest, drawn.largest) == (min(values), max(values))
            bounds = [rule for rule in mine if rule.signal == drawn.title]
            assert [t.beyond for t in drawn.thresholds] == [sum(map(rule.fires, values)) for rule in bounds]
            beyond = sum(any(rule.fires(value) for rule in bounds) for value in values)
            assert drawn.beyond == beyond
            kept = [doc for doc in docs if doc.lang == lang and not doc.step]
            assert sum(item.kept for item in drawn.bins) == len(kept)


def test_duplicates(report: Report, docs: list) -> None:
    found = report.duplicates
    assert found is not None
    sizes = Counter(doc.cluster for doc in docs)
    clusters = {cluster: size for cluster, size in sizes.items() if size > 1}
    assert (found.clusters, found.documents) == (len(clusters), sum(clusters.values()))
    assert found.exact + found.near == sum(doc.step == "deduplicate" for doc in docs)
    assert found.repeated == sum(doc.duplicate_of is not None for doc in docs)
    assert found.ruled == sum(doc.duplicate_of is not None and doc.step == "decide" for doc in docs) > 0
    assert sum(item.count for item in found.sizes) == len(clusters)
    largest = sorted(clusters.items(), key=lambda item: (-item[1], item[0]))[:8]
    assert [(cluster.cluster, cluster.size) for cluster in found.largest] == largest
    for cluster in found.largest:
        assert cluster.members[0].fate == "kept"
        assert cluster.members[0].doc_id == cluster.cluster
    assert found.similarities is not None
    assert found.similarities.beyond == 0


def test_duplicates__pairs_nearest_the_threshold(report: Report, docs: list) -> None:
    assert report.duplicates is not None
    removed = sorted((np.float32(d.similarity), d.doc_id) for d in docs if d.step == "deduplicate")
    closest = report.duplicates.closest
    assert [pair.loser for pair in closest] == [doc_id for _, doc_id in removed[:6]]
    texts = {doc.doc_id: doc.clean for doc in docs}
    for pair in closest:
        for doc_id, side in ((pair.loser, pair.loser_text), (pair.winner, pair.winner_text)):
            assert all(piece in texts[doc_id] for span in side for piece in span.text.split(GAP))
        same = [["".join(s.text for s in side if not s.differs)] for side in (pair.loser_text, pair.winner_text)]
        assert same[0] == same[1]


def test_edits__kinds_counted_in_kept_documents(report: Report, docs: list) -> None:
    assert report.edits is not None
    spans = [edit for doc in docs if not doc.step for edit in doc.edits]
    counts = Counter(edit["kind"] for edit in spans)
    found = {kind.kind: kind for kind in (*report.edits.personal, *report.edits.text)}
    assert {name: kind.spans for name, kind in found.items()} == dict(counts)
    for name, kind in found.items():
        assert kind.bytes == sum(edit["end"] - edit["start"] for edit in spans if edit["kind"] == name)
    assert [kind.kind for kind in report.edits.text] == ["c4@tfds/short_line"]
    for kind in report.edits.personal:
        assert kind.examples
        assert all(f"<{kind.kind}>" in example for example in kind.examples)


def test_edits__audit_by_type_source_and_language(report: Report, docs: list) -> None:
    assert report.edits is not None
    found = [(one["type"], doc.source, doc.lang, one) for doc in docs if not doc.step for one in doc.findings]
    groups = {(one.type, one.source, one.lang): one for one in report.edits.audit}
    assert {key: one.spans for key, one in groups.items()} == dict(Counter(row[:3] for row in found))
    for key, one in groups.items():
        mine = [row for *group, row in found if tuple(group) == key]
        assert one.values == len({row["hash"] for row in mine})
        assert one.lowest == min(row["score"] for row in mine)
        assert one.actions == "tag"
    assert report.edits.unlisted == 0


def test_dead__by_error_and_file(report: Report) -> None:
    assert report.dead is not None
    assert [(g.file, g.documents, g.bytes, g.offset) for g in report.dead.groups] == [
        ("raw/part-0.jsonl", 3, 300, 0),
        ("raw/part-1.jsonl", 2, 200, 1000),
    ]


def test_tokens__of_many_languages_add_up(
    report: Report, run: Path, scrub: Scrub, monkeypatch: pytest.MonkeyPatch
) -> None:
    monkeypatch.setattr("gristmill.pipelines.report.sections.tokens.GROUPS", 1)
    tokens = build(run, scrub).tokens
    assert tokens is not None
    assert [group.name for group in tokens.languages][1:] == ["2 others"]
    assert sum(group.tokens for group in tokens.languages) == tokens.tokens
    assert sum(group.held_out for group in tokens.languages) == tokens.held_out


def test_build__by_several_processes_is_the_same(run: Path) -> None:
    code = (  # in this order: DuckDB has threads, and a process with threads must not fork
        "import sys; from pathlib import Path; from gristmill.pipelines.report.build import build; "
        "run = Path(sys.argv[1]); shared = build(run, workers=2); assert shared == build(run)"
    )
    subprocess.run([sys.executable, "-c", code, run], check=True)


def test_write_report__keeps_how_long_the_user_waited(runs: Any, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr("gristmill.pipelines.report.build.scrubbed_excerpts", lambda _store: Excerpts(str))
    run = runs.whole()
    for _ in range(2):  # rendered again, it is still what that run took
        write_report(run, *([time.time() - 100] if _ == 0 else []))
        seconds = Report.from_json((run / "report" / "report.json").read_text("utf-8")).header.seconds
        assert seconds is not None
        assert 100 <= seconds < 160


def test_tokens(report: Report, docs: list) -> None:
    assert report.tokens is not None
    assert report.tokenizer is not None
    assert [split.name for split in report.tokens.splits] == ["train", "validation"]
    assert report.tokens.splits[0].documents == sum(not doc.step for doc in docs) - 3
    assert [group.bytes_per_token for group in report.tokens.languages] == [1.0, 1.0, 1.0]
    held_out = report.tokens.splits[1].tokens
    assert (report.tokens.tokens, report.tokens.held_out) == (report.tokens.splits[0].tokens + held_out, held_out)
    assert (report.header.tokens, report.header.held_out) == (report.tokens.tokens, held_out)
    for groups in (report.tokens.languages, report.tokens.sources):
        for name in ("documents", "tokens", "held_out"):
            assert sum(getattr(group, name) for group in groups) == getattr(report.tokens, name), name
    assert (report.tokenizer.kind, report.tokenizer.vocabulary) == ("bpe", 1024)
    assert report.tokenizer.measures[:4] == ["bytes", "tokens", "bytes / token", "tokens / word"]
    assert [(row.language, row.values[1:5]) for row in report.tokenizer.evaluation] == [
        ("en", [30_000, 4.0, 1.25, 0.5]),
        ("zh", [22_500, 4.0, 1.25, 0.5]),
        ("all", [52_500, 4.0, 1.25, 0.5]),
    ]
    assert ("<extra_0> … <extra_1>", "12–13") in [(f.name, f.value) for f in report.tokenizer.special]


def test_training_of_a_stage__has_its_own_curves_and_no_baseline(run: Path, scrub: Scrub, tmp_path: Path) -> None:
    run = Path(shutil.copytree(run, tmp_path / "run"))
    lines = [
        {"step": step, "loss": 0.1, "reward": step / 10, "kl": 0.01 * step, "clipped": 0.0, "truncated": 0.5}
        for step in range(1, 6)
    ]
    lines.append({"step": 5, "val_reward": 0.6, "val_right": 0.4})
    (run / "train" / "grpo").mkdir()
    text = "".join(json.dumps(line) + "\n" for line in lines)
    (run / "train" / "grpo" / "metrics.jsonl").write_text(text, encoding="utf-8")
    (training,) = [one for one in build(run, scrub).training if one.name == "grpo"]
    assert training.unigram_entropy is None
    charts = {chart.title: chart for chart in training.charts}
    assert list(charts) == ["Loss", "Reward", "Right", "Distance from the first model", "Shares"]
    assert charts["Loss"].baseline is None
    assert [point.y for point in charts["Reward"].curves[0].points] == [0.1, 0.2, 0.3, 0.4, 0.5]
    assert [(curve.name, len(curve.points)) for curve in charts["Right"].curves] == [("answers, validation", 1)]


def test_training(report: Report) -> None:
    (training,) = report.training
    assert (training.name, training.steps) == ("nano", 300)
    assert training.last_loss == pytest.approx(2.03, abs=0.02)
    assert training.unigram_entropy is not None
    assert 2.5 < training.unigram_entropy < 5  # bytes of two scripts
    loss, bits, lengths, gradient, experts, speed = training.charts
    assert (training.skipped, training.rolled_back) == (2, 1)
    assert gradient.events == [77, 201]
    assert max(point.y for chart in (loss, gradient) for curve in chart.curves for point in curve.points) < 7
    assert [curve.name for curve in lengths.curves] == ["64–255 tokens", "from 16384 tokens"]
    assert [len(curve.points) for curve in lengths.curves] == [30, 30]
    assert [len(curve.points) for curve in experts.curves] == [240, 240]
    assert experts.baseline == 1
    assert [len(curve.points) for curve in loss.curves] == [240, 6]
    assert loss.baseline == training.unigram_entropy
    assert bits.baseline is not None
    assert (speed.baseline, speed.from_zero) == (None, True)
    assert [source.name for source in training.sources] == ["crawl", "manuals"]


def test_timing_and_provenance(report: Report, run: Path) -> None:
    assert report.timing is not None
    assert [stage.name for stage in report.timing.stages] == ["score", "duplicates", "text"]
    score = report.timing.stages[0]
    assert score.rate == pytest.approx(score.bytes / 1e6 / 12.5)
    chain = {figure.name: figure.value for figure in report.provenance.chain}
    assert chain["recipe_sha256"] == "ab" * 32
    assert chain["steps.score"] == "01" * 32
    assert chain["tokenizer.sha256"] == "12" * 32
    assert "mixed-crawl" in report.provenance.recipe


def queries(value: Any) -> list[str]:
    if isinstance(value, dict):
        mine = [text for key, text in value.items() if key.endswith("query")]
        return mine + [text for inner in value.values() for text in queries(inner)]
    return [text for inner in value for text in queries(inner)] if isinstance(value, list) else []


def test_queries__every_printed_one_runs_in_the_run_directory(
    report: Report, run: Path, monkeypatch: pytest.MonkeyPatch
) -> None:
    printed = queries(json.loads(report.to_json()))
    assert len(printed) > 18
    monkeypatch.chdir(run)
    with duckdb.connect() as connection:
        shards = sorted(glob.glob("tokens/[tv]*/*.arrow"))
        connection.register("shards", pyarrow.dataset.dataset(shards, format="arrow"))
        for query in printed:
            assert connection.sql(query).fetchall(), query


def test_queries__reproduce_the_figures(report: Report, run: Path, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.chdir(run)
    totals = f"SELECT step, outcome, sum(documents)::BIGINT FROM ({report.funnel.query}) GROUP BY ALL"
    funnel = {(step, outcome): number for step, outcome, number in duckdb.sql(totals).fetchall()}
    for step in report.funnel.steps:
        assert funnel[step.name, "in"] == step.entered.documents
        assert funnel.get((step.name, "dropped"), 0) == step.dropped.documents
    drawn = report.entries[0].histograms[0]
    assert report.lengths is not None
    for drawn in (report.entries[0].histograms[0], report.entries[1].histograms[1], report.lengths):
        counted = {number: (documents, kept) for number, documents, kept in duckdb.sql(drawn.query).fetchall()}
        assert [counted.get(k, (0, 0)) for k in range(len(drawn.bins))] == [(b.documents, b.kept) for b in drawn.bins]


def test_report_json__round_trip_and_equal_bytes(report: Report, run: Path, scrub: Scrub) -> None:
    text = report.to_json()
    assert Report.from_json(text) == report
    assert build(run, scrub).to_json() == text


def test_write_report__both_files(runs: Any, scrub: Scrub, monkeypatch: pytest.MonkeyPatch) -> None:
    monkeypatch.setattr(build_module, "scrubbed_excerpts", lambda _store: Excerpts(scrub))
    run = runs.whole()
    page = write_report(run)
    assert page == run / "report" / "index.html"
    report = Report.from_json((run / "report" / "report.json").read_text("utf-8"))
    assert page.read_text("utf-8") == render(report)
    assert sorted(file.name for file in (run / "report").iterdir()) == ["files.json", "index.html", "report.json"]


def test_build__totals_that_do_not_reconcile_are_said_first(runs: Any, scrub: Scrub) -> None:
    run = runs.whole()
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    next(a for a in manifest["accounts"] if a["step"] == "decide" and a["outcome"] == "kept")["documents"] += 1
    (run / "manifest.json").write_text(json.dumps(manifest), "utf-8")
    report = build(run, scrub)
    assert not report.header.reconciles
    assert report.attention[0].text.startswith("Totals do not reconcile: decide: in = kept + dropped + dead")
    assert "totals do not reconcile" in render(report)


def test_build__a_cleaned_run_says_so(runs: Any, scrub: Scrub) -> None:
    run = runs.whole()
    for folder in ("dropped", "dead"):
        shutil.rmtree(run / folder)
    report = build(run, scrub)
    assert report.samples is None
    assert report.dead is None
    assert "clean" in report.absent["samples"]
    assert "5 dead letters were counted" in report.absent["dead"]
    assert report.duplicates is not None
    assert report.duplicates.closest == []
    assert str(prose(report.absent["samples"])) in render(report)


def test_build__a_run_that_stopped_early(runs: Any, scrub: Scrub) -> None:
    run = runs.whole()
    for folder in ("ledger", "clusters", "text", "tokens", "tokenizer", "train", "dead", "dropped"):
        shutil.rmtree(run / folder)
    manifest = json.loads((run / "manifest.json").read_text("utf-8"))
    manifest["accounts"] = [a for a in manifest["accounts"] if a["step"] in ("read", "extract", "decide")]
    cut = {"until": "score", "sample": 0.05, "reconciled_steps": ["read", "extract", "decide"]}
    (run / "manifest.json").write_text(json.dumps(manifest | cut), "utf-8")
    report = build(run, scrub)
    assert report.header.limits == ["until score", "sample 0.05"]
    assert (report.languages, report.edits, report.duplicates, report.tokens) == (None, None, None, None)
    page = render(report)
    for section in ("languages", "duplicates", "tokens", "tokenizer", "training"):
        assert str(prose(report.absent[section])) in page, section


@pytest.mark.parametrize("number", [0, 1])
def test_build__hardly_any_documents(runs: Any, scrub: Scrub, number: int) -> None:
    report = build(runs.whole(number=number), scrub)
    assert report.header.reconciles
    assert report.header.records.documents == number
    assert Report.from_json(report.to_json()) == report
    assert (report.samples, report.duplicates, report.dead) == (None, None, None)
    for section in ("samples", "duplicates", "dead"):
        assert str(prose(report.absent[section])) in render(report)


def test_build__without_a_manifest(runs: Any, scrub: Scrub) -> None:
    run = runs.whole(number=1)
    (run / "manifest.json").unlink()
    with pytest.raises(InputError, match="no manifest"):
        build(run, scrub)


def test_build__a_half_written_metrics_line_is_not_an_error(runs: Any, scrub: Scrub) -> None:
    run = runs.whole(number=30)
    file = run / "train" / "nano" / "metrics.jsonl"
    whole = file.read_bytes()
    for cut in (b'{"step": 301, "lo', '{"step": 301, "loss_by_source": {"网'.encode()[:-1]):
        file.write_bytes(whole + cut)
        assert build(run, scrub).training[0].steps == 300
    for damaged in ('{"step": 1', "[]", '{"ctep": 1, "skipped": true}', '{"step": "1"}'):
        file.write_text(damaged + '\n{"step": 2, "loss": 3.0}\n')
        with pytest.raises(InputError, match=r"no record of a step"):
            build(run, scrub)
