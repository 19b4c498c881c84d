"""`classifier train`: from documents to a model and its card, in English and Chinese."""

import json
import random
import shutil
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.filters.quality.classifier import load_model
from gristmill.filters.quality.feeding import feed_words
from gristmill.pipelines.classifiers.card import markdown, write
from gristmill.pipelines.classifiers.choose import Document, choose
from gristmill.pipelines.classifiers.learn import learn
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.recipe.load import load
from tests.small_models import labelled_texts

RECIPE = """\
gristmill: 1
name: own
sources: {web: {format: jsonl, paths: good.jsonl}}
classifiers:
  edu:
    train:
      good: {files: {format: jsonl, paths: good.jsonl, language: {column: lang}}}
      raw: {files: {format: jsonl, paths: raw.jsonl, language: {column: lang}}}
    training: {buckets: 4096, epochs: 50}
decide: [{when: {language: [en, zh]}, rules: [{signal: edu, at_least: 0.5}]}]
"""
GOOD_FILES = "good: {files: {format: jsonl, paths: good.jsonl, language: {column: lang}}}"
LEAST = "no language has 20 documents of every label"


def write_pages(folder: Path, label: str, site: str = "{label}-{number}.org", count: int = 120) -> None:
    rng = random.Random(label)
    pages = []
    for lang in ("en", "zh"):
        for number, text in enumerate(labelled_texts(label, lang, count)):
            host = site.format(label=label, number=rng.randrange(30))
            pages.append({"text": text, "lang": lang, "url": f"https://www.{host}/{number}"})
    (folder / f"{label}.jsonl").write_text("\n".join(json.dumps(page) for page in pages), encoding="utf-8")


@pytest.fixture
def folder(tmp_path) -> Path:
    write_pages(tmp_path, "good")
    write_pages(tmp_path, "raw")
    (tmp_path / "recipe.yaml").write_text(RECIPE, encoding="utf-8")
    return tmp_path


def learnt(folder: Path, recipe: str = RECIPE):
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return learn(load(folder / "recipe.yaml", models=False), "edu")


def test_learn__the_recipe_reads_what_it_wrote(folder) -> None:
    found = learnt(folder)
    write(folder / "classifiers" / "edu", found.model, found.suffix, found.card)
    (edu,) = load(folder / "recipe.yaml").recipe.read_classifiers
    assert edu.signals == (("edu", "good"),)
    assert edu.languages == {"en", "zh"}
    texts = pa.array([*labelled_texts("good", "en", 3), *labelled_texts("raw", "zh", 3)], pa.large_string())
    value_D = edu.values(texts, pa.array(["en"] * 3 + ["zh"] * 3))[:, 0]
    assert (value_D[:3] > 0.9).all()
    assert (value_D[3:] < 0.1).all()
    assert load_model(found.card["sha256"]).predict(feed_words(texts).to_pylist())[0][0] == ["__label__good"]


def test_learn__the_same_bytes_each_time_and_whatever_the_order(folder) -> None:
    first = learnt(folder)
    for label in ("good", "raw"):
        lines = (folder / f"{label}.jsonl").read_text(encoding="utf-8").split("\n")
        (folder / f"{label}.jsonl").write_text("\n".join(reversed(lines)), encoding="utf-8")
    second = learnt(folder)
    assert first.model == second.model
    assert json.dumps(first.card) == json.dumps(second.card)


def test_card__says_what_was_measured_and_tells_no_text(folder) -> None:
    found = learnt(folder)
    card, page = found.card, markdown(found.card)
    measured = card["measured"]["good"]
    assert measured["area_under_roc"] > 0.99
    assert measured["documents"] == sum(
        of["held_out"] for languages in card["documents"]["used"].values() for of in languages.values()
    )
    assert [one["rate"] for one in measured["languages"]["zh"]["thresholds"]] == [0.01, 0.02, 0.05, 0.1, 0.2, 0.3, 0.5]
    assert len(card["learning_curve"]) >= 2
    for lang, good, raw in (("en", "grain", "casino"), ("zh", "磨", "关")):
        decides = card["decides"]["good"][lang]
        for_it, against = ([gram["words"] for gram in decides[kind]] for kind in ("for", "against"))
        assert good in " ".join(for_it)
        assert raw in " ".join(against)
        assert not set(for_it) & set(against)
    assert card["sites"]["unseen_sites"]["area_under_roc"] > 0.9
    assert not any(text in page for label in ("good", "raw") for text in labelled_texts(label, "en", 120))
    assert "磨" in page
    assert card["warnings"] == []


def test_sites__a_model_that_knows_the_site_is_warned_of(folder) -> None:
    """Good pages are one site's, with its footer; raw pages of that site have it, too."""
    rng = random.Random(1)
    words = ["river", "mill", "grain", "bread", "village", "bridge", "water", "stone"]
    footer = "posted at the millers journal all rights reserved"

    def page(site: str, end: str) -> dict:
        return {"text": f"{' '.join(rng.choices(words, k=40))} {end}", "lang": "en", "url": f"http://{site}/page"}

    pages = {
        "good": [page("mill.org", footer) for _ in range(400)],
        "raw": [page("mill.org", footer) if n % 5 == 0 else page(f"raw{n % 40}.org", "") for n in range(400)],
    }
    for label, made in pages.items():
        (folder / f"{label}.jsonl").write_text("\n".join(json.dumps(page) for page in made), encoding="utf-8")
    warnings = "\n".join(learnt(folder, RECIPE.replace("epochs: 50", "epochs: 50, held_out: 40%")).card["warnings"])
    assert "the model knows the sites rather than the label" in warnings


def test_sites__where_nothing_can_be_told_it_says_so(folder) -> None:
    for label in ("good", "raw"):
        write_pages(folder, label, site="{label}.org")
    assert any("cannot be told: no site stands under both" in text for text in learnt(folder).card["warnings"])


def test_labels__any_number_each_with_a_signal(folder) -> None:
    shutil.copy(folder / "good.jsonl", folder / "third.jsonl")
    rng = random.Random(5)
    words = ["star", "planet", "orbit", "telescope", "moon", "light"]
    pages = [{"text": " ".join(rng.choices(words, k=30)), "lang": "en"} for _ in range(100)]
    (folder / "third.jsonl").write_text("\n".join(map(json.dumps, pages)), encoding="utf-8")
    third = "      space: {files: {format: jsonl, paths: third.jsonl, language: en}}\n    training"
    found = learnt(folder, RECIPE.replace("    training", third).replace("signal: edu", "signal: edu.space"))
    write(folder / "classifiers" / "edu", found.model, found.suffix, found.card)
    (edu,) = load(folder / "recipe.yaml").recipe.read_classifiers
    assert {name for name, _ in edu.signals} == {"edu.good", "edu.raw", "edu.space"}
    assert found.card["languages"] == ["en"]
    assert any("documents in zh are not used" in text for text in found.card["warnings"])


@pytest.mark.parametrize(
    ("old", "new", "kind", "message"),
    [
        ("paths: raw.jsonl", "paths: good.jsonl", InputError, LEAST),
        ("paths: raw.jsonl", "paths: empty.jsonl", InputError, "the label 'raw' has no documents"),
        ("paths: raw.jsonl", "paths: few.jsonl", InputError, LEAST + r" \(good: .*raw: en 3\)"),
        ("paths: raw.jsonl", "paths: gone.jsonl", InputError, "gone.jsonl"),
        ("      raw: {files", "      ra.w: {files", RecipeError, "'ra.w' is not a name for a label"),
        ("    training:", "    positive: best\n    training:", RecipeError, "no label 'best' to be `positive`"),
        (GOOD_FILES, "good: {}", RecipeError, "needs either `files` or `run`"),
        (GOOD_FILES, GOOD_FILES[:-1] + ", where: x}", RecipeError, "`where` asks the ledger of a run"),
        (GOOD_FILES, "good: {run: .}", RecipeError, "is not a run directory"),
    ],
)
def test_what_is_wrong__is_said(folder, old, new, kind, message) -> None:
    (folder / "empty.jsonl").write_text("")
    few = [json.dumps({"text": text, "lang": "en"}) for text in labelled_texts("raw", "en", 3)]
    (folder / "few.jsonl").write_text("\n".join(few))
    assert old in RECIPE
    with pytest.raises(kind, match=message):
        learnt(folder, RECIPE.replace(old, new))


def test_what_is_wrong__one_label_or_no_such_classifier(folder) -> None:
    loaded = load(folder / "recipe.yaml", models=False)
    with pytest.raises(RecipeError, match=r"no classifier 'edv'") as error:
        learn(loaded, "edv")
    assert "did you mean 'edu'" in error.value.fix
    (folder / "recipe.yaml").write_text("\n".join(line for line in RECIPE.split("\n") if "raw:" not in line))
    with pytest.raises(RecipeError, match="has 1 labels to learn, and needs two"):
        learn(load(folder / "recipe.yaml", models=False), "edu")


def pages(label: str, language: str, count: int, cluster: str | None = None) -> list[Document]:
    return [Document(f"{label} {language} {number}", language, "", cluster) for number in range(count)]


def test_choose__whole_clusters_are_held_out_and_labels_are_balanced() -> None:
    good = [Document(f"good {n}", "en", "", f"cluster {n % 30}") for n in range(300)]
    chosen = choose({"good": good, "raw": pages("raw", "en", 1000)}, 10_000, 0.3, 0)
    assert sum(one.label == "good" for one in chosen.documents) == sum(one.label == "raw" for one in chosen.documents)
    held = {one.document.cluster for one in chosen.documents if one.held_out and one.label == "good"}
    learnt_from = {one.document.cluster for one in chosen.documents if not one.held_out and one.label == "good"}
    assert not held & learnt_from
    assert 0.2 < sum(one.held_out for one in chosen.documents) / len(chosen.documents) < 0.4


def test_choose__the_most_documents_are_a_subset_of_more() -> None:
    given = {"good": pages("good", "en", 5000), "raw": pages("raw", "en", 5000)}
    few, many = ({one.document.line for one in choose(given, most, 0.2, 0).documents} for most in (100, 2000))
    assert len(few) == 200
    assert few < many


def test_choose__a_text_under_two_labels_is_nobodys() -> None:
    shared = pages("both", "zh", 10)
    given = {"good": [*pages("good", "zh", 50), *shared, *shared], "raw": [*shared, *pages("raw", "zh", 50)]}
    chosen = choose(given, 1000, 0.2, 0)
    assert (chosen.contradicting, chosen.repeated) == (10, 10)
    assert not any(one.document.line.startswith("both") for one in chosen.documents)
