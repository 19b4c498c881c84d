"""gristmill trace: which documents of a run hold a passage, against brute force over all texts."""

import json
import random
import re
import shutil
from pathlib import Path

import pytest

from gristmill.pipelines.errors import DamageError, InputError, RecipeError
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.report.trace.index import FOLDER, LENGTH, build, missing, prune, searched_parts
from gristmill.pipelines.report.trace.search import Trace, trace
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.rundir import clean, open_run
from tests.filters.dedup.test_substrings import plain_tokens
from tests.in_process import execute
from tests.runs.conftest import chinese, english, near_copy

SAID = {
    "en": "Write to the old miller at miller@mills.org before the first snow, for he sells his flour, his two mules "
    "and the wheel to whoever asks him first.",
    "zh": "请在初雪以前写信到miller@mills.org给老磨坊主，他要把面粉、两头骡子和水轮卖给第一个来问的人，价钱好商量。",
}
RECIPE = """\
gristmill: 1
name: trace
sources:
  web: {format: jsonl, paths: "*.jsonl", id: id, url: url, language: {column: lang}}
plan: {unit_bytes: 8kB}
decide:
  - rules: [{signal: utf8_bytes, at_least: 300}]
deduplicate: {substrings: {min_tokens: 30}}
tokenizer: null
"""


def documents() -> list[dict]:
    made = []
    rng = random.Random(3)
    for number in range(14):
        for lang, write in (("en", english), ("zh", chinese)):
            text = write(rng)
            if number % 4 == 0:
                text += "\n" + SAID[lang]
            if number == 13:
                text = SAID[lang]
            url = f"https://mill.org/{lang}/{number}?to=a@b.org"
            made.append({"id": f"{lang}-{number}", "text": text, "lang": lang, "url": url})
            if number == 1:
                made.append({**made[-1], "id": f"{lang}-near", "text": near_copy(rng, text)})
    return made


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    folder = tmp_path_factory.mktemp("trace")
    lines = "".join(json.dumps(doc, ensure_ascii=False) + "\n" for doc in documents())
    (folder / "pages.jsonl").write_text(lines, encoding="utf-8")
    (folder / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    execute(Request(folder / "recipe.yaml", folder / "run"))
    store = open_run(folder / "run")
    for part in searched_parts(store):
        build(store, part)
    return folder / "run"


def asked(run: Path, text: str, listed: int = 100, characters: int = 500) -> Trace:
    return trace(open_run(run), scrubbed_excerpts(open_run(run)), text, listed, characters)


def holders(text: str) -> set[str]:
    """The ids of documents in which LENGTH tokens of a text stand in a row, by looking at all of them."""
    raw, tokens = text.encode(), plain_tokens(text)
    windows = {raw[tokens[i][0] : tokens[i + LENGTH - 1][1]].decode() for i in range(len(tokens) - LENGTH + 1)}
    return {doc["id"] for doc in documents() if any(window in doc["text"] for window in windows)}


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_trace__finds_all_that_brute_force_finds(run, lang):
    rng = random.Random(5)
    texts = {doc["id"]: doc["text"] for doc in documents()}
    queries = [SAID[lang], texts[f"{lang}-1"], f"Nobody said this before. {SAID[lang]} Nor this."]
    for name in rng.sample(sorted(texts), 6):
        begin = rng.randrange(len(texts[name]) // 2)
        queries.append(texts[name][begin : begin + 160] + texts[f"{lang}-2"][:150])
    for query in queries:
        answer = asked(run, query)
        assert {one.id for one in answer.listed} == holders(query)
        assert answer.found == len(answer.listed)
        assert answer.unread == 0


@pytest.mark.parametrize("lang", ["en", "zh"])
def test_trace__says_what_became_of_each(run, lang):
    by_id = {one.id: one for one in asked(run, SAID[lang]).listed}
    short = by_id[f"{lang}-13"]
    assert (short.verdict, short.step) == ("dropped", "decide")
    assert "utf8_bytes" in short.rules[0]
    kept = [one for one in by_id.values() if one.verdict == "kept"]
    assert len(kept) == 4
    whole = [one for one in kept if not any(kind == "repeated_substring" for span in one.spans for kind in span.gone)]
    assert len(whole) == 1, "one document keeps it"
    assert asked(run, SAID[lang]).listed[0] == whole[0]
    assert whole[0].spans[0].gone == {"EMAIL_ADDRESS": len("miller@mills.org")}
    near = {one.id: one for one in asked(run, documents()[2 if lang == "en" else 4]["text"]).listed}
    assert "dropped" in {one.verdict for one in near.values()}


def test_trace__spans_are_places_of_the_text(run):
    texts = {doc["id"]: doc["text"] for doc in documents()}
    for one in asked(run, f"{SAID['en']} And then: {SAID['zh']}").listed:
        assert re.fullmatch(r"[0-9a-f]{32}", one.doc_id)
        for span in one.spans:
            held = texts[one.id].encode()[span.begin : span.end].decode()
            assert held in (SAID["en"], SAID["zh"], f"{SAID['en']} ", f" {SAID['zh']}")
            assert len(held) == span.characters


def test_trace__shows_no_personal_data(run):
    answer = json.dumps(asked(run, SAID["en"]).to_json())
    assert "<EMAIL_ADDRESS>" in answer
    assert "miller@mills.org" not in answer
    assert "a@b.org" not in answer


def test_trace__what_nobody_holds_is_an_answer(run):
    answer = asked(run, " ".join(f"nobody{i}" for i in range(40)))
    assert (answer.found, answer.kept, answer.listed) == (0, 0, [])


@pytest.mark.parametrize("text", ["", "The old mill.", "磨坊在河边。", SAID["en"][:60]])
def test_trace__a_short_passage_is_refused(run, text):
    with pytest.raises(InputError, match="tokens: the index finds 24 or more"):
        asked(run, text)


def test_trace__without_index_or_with_half_of_it(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    part = sorted((copy / FOLDER).iterdir())[0]
    part.write_bytes(b"ARROW1 and nothing else")
    with pytest.raises(DamageError, match="index of a part"):
        asked(copy, SAID["en"])
    part.unlink()
    with pytest.raises(RecipeError, match="the index lacks 1 of"):
        asked(copy, SAID["en"])
    shutil.rmtree(copy / FOLDER)
    with pytest.raises(RecipeError, match="no index"):
        asked(copy, SAID["en"])


def test_prune__removes_what_a_run_no_longer_holds(run, tmp_path):
    store = open_run(shutil.copytree(run, tmp_path / "run"))
    parts = searched_parts(store)
    prune(store, parts[1:])
    assert missing(store, parts) == parts[:1]


def test_trace__after_clean_the_delivered_texts_are_searched(run, tmp_path):
    copy = shutil.copytree(run, tmp_path / "run")
    store = open_run(copy)
    clean(store)
    parts = searched_parts(store)
    assert missing(store, parts) == parts
    assert {part.partition("/")[0] for part in parts} == {"text"}
    for part in parts:
        build(store, part)
    tail = SAID["zh"].partition("org")[2]
    (one,) = asked(copy, tail).listed
    assert (one.verdict, one.searched) == ("kept", "delivered")
    assert one.spans[0].text == tail


@pytest.mark.process
def test_trace__as_a_command(run, command, here, tmp_path):
    (tmp_path / "said.txt").write_text(SAID["zh"], encoding="utf-8")
    shown = command("trace", run, "--file", tmp_path / "said.txt", "--limit", 2)
    assert shown.returncode == 0
    assert "repeated_substring" in shown.stdout or "kept" in shown.stdout
    assert "5 documents hold some of it, 4 of them kept, " in shown.stderr
    found = json.loads(command("trace", run, "-", "--json", input=SAID["en"]).stdout)
    assert (found["found"], found["least"]) == (5, LENGTH)
    assert set(found["listed"][0]) >= {"doc_id", "url", "source", "unit", "row", "verdict", "rules", "spans"}
    assert "1 of" not in here("trace", run, "--index").stderr
    for wrong in ((), ("one", "--file", tmp_path / "said.txt"), ("--file", tmp_path / "none")):
        refused = here("trace", run, *wrong)
        assert refused.returncode in (2, 3)
        assert "fix:" in refused.stderr
