"""Training language models: the same bytes however the texts come and whoever counts; measured on what was held out."""

import fcntl
import json
import random
import signal
import socket
import subprocess
import sys
import threading
import time
from pathlib import Path

import pyarrow as pa
import pytest

from gristmill.filters.signals import score
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.language_models.learn import Runner, learn
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage import rundir
from tests.filters.language_models.by_hand import CHINESE, ENGLISH
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: own
plan: {unit_bytes: 2kB}
sources: {web: {format: jsonl, paths: all-*.jsonl, id: id, language: {column: lang}}}
language_models:
  lm:
    train:
      en: {files: {format: jsonl, paths: en-*.jsonl}}
      zh: {files: {format: jsonl, paths: zh-*.jsonl}}
    training: {order: 3, vocabulary: 512, held_out: 20%}
decide: []
deduplicate: null
scrub: null
tokenizer: null
"""


def documents(lang: str, count: int = 150) -> list[str]:
    """Texts of several lines that repeat each other in part; the same ones every time."""
    rng, words = random.Random(lang), ENGLISH if lang == "en" else CHINESE
    join = " " if lang == "en" else ""
    return [
        "\n".join(join.join(rng.choices(words, k=rng.randint(3, 9))) for _ in range(rng.randint(1, 4)))
        for _ in range(count)
    ]


def write(folder: Path, lang: str, texts: list[str], files: int = 1) -> None:
    for number in range(files):
        rows = (json.dumps({"text": text}, ensure_ascii=False) for text in texts[number::files])
        (folder / f"{lang}-{number}.jsonl").write_text("\n".join(rows) + "\n", encoding="utf-8")


def folder_of(folder: Path, files: int = 1, recipe: str = RECIPE, shuffle: int = 0) -> Path:
    folder.mkdir(exist_ok=True)
    for lang in ("en", "zh"):
        texts = documents(lang)
        random.Random(shuffle).shuffle(texts)
        write(folder, lang, texts, files)
    (folder / "recipe.yaml").write_text(recipe, encoding="utf-8")
    return folder / "recipe.yaml"


def trained(recipe: Path, lang: str, out: Path, *runner) -> bytes:
    learn(load(recipe, models=False), "lm", lang, out, Runner(*runner))
    assert {file.name for file in out.iterdir()} == {"model.lm", "card.json", "card.md"}
    return (out / "model.lm").read_bytes() + (out / "card.json").read_bytes()


@pytest.fixture(scope="module")
def calm(tmp_path_factory):
    """The models of one worker, by language."""
    folder = tmp_path_factory.mktemp("calm")
    recipe = folder_of(folder)
    return {lang: trained(recipe, lang, folder / lang, "local", 1) for lang in ("en", "zh")}


@pytest.mark.parametrize("lang", ["en", "zh"])
@pytest.mark.parametrize("runner", [("local", 3), ("fnapi", 1)])
def test_other_files_order_workers_and_runner__same_bytes(calm, tmp_path, lang, runner):
    recipe = folder_of(tmp_path / "in", files=4, shuffle=1)
    found = trained(recipe, lang, tmp_path / "out", *runner)
    without = '"asked"'
    assert without in found.decode(errors="replace")
    assert found == calm[lang]


@pytest.mark.process
def test_job_service__same_bytes(calm, tmp_path):
    with socket.socket() as found:
        found.bind(("127.0.0.1", 0))
        port = found.getsockname()[1]
    line = [sys.executable, "-m", "apache_beam.runners.portability.local_job_service_main", "-p", str(port)]
    service = subprocess.Popen(line, stdout=subprocess.DEVNULL, stderr=subprocess.DEVNULL)
    try:
        wait_for(lambda: socket.create_connection(("127.0.0.1", port)).close())
        arguments = (f"--job_endpoint=127.0.0.1:{port}",)
        recipe = folder_of(tmp_path / "in", files=2)
        assert trained(recipe, "zh", tmp_path / "out", "portable", 1, arguments) == calm["zh"]
    finally:
        service.kill()
        service.wait()


def wait_for(what) -> None:
    for _ in range(300):
        try:
            return what()
        except OSError:
            time.sleep(0.1)
    raise AssertionError


@pytest.mark.process
def test_killed__the_earlier_model_stays_and_the_next_one_is_the_same(calm, tmp_path):
    recipe = folder_of(tmp_path / "in")
    out = tmp_path / "models"
    assert trained(recipe, "en", out / "en", "local", 1) == calm["en"]
    line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "lm", "train", str(recipe), "lm", "--out", str(out)]
    command = subprocess.Popen([*line, "--workers", "1"], stderr=subprocess.DEVNULL)
    wait_for(lambda: (out / "en" / ".work").stat())
    command.send_signal(signal.SIGKILL)
    command.wait()
    assert (out / "en" / "model.lm").read_bytes() + (out / "en" / "card.json").read_bytes() == calm["en"]
    assert trained(recipe, "en", out / "en", "local", 1) == calm["en"]


def test_two_at_once__refused(tmp_path, monkeypatch):
    monkeypatch.setattr(rundir, "LOCK_TRIES", 1)
    recipe, out = folder_of(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    with (out / ".lock").open("w") as lock:
        fcntl.flock(lock, fcntl.LOCK_EX)
        with pytest.raises(InputError, match="being trained already"):
            learn(load(recipe, models=False), "lm", "en", out)


def test_children_of_a_killed_training_that_end_a_moment_later__are_waited_for(calm, tmp_path):
    recipe, out = folder_of(tmp_path / "in"), tmp_path / "out"
    out.mkdir()
    lock = (out / ".lock").open("w")
    fcntl.flock(lock, fcntl.LOCK_EX)
    threading.Timer(0.5, lock.close).start()
    assert trained(recipe, "en", out, "local", 1) == calm["en"]


def test_scores_its_own_language_better_and_is_measured(tmp_path):
    recipe = folder_of(tmp_path)
    cards = {
        lang: learn(load(recipe, models=False), "lm", lang, tmp_path / "language_models" / "lm" / lang)
        for lang in ("en", "zh")
    }
    loaded = load(recipe)
    assert loaded.recipe.read_language_models[0].languages == {"en", "zh"}
    texts = [documents("en")[0], "river old an near stands mill the and corn", documents("zh")[0], "转里河在轮水的坊磨"]
    found = score(
        pa.array(texts, pa.large_string()), ["lm.perplexity"], {"language": pa.array(["en", "en", "zh", "zh"])}
    )["lm.perplexity"]
    assert found[0] < found[1]
    for lang, card in cards.items():
        held = card["held_out"]
        assert 15 <= held["documents"] <= 45
        assert held["percentiles"]["30"] == card["cutoffs"][0] < card["cutoffs"][1] == held["percentiles"]["60"]
        page = (tmp_path / "language_models" / "lm" / lang / "card.md").read_text(encoding="utf-8")
        assert f"{held['perplexity']:g}" in page
        assert "say little" in page


def test_held_out_texts_are_never_learnt(tmp_path):
    """Every held-out text holds a word that stands nowhere else: were it learnt, it would be known."""
    texts = [f"{text} {chr(0x4E00 + number)}" for number, text in enumerate(documents("en", 80))]
    recipe = folder_of(tmp_path, recipe=RECIPE.replace("vocabulary: 512", "units: characters"))
    write(tmp_path, "en", texts)
    card = learn(load(recipe, models=False), "lm", "en", tmp_path / "out")
    held = card["held_out"]
    assert round(held["unknown"] * held["words"]) == held["documents"] > 5


@pytest.mark.parametrize("training", ["{smoothing: katz}", "{smoothing: jelinek-mercer, order: 2}",
                                      "{smoothing: add-k, k: 0.1, order: 2}", "{order: 1}",
                                      "{prune: [0, 1, 2]}"])  # fmt: skip
def test_options(tmp_path, training):
    more = training[:-1] + ", vocabulary: 512, held_out: 10%}"
    recipe = folder_of(tmp_path, recipe=RECIPE.replace("{order: 3, vocabulary: 512, held_out: 20%}", more))
    card = learn(load(recipe, models=False), "lm", "en", tmp_path / "out")
    assert 2 < card["held_out"]["perplexity"] < 400


def test_from_a_run__its_language_and_what_its_ledger_says(tmp_path):
    recipe = folder_of(tmp_path)
    rows = [{"id": f"{lang}{at}", "text": text, "lang": lang} for lang in ("en", "zh")
            for at, text in enumerate(documents(lang))]  # fmt: skip
    (tmp_path / "all-0.jsonl").write_text("\n".join(map(json.dumps, rows)), encoding="utf-8")
    write(tmp_path, "only", [row["text"] for row in rows if row["lang"] == "zh"])
    (tmp_path / "run.yaml").write_text(RECIPE.split("language_models:")[0] + RECIPE[RECIPE.index("decide:") :], "utf-8")
    execute(Request(tmp_path / "run.yaml", tmp_path / "run", workers=1))
    made = {}
    for name, asked in (
        ("files", "{files: {format: jsonl, paths: only-*.jsonl}}"),
        ("run", "{run: run}"),
        ("asked", "{run: run, where: \"id LIKE 'zh%'\"}"),
    ):
        line = "zh: {files: {format: jsonl, paths: zh-*.jsonl}}"
        recipe.write_text(RECIPE.replace(line, f"zh: {asked}"), encoding="utf-8")
        learn(load(recipe, models=False), "lm", "zh", tmp_path / name)
        made[name] = (tmp_path / name / "model.lm").read_bytes()
    assert made["files"] == made["run"] == made["asked"]


def test_nothing_to_learn__named(tmp_path):
    recipe = folder_of(tmp_path)
    (tmp_path / "en-0.jsonl").write_text('{"text": ""}\n{"text": " \\n "}\n', encoding="utf-8")
    with pytest.raises(InputError, match=r"the documents of lm\.en hold no text to learn from"):
        learn(load(recipe, models=False), "lm", "en", tmp_path / "out")
    assert not (tmp_path / "out" / "model.lm").exists()


@pytest.mark.parametrize(
    ("old", "new", "said"),
    [
        ("order: 3", "order: 6", "order"),
        ("order: 3", "prune: [1, 0]", "no number is smaller than the one before it"),
        ("order: 3", "smoothing: kneser", "did you mean 'kneser-ney'"),
        ("order: 3", "tokenizer: nowhere", "'nowhere' is no file"),
        ("en: {files: {format: jsonl, paths: en-*.jsonl}}", "en: {}", "a language needs either"),
    ],
)
def test_what_is_wrong_with_the_recipe__named(tmp_path, old, new, said):
    recipe = folder_of(tmp_path, recipe=RECIPE.replace(old, new))
    with pytest.raises(RecipeError) as caught:
        learn(load(recipe, models=False), "lm", "en", tmp_path / "out")
    assert said in str(caught.value)
