"""Evaluation items in documents, in a whole run: dropped, cut or reported; the evidence, the rates, the same bytes."""

import csv
import hashlib
import json
import random
from pathlib import Path

import duckdb
import pyarrow as pa
import pytest
import typer
from typer.testing import CliRunner

from gristmill.pipelines.cli.inspecting.contamination import contamination
from gristmill.pipelines.forget.asked import Asked, Entry
from gristmill.pipelines.forget.make import look, make
from gristmill.pipelines.forget.version import open_version
from gristmill.pipelines.report.clusters import find_clusters
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from tests.in_process import execute
from tests.runs.conftest import chinese, english

ASKED = [
    "Natalia keeps 48 lanterns at the harbour and sells half as many in May. How many lanterns has she sold by June?",
    "A cooper packs 36 barrels into crates of four. How many crates does he carry to the market on Monday?",
    "Tobias walks from the ferry to the observatory in 51 minutes and rests twice. When does he arrive there?",
]
CHOICES = [
    ("在水文学中，径流与冰川之间的关系最能说明下列哪一种现象？", ["河水上涨", "岩石风化", "风向改变", "潮汐减弱"], "A"),
    ("关于磨坊的历史，以下哪一项叙述与文献记载不符？", ["建于山谷", "由水驱动", "毁于大火", "属于公会"], "C"),
]
RECIPE = """\
gristmill: 1
name: contamination
sources:
  web: {format: jsonl, paths: web.jsonl, id: id, language: {column: lang}}
plan: {unit_bytes: 12kB}
deduplicate: {minhash: null, passages: [{unit: sentence, min_letters: 10}]}
decontaminate:
  sets:
    gsm: {paths: gsm.jsonl}
    ceval: {paths: ceval.csv}
  action: drop
scrub: null
tokenizer: null
"""


def page(number: int, lang: str) -> str:
    rng = random.Random(f"{lang}{number}")
    return (english if lang == "en" else chinese)(rng, 8)


def documents() -> list[dict]:
    """One item as it is, one changed in one word and in capitals, one in Chinese of full width, twice the same."""
    made = {f"{lang}-{number}": page(number, lang) for number in range(20) for lang in ("en", "zh")}
    made["en-3"] += "\n" + ASKED[0] + "\nThe answer: 24"
    made["en-7"] = ASKED[1].replace("carry", "bring").upper() + "\n" + made["en-7"]
    made["en-8"] += "\n" + " ".join(ASKED[1].split()[:5])  # a few words are no item
    question, choices, _ = CHOICES[0]
    made["zh-4"] += f"\n{question.replace('，', ' ')}\nＡ．{choices[0]}　Ｂ．{choices[1]}"
    made["zh-9"] = made["zh-4"]
    return [{"id": name, "text": text, "lang": name[:2]} for name, text in made.items()]


@pytest.fixture(scope="module")
def folder(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("contamination")
    lines = [json.dumps(doc, ensure_ascii=False) + "\n" for doc in documents()]
    (folder / "web.jsonl").write_text("".join(lines), encoding="utf-8")
    items = [json.dumps({"question": text, "answer": "so it is #### 24"}) + "\n" for text in ASKED]
    (folder / "gsm.jsonl").write_text("".join(items), encoding="utf-8")
    with (folder / "ceval.csv").open("w", encoding="utf-8", newline="") as file:
        rows = csv.writer(file)
        rows.writerow(["id", "question", "A", "B", "C", "D", "answer"])
        rows.writerows([number, text, *choices, answer] for number, (text, choices, answer) in enumerate(CHOICES))
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return folder


def done(folder: Path, out: Path, text: str = RECIPE, workers: int = 1) -> Path:
    recipe = folder / f"{out.name}.yaml"
    recipe.write_text(text, encoding="utf-8")
    execute(Request(recipe, out, workers=workers))
    return out


@pytest.fixture(scope="module")
def run(folder) -> Path:
    return done(folder, folder / "run")


def table(run: Path, what: str, columns: str = "*") -> list[dict]:
    return duckdb.sql(f"SELECT {columns} FROM '{run}/{what}/*.parquet' ORDER BY ALL").to_arrow_table().to_pylist()


def texts_of(run: Path) -> dict[str, str]:
    found = {}
    for file in sorted(run.glob("text/*.arrow")):
        read = pa.ipc.open_file(file).read_all()
        found |= dict(zip(read["id"].to_pylist(), read["text"].to_pylist(), strict=True))
    return found


def spans(run: Path) -> list[tuple[str, str, str, str]]:
    """(document, set, item's id, what stands there) of all evidence."""
    names = {row["doc_id"]: row["id"] for row in table(run, "ledger", "doc_id, id")}
    texts = {doc["id"]: doc["text"].encode() for doc in documents()}
    return sorted(
        (
            names[row["doc_id"]],
            row["set"],
            row["item_id"],
            texts[names[row["doc_id"]]][row["start"] : row["end"]].decode(),
        )
        for row in table(run, "contamination")
    )


def test_copies_of_a_page_are_one_place_and_a_phrase_of_all_pages_is_none(folder, tmp_path):
    """In a small corpus 30 documents may have an item: 60 copies of a page are one, once duplicates are gone."""
    question, choices, _ = CHOICES[0]
    phrase = ASKED[2].replace("?", ".")
    pages = [(f"{lang}{number}", page(number, lang) + "\n" + phrase) for number in range(26) for lang in ("en", "zh")]
    leaked = {"en": ASKED[0] + " The answer: 24", "zh": "\n".join([question, *choices])}
    pages += [(f"{lang}-leak{copy}", page(99, lang) + "\n" + leaked[lang]) for lang in leaked for copy in range(60)]
    lines = [json.dumps({"id": name, "text": text, "lang": name[:2]}, ensure_ascii=False) for name, text in pages]
    (folder / "copies.jsonl").write_text("\n".join(lines), encoding="utf-8")
    recipe = RECIPE.replace("web.jsonl", "copies.jsonl").replace(", passages: [{unit: sentence, min_letters: 10}]", "")
    run = done(folder, tmp_path / "copies", recipe)
    assert sorted(row["set"] for row in table(run, "contamination", '"set"')) == ["ceval", "gsm"]
    verdicts = [row["rules"] for row in table(run, "ledger", "rules") if row["rules"]]
    assert verdicts.count(["contaminated"]) == 2
    assert len(verdicts) == 120
    sets = json.loads((run / "manifest.json").read_text("utf-8"))["contamination"]["sets"]
    assert (sets["gsm"]["phrases"], sets["ceval"]["phrases"]) == ([{"item": 2, "documents": 52}], [])
    shown = invoked(run, "--json")
    assert [(one["set"], one["documents"], one["text"]) for one in json.loads(shown)["phrases"]] == [
        ("gsm", 52, ASKED[2])
    ]
    assert f"gsm 2, in 52 documents: {ASKED[2]}" in " ".join(invoked(run).split())


def invoked(run: Path, *more: str) -> str:
    """What `gristmill contamination RUN` prints."""
    app = typer.Typer()
    app.command()(contamination)
    shown = CliRunner().invoke(app, [str(run), *more])
    assert shown.exit_code == 0, shown.output
    return shown.stdout


def test_clusters__texts_are_those_that_were_compared_whatever_was_cut_or_dropped_later(folder, run):
    """zh-9 went for zh-4, which then lost the item, or went for it."""
    cut = done(folder, folder / "cut-clusters", RECIPE.replace("action: drop", "action: cut"))
    for one, went in ((run, "contaminated"), (cut, None)):
        with Ledger(one) as ledger:
            (cluster,) = find_clusters(ledger, Excerpts(str), 9, 9).shown
        (removal,) = cluster.removals
        assert {removal.loser.id, removal.winner.id} == {"zh-4", "zh-9"}
        assert removal.went == went
        assert removal.loser_text == removal.winner_text
        assert not any(span.differs for span in removal.loser_text)
        assert removal.loser_text


CHINESE = "在水文学中 径流与冰川之间的关系最能说明下列哪一种现象？"
FOUND = [("en-3", "gsm", "0", ASKED[0]), ("en-7", "gsm", "1", ASKED[1].replace("carry", "bring").upper())]


def test_drop__contaminated_documents_go_and_the_ledger_says_why(run):
    ledger = {row["id"]: (row["verdict"], row["step"], row["rules"]) for row in table(run, "ledger")}
    gone = {name: why[1:] for name, why in ledger.items() if why[0] != "kept"}
    assert {name for name, why in gone.items() if why == ("decontaminate", ["contaminated"])} > {"en-3", "en-7"}
    assert sorted(why[0] for name, why in gone.items() if name in ("zh-4", "zh-9")) == ["decontaminate", "deduplicate"]
    assert len(gone) == 4
    assert not set(gone) & set(texts_of(run))
    assert {row["id"] for row in table(run, "dropped")} == set(gone)


def test_evidence__names_item_document_and_bytes(run):
    found = spans(run)
    assert found[:2] == FOUND
    assert [(one[1:]) for one in found[2:]] == [("ceval", "0", CHINESE)]
    rows = {row["item_id"] + row["set"]: row for row in table(run, "contamination")}
    assert rows["0gsm"]["question"] == 1
    assert 0.9 < rows["1gsm"]["question"] < 1
    assert (rows["0ceval"]["score"], rows["0ceval"]["answer"], rows["0ceval"]["action"]) == (1, 1, "drop")


def test_rates__stand_in_the_manifest_and_figures_follow(run, folder):
    known = json.loads((run / "manifest.json").read_text("utf-8"))["contamination"]
    assert (known["action"], known["documents"], known["documents_left"]) == ("drop", 3, 0)
    of = known["sets"]["gsm"]
    assert {name: of[name] for name in ("items", "contaminated", "documents", "left")} == {
        "items": 3, "contaminated": 2, "documents": 2, "left": 0
    }  # fmt: skip
    assert of["rate"] == pytest.approx(2 / 3, abs=1e-6)
    assert of["sha256"] == hashlib.sha256((folder / "gsm.jsonl").read_bytes()).hexdigest()
    figures = json.loads((run / "report" / "report.json").read_text("utf-8"))["figures"]
    assert (figures["contaminated_share"], figures["decontaminated_documents"]) == (0, 3)


def test_cut__only_the_span_goes_and_the_edit_is_recorded(folder, tmp_path):
    run = done(folder, tmp_path / "cut", RECIPE.replace("drop", "cut"))
    texts, expected = texts_of(run), {doc["id"]: doc["text"] for doc in documents()}
    assert texts["en-7"] == page(7, "en")
    assert texts["en-3"] == expected["en-3"].replace(ASKED[0] + "\n", "")
    edits = {row["id"]: [edit["kind"] for edit in row["edits"]] for row in table(run, "ledger", "id, edits")}
    assert edits["en-7"] == ["evaluation_item"]
    assert {row["action"] for row in table(run, "contamination")} == {"cut"}
    assert "en-8" in texts


@pytest.fixture(scope="module")
def repeating(folder) -> Path:
    """Items are only reported, but lines that two documents have go, and documents that lose a third to them; so does
    one for what it holds of somebody, and one stays."""
    asked = [ASKED[0] + " The answer: 24", CHOICES[0][0] + " " + CHOICES[0][1][0], ASKED[1], ASKED[2]]
    pages = {
        "keeps-en": page(60, "en") + page(61, "en") + "\n" + asked[0],
        "line-en": page(62, "en") + "\n" + asked[0],
        "keeps-zh": page(60, "zh") + page(61, "zh") + "\n" + asked[1],
        "line-zh": page(62, "zh") + "\n" + asked[1],
        "emptied": asked[0] + "\n" + page(63, "en")[:60],
        "mail": page(64, "en") + "\n" + asked[2] + " Ask someone@mills.org.",
        "stays": page(65, "en") + "\n" + asked[3],
    }
    lines = [json.dumps({"id": name, "text": text, "lang": "zh" if name[-2:] == "zh" else "en"}, ensure_ascii=False)
             for name, text in pages.items()]  # fmt: skip
    (folder / "repeating.jsonl").write_text("\n".join(lines), encoding="utf-8")
    changes = {
        "web.jsonl": "repeating.jsonl",
        "drop": "report",
        "scrub: null": "scrub: {drop_above: {EMAIL_ADDRESS: 0}}",
        "{unit: sentence, min_letters: 10}": "{unit: line, min_letters: 10}",
        "}]}": "}], max_cut: 30%}",
    }
    recipe = RECIPE
    for old, new in changes.items():
        recipe = recipe.replace(old, new)
    return done(folder, folder / "repeating", recipe)


def test_report__what_other_steps_took_is_not_left(repeating):
    named = {row["doc_id"]: row["id"] for row in table(repeating, "ledger", "doc_id, id")}
    action = {named[row["doc_id"]]: row["action"] for row in table(repeating, "contamination")}
    assert action == {"keeps-en": "report", "line-en": "cut", "keeps-zh": "report", "line-zh": "cut", "emptied": "drop",
                      "mail": "drop", "stays": "report"}  # fmt: skip
    known = json.loads((repeating / "manifest.json").read_text("utf-8"))["contamination"]
    assert (known["documents"], known["documents_left"]) == (7, 3)
    assert {name: (of["contaminated"], of["left"]) for name, of in known["sets"].items()} == {
        "gsm": (3, 2), "ceval": (1, 1)
    }  # fmt: skip


def test_forget__rates_are_those_of_the_documents_that_are_left(repeating, tmp_path):
    version = open_version(str(repeating))
    named = {row["id"]: row["doc_id"] for row in table(repeating, "ledger", "doc_id, id")}
    asked = Asked.of([Entry("doc_id", named[name], "--doc-id", True) for name in ("keeps-en", "emptied")])
    new = tmp_path / "new"
    make(version, asked, look(version, asked, False, ()), str(new), False, lambda line: None)
    known = json.loads((new / "manifest.json").read_text("utf-8"))["contamination"]
    assert (known["documents"], known["documents_left"]) == (5, 2)
    keys = ("contaminated", "rate", "left", "left_rate")
    told = [[known["sets"][name][key] for key in keys] for name in ("gsm", "ceval")]
    assert told == [[3, 1.0, 1, 0.333333], [1, 0.5, 1, 0.5]]
    figures = json.loads((new / "report" / "report.json").read_text("utf-8"))["figures"]
    assert (figures["contaminated_documents"], figures["decontaminated_documents"]) == (2, 3)


def test_report__nothing_changes_and_the_rate_says_what_is_left(folder, tmp_path):
    run = done(folder, tmp_path / "report", RECIPE.replace("drop", "report"))
    known = json.loads((run / "manifest.json").read_text("utf-8"))["contamination"]
    assert (known["documents_left"], known["sets"]["gsm"]["left"]) == (3, 2)
    assert texts_of(run)["en-3"] == {doc["id"]: doc["text"] for doc in documents()}["en-3"]
    figures = json.loads((run / "report" / "report.json").read_text("utf-8"))["figures"]
    assert (figures["contaminated_documents"], figures["decontaminated_documents"]) == (3, 0)
    assert figures["contaminated_share"] == pytest.approx(3 / figures["kept_documents"])


@pytest.mark.parametrize(("size", "workers"), [("1MB", 1), ("3kB", 2)])
def test_units_and_workers__change_nothing(folder, run, tmp_path, size, workers):
    other = done(folder, tmp_path / "run", RECIPE.replace("12kB", size), workers)
    without_units = "* EXCLUDE (unit, row)"
    assert table(other, "contamination", without_units) == table(run, "contamination", without_units)
    assert texts_of(other) == texts_of(run)
    manifests = [json.loads((one / "manifest.json").read_text("utf-8")) for one in (run, other)]
    assert manifests[0]["contamination"] == manifests[1]["contamination"]


def receipts(run: Path, stage: str) -> dict[str, int]:
    return {str(file): file.stat().st_mtime_ns for file in run.glob(f"_work/{stage}-*/*.json")}


def test_change__of_a_bound_measures_nothing_again_of_a_set_scores_nothing_again(folder, tmp_path):
    run = done(folder, tmp_path / "run")
    stages = ("score", "overlaps", "duplicates")
    before = {stage: receipts(run, stage) for stage in stages}
    done(folder, run, RECIPE.replace("action: drop", "action: drop\n  threshold: 0.95"))
    assert {stage: receipts(run, stage) for stage in stages} == before
    assert {one[:3] for one in spans(run)} == {("en-3", "gsm", "0"), spans(run)[-1][:3]}
    done(folder, run, RECIPE.replace("    ceval: {paths: ceval.csv}\n", ""))
    assert (receipts(run, "score"), receipts(run, "duplicates")) == (before["score"], before["duplicates"])
    assert set(receipts(run, "overlaps")) - set(before["overlaps"])
    assert spans(run) == FOUND
    done(folder, run)
    assert len(spans(run)) == 3


def test_command__shows_rates_and_places_masks_and_writes_a_page(run, tmp_path):
    runner = CliRunner()
    app = typer.Typer()
    app.command()(contamination)
    found = json.loads(invoked(run, "--json"))
    assert found["places"] == 3
    assert {one["set"] for one in found["shown"]} == {"gsm", "ceval"}
    second = next(one for one in found["shown"] if (one["set"], one["item_id"]) == ("gsm", "1"))
    assert any(span["differs"] and "bring" in span["text"].lower() for span in second["document_text"])
    page_file = tmp_path / "page.html"
    assert runner.invoke(app, [str(run), "--html", str(page_file)]).exit_code == 0
    html = page_file.read_text("utf-8")
    assert "ceval" in html
    assert "<mark>" in html
    unknown = runner.invoke(app, [str(run), "--set", "mmlu"])
    assert "no evaluation set 'mmlu'" in str(unknown.exception)


def test_why__names_the_item(run):
    from gristmill.pipelines.report.excerpts import Excerpts
    from gristmill.pipelines.report.explain.explanation import Explainer
    from gristmill.pipelines.storage.store import Store

    with Explainer(Store.at(run), Excerpts(str)) as explainer:
        found = explainer.find("en-3")
        assert found is not None
        told = explainer.explain(found.rows[0], 100)
    assert [(one.set, one.item_id) for one in told.contamination] == [("gsm", "0")]
    assert told.remedy is not None
    assert "report" in told.remedy.change


def test_conversations__are_dropped_rather_than_cut(tmp_path):
    talk = [{"role": "user", "content": ASKED[0]}, {"role": "assistant", "content": "Twenty-four."}]
    clean = [{"role": "user", "content": "Tell me of mills."}, {"role": "assistant", "content": "They grind grain."}]
    lines = [json.dumps({"messages": one}) + "\n" for one in (talk, clean)]
    (tmp_path / "talk.jsonl").write_text("".join(lines), encoding="utf-8")
    (tmp_path / "gsm.jsonl").write_text(json.dumps({"question": ASKED[0]}), encoding="utf-8")
    sources = "sources:\n  talk: {format: jsonl, paths: talk.jsonl, chat: {}}\n"
    sets = "decontaminate:\n  sets: {gsm: {paths: gsm.jsonl}}\n  action: cut\n"
    recipe = f"gristmill: 1\nname: talk\n{sources}{sets}deduplicate: null\nscrub: null\ntokenizer: null\n"
    run = done(tmp_path, tmp_path / "run", recipe)
    verdicts = [row["rules"] for row in table(run, "ledger", "row, rules")]
    assert verdicts == [["contaminated"], []]
    assert [row["action"] for row in table(run, "contamination")] == ["drop"]


def test_a_span_that_covers_a_document__drops_it(tmp_path):
    docs = [{"id": "all", "text": ASKED[2], "lang": "en"}, {"id": "none", "text": "Mills grind grain.", "lang": "en"}]
    (tmp_path / "web.jsonl").write_text("".join(json.dumps(doc) + "\n" for doc in docs))
    (tmp_path / "gsm.jsonl").write_text(json.dumps({"question": ASKED[2]}), encoding="utf-8")
    recipe = RECIPE.replace("    ceval: {paths: ceval.csv}\n", "").replace(
        "action: drop", "action: cut\n  max_cut: 1.0"
    )
    run = done(tmp_path, tmp_path / "run", recipe)
    assert {row["id"]: row["rules"] for row in table(run, "ledger", "id, rules")} == {
        "all": ["contaminated"],
        "none": [],
    }
