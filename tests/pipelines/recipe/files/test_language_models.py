"""`language_models` of a recipe: signals that rules can use, told by content, kept with the run; faults are named."""

import gzip
import pickle
import shutil
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
import sentencepiece

from gristmill.filters.language_models.normalise import as_ccnet
from gristmill.filters.presets import PRESETS
from gristmill.filters.signals import SIGNALS, score
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.recipe.check import check
from gristmill.pipelines.recipe.entries import judge_of
from gristmill.pipelines.recipe.load import LoadedRecipe, dump, load
from gristmill.pipelines.run.job import make_job
from gristmill.pipelines.storage.models import keep
from gristmill.pipelines.storage.store import Store
from tests.filters.language_models.arpa_text import arpa_text
from tests.filters.language_models.by_hand import SENTENCES

GOLDEN = Path(__file__).parents[3] / "golden" / "language_models"
HEAD = "gristmill: 1\nname: own\nsources: {web: {format: jsonl, paths: a.jsonl, language: {column: lang}}}\n"
TEXTS = ["the mill grinds grain .\n\n  the miller buys a zeppelin  ", "", "磨 坊 在 河 边\n磨 面"]
LANGUAGES = ["en", "en", "zh"]


@pytest.fixture
def folder(tmp_path: Path) -> Path:
    for name in ("en-3.arpa", "zh-5.probing", "en-3.trie"):
        shutil.copy(GOLDEN / name, tmp_path)
    rest = bytearray((GOLDEN / "zh-5.probing").read_bytes())
    rest[96] = 1  # the kind
    (tmp_path / "rest.bin").write_bytes(rest)
    (tmp_path / "a.jsonl").write_text('{"text": "a"}\n', encoding="utf-8")
    return tmp_path


def loaded(folder: Path, models: str, rules: str = "") -> LoadedRecipe:
    (folder / "recipe.yaml").write_text(f"{HEAD}language_models:\n  {models}\n{rules}", encoding="utf-8")
    return load(folder / "recipe.yaml")


def refused(folder: Path, models: str) -> str:
    with pytest.raises(RecipeError) as caught:
        check(loaded(folder, models))
    return str(caught.value)


def values(texts=TEXTS, languages=LANGUAGES) -> dict:
    names = [name for name in SIGNALS if name.startswith("lm.")]
    return score(pa.array(texts, pa.large_string()), names, {"language": pa.array(languages)})


BOTH = "lm: {model: {en: en-3.arpa, zh: zh-5.probing}, cutoffs: {en: [5, 15], zh: [2, 3]}}"


def test_signals_by_language(folder):
    loaded(folder, BOTH, "decide: [{when: {language: en}, rules: [{signal: lm.bucket, at_most: 1}]}]")
    found = values()
    assert list(found) == ["lm.perplexity", "lm.bucket", "lm.worst_line", "lm.tail_lines"]
    perplexity = found["lm.perplexity"]
    assert np.isnan(perplexity).tolist() == [False, True, False]  # an empty text has none
    assert found["lm.bucket"][0] == (1 if perplexity[0] < 15 else 2)
    assert found["lm.worst_line"][0] > perplexity[0]
    assert found["lm.tail_lines"][0] == pytest.approx(6 / 12)  # words and ends of the line with a zeppelin
    assert np.isnan(values(["the mill"], ["de"])["lm.perplexity"]).all()


def test_order_and_batches_do_not_matter(folder):
    loaded(folder, BOTH)
    whole, rng = values()["lm.perplexity"], np.random.default_rng(0)
    for _ in range(5):
        mixed = rng.permutation(len(TEXTS))
        again = values([TEXTS[at] for at in mixed], [LANGUAGES[at] for at in mixed])["lm.perplexity"]
        np.testing.assert_array_equal(again, whole[mixed])


def test_characters_and_pieces(folder):
    """The same model of single characters, scored as characters, and as pieces of a SentencePiece model."""
    spaced = [[*"".join(sentence)] for sentence in SENTENCES["zh"] if sentence]
    (folder / "c.arpa").write_text(arpa_text(spaced, 3), encoding="utf-8")
    loaded(folder, "lm: {model: c.arpa, units: characters}")
    as_characters = values(["磨坊在河边。\n粮食"], ["zh"])["lm.perplexity"]
    corpus = ["".join(sentence) for sentence in spaced] * 20
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(corpus), model_prefix=str(folder / "sp"), model_type="char", vocab_size=60,
        hard_vocab_limit=False, add_dummy_prefix=False, minloglevel=2,
    )  # fmt: skip
    loaded(folder, "lm: {model: c.arpa, tokenizer: sp.model}")
    assert values(["磨坊在河边。\n粮食"], ["zh"])["lm.perplexity"] == pytest.approx(as_characters, rel=1e-6)


def test_trie__the_numbers_of_its_arpa_file(folder):
    loaded(folder, "lm: {model: en-3.arpa}")
    wanted = values()["lm.perplexity"]
    loaded(folder, "lm: {model: en-3.trie}")
    np.testing.assert_allclose(values()["lm.perplexity"], wanted, rtol=1e-5)


def test_key__by_content_not_by_path(folder):
    first = loaded(folder, BOTH).recipe.file_keys()
    (folder / "en-3.arpa").rename(folder / "other.arpa")
    second = loaded(folder, BOTH.replace("en-3.arpa", "other.arpa")).recipe.file_keys()
    assert first == second
    assert loaded(folder, BOTH.replace("[5, 15]", "[5, 16]").replace("en-3", "other")).recipe.file_keys() != first


def test_kept_with_the_run__without_the_original(folder):
    recipe = loaded(folder, BOTH).recipe
    wanted = values()
    store = Store(str(folder / "run"))
    store.prepare()
    keep(store, recipe)
    (folder / "run" / "recipe.yaml").write_text(dump(recipe), encoding="utf-8")
    for name in ("en-3.arpa", "zh-5.probing"):
        (folder / name).unlink()
    kept = load(folder / "run" / "recipe.yaml").recipe
    for name, found in values().items():
        np.testing.assert_array_equal(found, wanted[name])
    assert kept.file_keys() == recipe.file_keys()


def test_another_process__brings_its_signals(folder):
    recipe = loaded(folder, BOTH).recipe
    data, wanted = pickle.dumps(recipe), values()
    load_other(folder)
    assert not [name for name in SIGNALS if name.startswith("lm.")]
    pickle.loads(data)
    np.testing.assert_array_equal(values()["lm.perplexity"], wanted["lm.perplexity"])


def load_other(folder: Path) -> None:
    (folder / "bare.yaml").write_text(HEAD, encoding="utf-8")
    load(folder / "bare.yaml")


def test_ccnet__a_shadow_and_its_cutoffs(folder):
    small = [[*sentence, ","] for sentence in SENTENCES["en"]]
    (folder / "c.arpa").write_text(arpa_text(small, 3), encoding="utf-8")
    loaded(folder, "lm: {model: {en: c.arpa}, normalise: ccnet, cutoffs: ccnet}")
    found = values(["THE mill\n  grinds， gráin", "the mill  grinds, grain"], ["en", "en"])
    assert list(found) == ["lm.perplexity", "lm.bucket"]  # a document is one sentence
    plain = values(["the mill  grinds, grain"], ["en"])["lm.perplexity"]
    assert found["lm.perplexity"][0] == found["lm.perplexity"][1] == plain[0]
    assert 'there is "' not in refused(folder, "lm: {model: {und: c.arpa}, cutoffs: ccnet}")


@pytest.mark.parametrize(
    ("text", "shadow"),
    [
        ("  Il était 12 h\n", "il etait 00 h"),
        ("磨坊，“河边”。１２３", '磨坊,"河边".000'),
        ("a\tb\u0000c", "abc"),
        ("Ａ—Ｂ…", "ａ - ｂ..."),
    ],
)
def test_shadow(text, shadow):
    assert as_ccnet(text) == shadow


@pytest.mark.parametrize(
    ("models", "said"),
    [
        ("lm: {model: en-4.arpa}", "there is no model at 'en-4.arpa' (did you mean 'en-3.arpa'?)"),
        ("lm: {train: {en: {run: x}}}", "train it: gristmill lm train RECIPE lm"),
        (
            "lm: {model: rest.bin}",
            "is of the kind `probing with rest costs`, version 0, and `probing` and tries are read",
        ),
        ("lm: {model: a.jsonl}", "this is no ARPA file"),
        ("lm: {model: {xx: en-3.arpa}}", "'xx'"),
        ("lm: {model: en-3.arpa, units: pieces}", "needs the SentencePiece model that made them"),
        ("lm: {model: en-3.arpa, tokenizer: a.jsonl}", "is no SentencePiece model"),
        ("lm: {model: {en: en-3.arpa}, languages: [en, zh]}", "there is no model for zh"),
        ("lm: {model: {en: en-3.arpa}, cutoffs: {zh: [1, 2]}}", "there is no model for zh"),
        ("lm: {model: en-3.arpa, cutoffs: {en: [9, 2]}}", "the head's 9 must lie below the tail's 2"),
        ("lm: {model: en-3.arpa, tokenizer: {zh: a.jsonl}}", "it names none for"),
        ("lm: {model: en-3.arpa, units: words, tokenizer: a.jsonl}", "needs no `tokenizer`"),
        ("text: {model: en-3.arpa}", "is a column of Gristmill's own"),
        ("lm: {train: {en: {run: x}}, training: {units: words}}", "write `pieces` or `characters`"),
        ("LM: {model: en-3.arpa}", "not a name for a signal"),
    ],
)
def test_what_is_wrong__named(folder, models, said):
    assert said in refused(folder, models)


def test_tokenizer_of_another_model__named(folder):
    corpus = ["entirely other words stand here", "粮食"] * 50
    sentencepiece.SentencePieceTrainer.Train(
        sentence_iterator=iter(corpus), model_prefix=str(folder / "sp"), vocab_size=40, hard_vocab_limit=False,
        minloglevel=2,
    )  # fmt: skip
    assert "it does not match the model" in refused(folder, "lm: {model: en-3.arpa, tokenizer: sp.model}")


def test_cut_off__named_at_its_line(folder):
    data = (folder / "en-3.arpa").read_bytes()
    (folder / "en-3.arpa").write_bytes(data[: len(data) // 2])
    said = refused(folder, "lm: {model: en-3.arpa}")
    assert "line 5  language_models.lm.model: 'en-3.arpa': the ARPA file is cut off" in said or "cut off" in said
    (folder / "z.arpa.gz").write_bytes(gzip.compress(data)[:-20])
    assert "its gzip ends too early" in refused(folder, "lm: {model: z.arpa.gz}")


def test_same_step_key_in_every_folder(folder):
    recipe = loaded(folder, BOTH).recipe
    keys = [make_job(recipe, [], Store(str(folder / name)), 1.0, "text").books["score"].key for name in ("a", "b")]
    assert keys[0] == keys[1]


def test_every_document_is_measured__whatever_rules_ask(folder):
    """So that cutoffs can be chosen by what a run without any has measured."""
    judge = judge_of(
        loaded(folder, BOTH, "decide: [{when: {language: en}, rules: [{signal: characters, at_least: 1}]}]").recipe
    )
    language = pa.array(LANGUAGES)
    judged = judge.judge(pa.array(TEXTS, pa.large_string()), language, pa.array(["Latn", "Latn", "Hani"]), language)
    np.testing.assert_array_equal(judged.signals["lm.perplexity"].to_numpy(False), values()["lm.perplexity"])


def check_presets(folder: Path, models: str, presets: str) -> LoadedRecipe:
    recipe = loaded(folder, models, f"decide: [{{when: {{language: [en, zh]}}, {presets}}}]")
    check(recipe)
    return recipe


def test_ccnet_preset__keeps_what_is_no_tail_by_the_model_that_it_names(folder):
    judge = judge_of(check_presets(folder, BOTH, "presets: ccnet@lm").recipe)
    assert judge.rule_names == ["ccnet@lm/bucket"]
    found = values()
    assert 2.0 in found["lm.bucket"].tolist()
    language = pa.array(LANGUAGES)
    judged = judge.judge(pa.array(TEXTS, pa.large_string()), language, pa.array(["Latn", "Latn", "Hani"]), language)
    assert judged.fired.to_pylist() == [["ccnet@lm/bucket"] if one == 2 else [] for one in found["lm.bucket"]]
    head = check_presets(folder, BOTH, "presets: ccnet@lm, change: {ccnet@lm/bucket: 0}").recipe
    assert judge_of(head).placed_rules()[0][3].threshold == 0


@pytest.mark.parametrize(
    ("models", "preset", "said"),
    [
        (BOTH, "ccnet@lmm", "by the language model NAME of the recipe; did you mean 'lm'?"),
        (BOTH, "ccnet", "by the language model NAME of the recipe; valid: lm"),
        ("lm: {model: {en: en-3.arpa, zh: zh-5.probing}}", "ccnet@lm", "has no cutoffs: write `cutoffs: ccnet`"),
    ],
)
def test_ccnet_preset__without_its_model_says_what_to_do(folder, models, preset, said):
    with pytest.raises(RecipeError) as caught:
        check_presets(folder, models, f"presets: {preset}")
    assert said in str(caught.value)


def test_ccnet_preset__is_gone_with_its_recipe(folder):
    check_presets(folder, BOTH, "presets: ccnet@lm")
    load_other(folder)
    assert "ccnet@lm" not in PRESETS
