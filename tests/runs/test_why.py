"""`why`: whatever a document is asked for by, the numbers that decided, its text, its origin, what would keep it."""

import json
import random
import shutil
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
import yaml

from gristmill.pipelines.cli.inspecting.why import why
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.rundir import clean
from gristmill.pipelines.storage.store import Store
from tests.in_process import execute
from tests.runs.conftest import chinese, english

RECIPE = """\
gristmill: 1
name: why
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id, language: {column: lang}}
  table: {format: parquet, paths: table.parquet, id: id, language: {column: lang}}
  pages: {format: html, paths: pages, language: en}
plan: {unit_bytes: 20kB}
read: {max_record_bytes: 30kB}
decide:
  - when: {language: en}
    presets: [gopher@paper]
  - when: {language: zh}
    presets: [chinese@gristmill]
    rules: [{signal: characters, at_most: 5000}]
tokenizer: null
"""
URLS = {"en": "https://mills.example/a%20b/?page=1", "zh": "https://mills.example/磨坊/"}


def records() -> list[dict[str, Any]]:
    rng = random.Random(3)
    made = []
    for lang, write in (("en", english), ("zh", chinese)):
        base = write(rng, 40)
        changed = base.replace("miller", "baker") if lang == "en" else base[:400] + "异" + base[401:]
        made += [
            {"id": f"{lang}-good", "text": base, "lang": lang, "url": URLS[lang]},
            {"id": f"{lang}-near", "text": changed, "lang": lang, "url": f"https://near.example/{lang}"},
            {
                "id": f"{lang}-short",
                "text": f"Ask li.wei@example.com {lang}",
                "lang": lang,
                "url": f"https://s.example/{lang}",
            },
            {"id": f"{lang}-mail@example.com", "text": write(rng, 40), "lang": lang, "url": None},
            {"id": f"{lang}-long", "text": write(rng, 1200 if lang == "en" else 480), "lang": lang, "url": None},
            {"id": "twice", "text": write(rng, 40), "lang": lang, "url": "https://twice.example/"},
        ]
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("why")
    lines = [json.dumps(record, ensure_ascii=False) + "\n" for record in records()]
    (folder / "web-0.jsonl").write_text("".join(lines[:6]) + '{"text": 5}\n', "utf-8")
    (folder / "web-1.jsonl").write_text("\n" + "".join(lines[6:]), "utf-8")
    rng = random.Random(9)
    rows = [{"id": f"row-{i}", "text": "太短" if i == 7 else chinese(rng), "lang": "zh"} for i in range(9)]
    rows.append({"id": "again", "text": records()[6]["text"], "lang": "zh"})
    pq.write_table(pa.Table.from_pylist(rows), folder / "table.parquet", row_group_size=3)
    (folder / "pages").mkdir()
    for name in ("a", "b", "c"):
        text = "<p>Short.</p>" if name == "b" else "".join(f"<p>{line}</p>" for line in english(rng, 30).split("\n"))
        (folder / "pages" / f"{name}.html").write_text(f"<html><body><main>{text}</main></body></html>", "utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, "utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run"))
    return folder / "run"


@pytest.fixture
def ask(run, capsys):
    """What `why --json` prints of a document."""

    def call(asked: str, **options: Any) -> dict[str, Any]:
        why(str(run), asked, json=True, **options)
        return json.loads(capsys.readouterr().out)

    return call


@pytest.fixture
def say(run, capsys):
    """What `why` prints on a terminal."""

    def call(asked: str, where: Path = run) -> str:
        why(str(where), asked)
        return capsys.readouterr().out

    return call


def test_why__url_then_own_id_then_doc_id_then_its_beginning(run, ask):
    by_url = ask("https://near.example/zh")
    (found,) = by_url["explained"]
    assert (by_url["matched_by"], found["id"]) == ("url", "zh-near")
    for asked, how in (
        ("zh-near", "id"),
        (found["doc_id"], "doc_id"),
        (found["doc_id"][:9].upper(), "prefix of doc_id"),
    ):
        again = ask(asked)
        assert again["matched_by"] == how
        assert again["explained"] == [found]
    place = f"{found['origin']['unit'][:16]}/{found['origin']['row']}"
    assert ask(place)["explained"] == [found]


@pytest.mark.parametrize("asked", ["mills.example/a%20b/?page=1", "//www.MILLS.example/a b/?page=1#top", "en-GOOD "])
def test_why__an_address_or_id_written_otherwise(ask, asked):
    assert ask(asked)["explained"][0]["id"] == "en-good"


@pytest.mark.parametrize("asked", ["https://mills.example/%E7%A3%A8%E5%9D%8A", "mills.example/磨坊"])
def test_why__a_chinese_address_with_and_without_percent_signs(ask, asked):
    assert ask(asked)["explained"][0]["id"] == "zh-good"


def test_why__an_id_that_scrubbing_changed_is_found_by_what_it_was(ask):
    found = ask("zh-mail@example.com")
    assert {record["id"] for record in found["explained"]} == {"<EMAIL_ADDRESS>"} or found["documents"] == 2
    assert "example.com" not in json.dumps(found["explained"])


@pytest.mark.parametrize(
    ("asked", "signal", "bound"),
    [("en-short", "plain_words", 50), ("zh-short", "characters", 50), ("row-7", "characters", 50)],
)
def test_why__failing_numbers_come_first_and_the_change_keeps_the_document(run, ask, say, asked, signal, bound):
    (found,) = ask(asked)["explained"]
    first = found["checks"][0]
    assert (first["fired"], first["signal"], first["threshold"]) == (True, signal, bound)
    assert first["value"] < bound
    fired = {check["rule"]: check for check in found["checks"] if check["fired"]}
    change = yaml.safe_load(found["remedy"]["change"])["change"]
    assert change.keys() == fired.keys()
    for rule, threshold in change.items():
        value = fired[rule]["value"]
        assert value >= threshold if fired[rule]["comparison"] == ">=" else value <= threshold
    said = say(asked)
    assert said.index(first["rule"]) < said.index("what would keep it") < said.index("read from")
    assert "must be >= 50" in said


def test_why__own_rules_of_the_recipe_can_be_changed_too(ask):
    (found,) = ask("zh-long")["explained"]
    assert list(yaml.safe_load(found["remedy"]["change"])["change"]) == ["recipe/characters_max"]


def test_why__a_record_that_is_too_long_is_kept_by_a_larger_bound(run, ask):
    with Ledger(run) as ledger:
        (dead,) = ledger.rows("SELECT unit, row, bytes FROM 'ledger/*.parquet' WHERE verdict = 'dead' AND bytes > 100")
    (found,) = ask(f"{dead['unit'][:16]}/{dead['row']}")["explained"]
    assert yaml.safe_load(found["remedy"]["change"]) == {"read": {"max_record_bytes": dead["bytes"]}}


def test_why__the_text_is_scrubbed_and_bounded(ask):
    (found,) = ask("en-short")["explained"]
    assert "<EMAIL_ADDRESS>" in found["text"]
    assert "li.wei" not in json.dumps(found)
    (kept,) = ask("en-good", characters=30)["explained"]
    assert len(kept["text"]) <= 30
    assert kept["cut"]


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_why__a_near_duplicate_beside_the_better_one(ask, say, lang):
    near, good = ask(f"{lang}-near")["explained"][0], ask(f"{lang}-good")["explained"][0]
    loser, winner = (near, good) if near["verdict"] == "dropped" else (good, near)
    twin = loser["twin"]
    assert (twin["doc_id"], twin["url"], twin["verdict"]) == (winner["doc_id"], winner["url"], "kept")
    assert twin["similarity"] == loser["checks"][0]["value"] >= loser["checks"][0]["threshold"]
    threshold = yaml.safe_load(loser["remedy"]["change"])["deduplicate"]["minhash"]["threshold"]
    assert twin["similarity"] < threshold <= twin["similarity"] + 1e-3
    changed = {span["text"] for side in ("text_here", "text_there") for span in twin[side] if span["differs"]}
    assert changed & ({"miller", "baker"} if lang == "en" else {"异"})
    assert "[-" in say(loser["id"])
    assert winner["url"] in say(loser["id"])


def test_why__an_exact_duplicate_of_another_source_can_win_by_priority(ask):
    losers = [one for name in ("again", "zh-good") for one in ask(name)["explained"] if one["verdict"] == "dropped"]
    exact = [one for one in losers if one["checks"][0]["rule"] == "exact_duplicate"]
    for one in exact:
        other = one["twin"]["source"]
        change = yaml.safe_load(one["remedy"]["change"])
        assert change == (
            {"sources": {one["source"]: {"priority": 1}}} if other != one["source"] else {"deduplicate": None}
        )
    assert losers


def test_why__the_place_in_the_input_is_where_the_record_begins(run, ask):
    folder = run.parent
    for name in ("en-near", "zh-short", "zh-near"):
        origin = ask(name)["explained"][0]["origin"]
        raw = Path(origin["file"]).read_bytes()[origin["offset"] :]
        assert json.loads(raw.split(b"\n")[0])["id"] == name
    origin = ask("row-7")["explained"][0]["origin"]
    assert (origin["file"], origin["offset"], origin["counts"]) == (str(folder / "table.parquet"), 7, "row")


def test_why__an_input_file_is_its_records(run, ask):
    (page,) = ask("pages/b.html")["explained"]
    assert page["verdict"] == "dropped"
    assert page["origin"]["file"].endswith("pages/b.html")
    listed = ask(str(run.parent / "web-0.jsonl"))
    assert listed["matched_by"] == "file"
    assert listed["documents"] == len(listed["listed"]) == 7
    assert listed["listed"][0]["verdict"] == "dead"


def test_why__a_dead_letter_has_error_file_and_offset(run, ask, say):
    with Ledger(run) as ledger:
        (dead,) = ledger.rows("SELECT unit, row FROM 'ledger/*.parquet' WHERE verdict = 'dead' AND bytes < 100")
    (found,) = ask(f"{dead['unit']}/{dead['row']}")["explained"]
    assert "WrongType" in found["error"]
    raw = Path(found["origin"]["file"]).read_bytes()
    assert raw[found["origin"]["offset"] :].startswith(b'{"text": 5}')
    said = say(f"{dead['unit'][:16]}/{dead['row']}")
    assert "WrongType" in said
    assert "web-0.jsonl" in said


def test_why__several_matches_are_listed_with_what_tells_them_apart(ask, say):
    found = ask("twice")
    assert found["documents"] == 2
    assert len({row["doc_id"] for row in found["listed"]}) == 2
    said = say("https://twice.example/")
    assert "2 records match" in said
    for row in found["listed"]:
        assert row["doc_id"] in said
    assert len(ask("twice.example")["listed"]) == 2


def test_why__an_unknown_document_gets_the_nearest_name(run, say):
    with pytest.raises(RecipeError, match=r"did you mean 'https://near\.example/zh'"):
        say("https://near.exampel/zh")
    with pytest.raises(RecipeError, match="no record"):
        say("完全没有这个")
    with pytest.raises(RecipeError, match="no record"):
        say("  ")


def test_why__after_clean_and_without_its_input_it_says_so(run, tmp_path, say, capsys):
    copy = tmp_path / "run"
    shutil.copytree(run, copy)
    clean(Store.at(copy))
    said = say("en-short", copy)
    assert "removed by `gristmill clean`" in said
    assert "must be >= 50" in said
    said = say("en-near", copy)
    moved = run.parent / "web-1.jsonl"
    moved.rename(tmp_path / "elsewhere")
    try:
        said = say("zh-short", copy)
    finally:
        (tmp_path / "elsewhere").rename(moved)
    assert "gone" in said
    assert "web-1.jsonl" in said


def test_why__a_run_that_stopped_before_the_ledger(run, tmp_path, say):
    execute(Request(run.parent / "recipe.yaml", tmp_path / "run", until="score"))
    with pytest.raises(RecipeError, match="has no ledger"):
        say("en-good", tmp_path / "run")
