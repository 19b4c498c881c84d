"""Documents of a run: its `text/`, and what a query over its ledger names, dropped ones too."""

import json

import pytest

from gristmill.pipelines.classifiers.documents import documents
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.ledger import Ledger
from tests.in_process import execute
from tests.small_models import labelled_texts

RECIPE = """\
gristmill: 1
name: small
sources: {web: {format: jsonl, paths: pages.jsonl, id: id, language: {column: lang}}}
decide: [{when: {language: en}, rules: [{signal: plain_words, at_least: 12}]}]
deduplicate: {}
scrub: {operator: tag}
tokenizer: null
"""
ASK = """\
gristmill: 1
name: ask
sources: {web: {format: jsonl, paths: pages.jsonl}}
classifiers: {edu: {train: {good: GOOD, raw: RAW}}}
"""


@pytest.fixture(scope="module")
def folder(tmp_path_factory):
    """A run of English and Chinese pages, a repeated one, short ones that a rule drops, an address."""
    folder = tmp_path_factory.mktemp("documents")
    pages = [
        {
            "id": f"{lang}-{number}",
            "text": f"{text}\nWrite to miller{number}@mills.org",
            "lang": lang,
            "url": f"http://www.{lang}.org/{number}",
        }
        for lang in ("en", "zh")
        for number, text in enumerate(labelled_texts("good", lang, 20))
    ]
    short = [{"id": f"short-{number}", "text": f"short page {number}", "lang": "en"} for number in range(3)]
    pages += [{**pages[0], "id": "copy"}, *short]
    (folder / "pages.jsonl").write_text("\n".join(json.dumps(page) for page in pages), encoding="utf-8")
    (folder / "run.yaml").write_text(RECIPE, encoding="utf-8")
    execute(Request(folder / "run.yaml", folder / "run", workers=1))
    return folder


def of(folder, good: str, raw: str = "{run: run}") -> list:
    (folder / "ask.yaml").write_text(ASK.replace("GOOD", good).replace("RAW", raw), encoding="utf-8")
    loaded = load(folder / "ask.yaml", models=False)
    return list(documents(loaded, "edu", "good", loaded.recipe.classifiers["edu"].train["good"]))


def test_a_run__its_text_with_language_site_and_cluster(folder) -> None:
    found = of(folder, "{run: run}")
    assert len(found) == 40
    assert {(one.language, one.site) for one in found} == {("en", "en.org"), ("zh", "zh.org")}
    assert sum(one.cluster is not None for one in found) >= 1


def test_a_run__what_scrubbing_left_is_not_learnt(folder) -> None:
    assert not any("email" in one.line or "miller" in one.line for one in of(folder, "{run: run}"))


def test_where__names_documents_by_the_ledger_dropped_ones_too(folder) -> None:
    found = of(folder, "{run: run, where: \"lang = 'zh' OR plain_words < 12\"}")
    with Ledger(folder / "run") as ledger:
        sql = "SELECT count(DISTINCT doc_id) AS n FROM 'ledger/*.parquet' WHERE lang = 'zh' OR plain_words < 12"
        assert len(found) == ledger.row(sql)["n"]
    assert sorted({one.language for one in found}) == ["en", "zh"]
    assert {one.line for one in found if one.language == "en"} == {"short page 0"}
    assert {one.site for one in found if one.language == "en"} == {"web"}


@pytest.mark.parametrize("asked", ["lang == ", "no_such = 1", "lang = 'zh'; DROP TABLE x"])
def test_where__what_cannot_be_asked_is_said(folder, asked) -> None:
    with pytest.raises(RecipeError, match="the ledger cannot be asked this") as error:
        of(folder, f'{{run: run, where: "{asked}"}}')
    assert "plain_words" in error.value.fix
    assert "classifiers.edu.train.good" in error.value.where
