"""A small corpus with known defects, in English and Chinese, and the real command on it."""

import contextlib
import hashlib
import json
import os
import random
import subprocess
import sys
import time
from collections.abc import Callable, Iterator
from dataclasses import dataclass
from pathlib import Path
from urllib.parse import quote

import pyarrow as pa
import pyarrow.parquet as pq
import pytest
from tokenizers import Tokenizer, decoders, models, pre_tokenizers, trainers

from gristmill.pipelines.cli.main import main
from gristmill.pipelines.run.request import Request
from tests.filters.language_models.arpa_text import arpa_text
from tests.in_process import execute_beside

ENGLISH = (
    "the river that we follow to the sea and its old stone bridges have been part of this town with its people "
    "since every miller ground grain here because water turned heavy wheels while children watched boats carry "
    "flour down to markets where farmers sold bread honey apples cloth tools lamps books maps letters from "
    "distant cities under bright summer skies or cold winter rain nobody knew when roads first reached these "
    "hills yet travellers came each spring"
)
CHINESE = (
    "山水之间有一座古老的磨坊每天清晨河水推动木轮把麦子磨成面粉村里的人们带着粮食来到这里等待新鲜的面包与故事"
    "孩子们在桥边看船远方的商人带来书信地图和灯火春天来临时道路两旁开满了花"
)

FURTHER = {
    "en": "The other children of the old mill still live near the river.",
    "zh": "更多磨坊的故事请看下一期报纸，欢迎读者来信来访。",
}
"""Stands below one document in seven."""


def english(rng: random.Random, sentences: int = 14) -> str:
    """Prose that passes Gopher's and FineWeb's rules."""
    lines = []
    for _ in range(sentences):
        words = [rng.choice(ENGLISH.split()) for _ in range(rng.randint(9, 16))]
        lines.append(" ".join(words).capitalize() + ".")
    return "\n".join(" ".join(lines[at : at + 3]) for at in range(0, len(lines), 3))


def chinese(rng: random.Random, sentences: int = 16) -> str:
    """Prose that passes the Chinese rules."""
    made = ["".join(rng.choice(CHINESE) for _ in range(rng.randint(12, 24))) for _ in range(sentences)]
    return "\n".join("，".join(made[at : at + 2]) + "。" for at in range(0, len(made), 2))


def near_copy(rng: random.Random, text: str) -> str:
    """The same document with one word, or one character, changed."""
    if " " in text:
        words = text.split(" ")
        words[rng.randrange(len(words))] = "otherwise"
        return " ".join(words)
    at = rng.randrange(len(text) - 2)
    return text[:at] + "异" + text[at + 1 :]


def documents() -> list[dict]:
    """160 documents: prose, exact and near copies, short pages, personal data, a line that many share."""
    rng = random.Random(7)
    made: list[dict] = []
    for number in range(60):
        for lang, write in (("en", english), ("zh", chinese)):
            text = write(rng)
            if number % 5 == 0:
                mail = f"writer{number}@mills.org"
                text += f"\nPlease write to {mail} about this." if lang == "en" else f"\n请发邮件到{mail}联系作者。"
            if number == 55:
                text += " Or to editor@mills.org." if lang == "en" else "或者发到editor@mills.org。"
            if number % 7 == 4:
                text += f"\n{FURTHER[lang]}"
            made.append({"id": f"{lang}-{number}", "text": text, "lang": lang, "stars": number})
            if number % 10 == 1:
                made.append({"id": f"{lang}-{number}-copy", "text": text, "lang": lang, "stars": 0})
            if number % 10 == 2:
                made.append({"id": f"{lang}-{number}-near", "text": near_copy(rng, text), "lang": lang, "stars": 0})
            if number % 10 == 3:
                short = "Too short to keep." if lang == "en" else "太短了。"
                made.append({"id": f"{lang}-{number}-short", "text": short + str(number), "lang": lang, "stars": 0})
    return [doc | fetched(doc["id"]) for doc in made]


def fetched(id: str) -> dict:
    """Two documents in seventy are of one page, the near copy from an earlier crawl."""
    lang, number, *copy = id.split("-")
    if int(number) % 20 != 2 or copy not in ([], ["near"]):
        return {"url": None, "date": None}
    page = f"mill/{number}" if lang == "en" else f"磨坊/{number}"
    if copy:
        return {"url": f"http://mills.org:80/{quote(page).lower()}/?utm_source=mail", "date": "20230105120000"}
    return {"url": f"https://www.mills.org/{page}", "date": "2024-02-03T04:05:06Z"}


@dataclass(frozen=True)
class Corpus:
    """Input files and a recipe beside them."""

    folder: Path
    recipe: Path

    def with_recipe(self, name: str, old: str, new: str) -> "Corpus":
        """The same input under a changed recipe."""
        text = self.recipe.read_text(encoding="utf-8")
        assert old in text
        recipe = self.folder / f"{name}.yaml"
        recipe.write_text(text.replace(old, new), encoding="utf-8")
        return Corpus(self.folder, recipe)

    def with_few_stages(self, name: str) -> "Corpus":
        """Without the searches for what repeats beside near copies: half of the stages, which open no text."""
        made = self
        for step in SEARCHES:
            made = made.with_recipe(name, step, "")
        return made


RECIPE = """\
gristmill: 1
name: mill
sources:
  web: {format: jsonl, paths: "web-*.jsonl", id: id, language: {column: lang}, columns: {stars: int64}}
  table: {format: parquet, paths: table.parquet, id: id, language: {column: lang}, priority: 1}
plan: {unit_bytes: 12kB, partition_documents: 20}
classifiers: {quality: {model: starter}}
labels: {grades: {paths: grades.csv, key: id, columns: {grade: {good: 1, bad: 0}}}}
language_models: {prose: {model: {en: en.arpa, zh: zh.arpa}, units: characters, cutoffs: {en: [3, 90], zh: [3, 90]}}}
decide:
  - when: {language: en}
    presets: [gopher@paper, fineweb@datatrove, ccnet@prose]
    change: {gopher@paper/duplicate_lines: 0.31}
    rules: [{signal: grades.grade, at_least: 0.5}]
  - when: {language: zh}
    presets: [chinese@gristmill]
    rules: [{signal: prose.worst_line, at_most: 200}]
deduplicate:
  urls: {keep: newest}
  minhash: {threshold: 0.7}
  passages: [{min_letters: 40}, {unit: sentence, run: 2, scope: source}]
  substrings: {min_tokens: 12}
decontaminate: {sets: {asked: {paths: asked.jsonl}}, action: report}
scrub: {operator: tag, drop_above: {EMAIL_ADDRESS: 1}}
tokenizer: {vocabulary: 640, sample_bytes: 1MB}
tokens: {sequence_length: 64, validation: 10%}
"""
SEARCHES = (
    "  urls: {keep: newest}\n",
    "  passages: [{min_letters: 40}, {unit: sentence, run: 2, scope: source}]\n",
    "  substrings: {min_tokens: 12}\n",
    "decontaminate: {sets: {asked: {paths: asked.jsonl}}, action: report}\n",
)


def write_tokenizer(folder: Path, texts: list[str]) -> None:
    """A tokenizer.json of GPT-2's kind, as others train it."""
    made = Tokenizer(models.BPE())
    made.pre_tokenizer, made.decoder = pre_tokenizers.ByteLevel(add_prefix_space=False), decoders.ByteLevel()
    alphabet = pre_tokenizers.ByteLevel.alphabet()
    trainer = trainers.BpeTrainer(
        vocab_size=600, initial_alphabet=alphabet, special_tokens=["<|endoftext|>"], show_progress=False
    )
    made.train_from_iterator(texts, trainer)
    folder.mkdir()
    made.save(str(folder / "tokenizer.json"))


def write_corpus(folder: Path, files: int = 3) -> Corpus:
    """The documents in some JSONL files and one Parquet file."""
    folder.mkdir(parents=True, exist_ok=True)
    docs = documents()
    web, table = docs[:110], docs[100:]
    for file in range(files):
        lines = [
            json.dumps(doc, ensure_ascii=False) + "\n"
            for doc in web[file * len(web) // files : (file + 1) * len(web) // files]
        ]
        (folder / f"web-{file}.jsonl").write_text("".join(lines), encoding="utf-8")
    pq.write_table(pa.Table.from_pylist(table), folder / "table.parquet", row_group_size=25)
    grades = "".join(f"{doc['id']},{'bad' if doc['id'] == 'en-17' else 'good'}\n" for doc in docs[:120])
    (folder / "grades.csv").write_text(f"id,grade\n{grades}", encoding="utf-8")
    asked = [{"question": doc["text"].split("\n")[1]} for doc in docs if doc["id"] in ("en-2", "zh-2", "en-5", "zh-5")]
    (folder / "asked.jsonl").write_text("".join(json.dumps(item) + "\n" for item in asked), encoding="utf-8")
    for lang, text in (("en", ENGLISH), ("zh", CHINESE)):  # of characters
        arpa = arpa_text([list(text.replace(" ", ""))], 3)
        (folder / f"{lang}.arpa").write_text(arpa, encoding="utf-8")
    write_tokenizer(folder / "theirs", [doc["text"] for doc in docs])
    recipe = folder / "recipe.yaml"
    recipe.write_text(RECIPE, encoding="utf-8")
    return Corpus(folder, recipe)


@pytest.fixture(scope="session")
def corpus(tmp_path_factory) -> Corpus:
    """Input that tests do not change."""
    return write_corpus(tmp_path_factory.mktemp("corpus"))


@pytest.fixture(scope="session")
def calm(corpus, tmp_path_factory) -> Path:
    """The run directory of an undisturbed run over the corpus."""
    out = tmp_path_factory.mktemp("calm") / "run"
    execute_beside(Request(corpus.recipe, out))
    return out


@pytest.fixture(scope="session")
def small(tmp_path_factory) -> Corpus:
    """The same documents in fewer units: a run takes a few seconds."""
    corpus = write_corpus(tmp_path_factory.mktemp("small"), files=2)
    return corpus.with_recipe("recipe", "unit_bytes: 12kB", "unit_bytes: 30kB")


@pytest.fixture(scope="session")
def small_run(small, tmp_path_factory) -> Path:
    """The run directory of an undisturbed run over the small corpus."""
    out = tmp_path_factory.mktemp("small") / "run"
    execute_beside(Request(small.recipe, out))
    return out


def digests_of(run: Path) -> dict[str, str]:
    """Path -> sha256 of every file of the datasets and of the manifest: what must not depend on how the run went."""
    skipped = ("_work", "_plan", "report", "run.json", ".lock", "run.log")
    return {
        str(file.relative_to(run)): hashlib.sha256(file.read_bytes()).hexdigest()
        for file in sorted(run.rglob("*"))
        if file.is_file() and file.relative_to(run).parts[0] not in skipped
    }


@pytest.fixture(scope="session")
def digests():
    """Function: run directory -> sha256 of its files."""
    return digests_of


@pytest.fixture(scope="session", name="write_corpus")
def _write_corpus():
    """Function: folder, number of files -> the corpus cut otherwise."""
    return write_corpus


@pytest.fixture(scope="session")
def tokenizer_bytes():
    """Function: run directory -> the trained tokenizer."""
    return lambda run: (run / "tokenizer" / "tokenizer.model").read_bytes()


@pytest.fixture
def command():
    """Run the real command in a process of its own."""

    def call(*arguments: object, **options) -> subprocess.CompletedProcess:
        line = [sys.executable, "-m", "gristmill.pipelines.cli.main", *map(str, arguments)]
        environment = {**os.environ, "COLUMNS": "200"}
        return subprocess.run(line, capture_output=True, text=True, timeout=900, env=environment, **options)

    return call


@pytest.fixture
def here(monkeypatch, capsys) -> Callable[..., subprocess.CompletedProcess]:
    """As `command`, in this process: for what does not ask how a process starts and ends."""

    def call(*arguments: object) -> subprocess.CompletedProcess:
        monkeypatch.setenv("COLUMNS", "200")
        monkeypatch.setattr(sys, "argv", ["gristmill", *map(str, arguments)])
        capsys.readouterr()
        with pytest.raises(SystemExit) as end:
            main()
        return subprocess.CompletedProcess(sys.argv, int(end.value.code or 0), *capsys.readouterr())

    return call


class Command:
    """`gristmill run` in a session of its own, with a temporary directory of its own."""

    def __init__(self, folder: Path, recipe: Path, *options: object, **environment: str):
        self.temporary, self.out, self.log = folder / "temporary", folder / "run", folder / "said"
        self.temporary.mkdir(exist_ok=True)
        line = [sys.executable, "-m", "gristmill.pipelines.cli.main", "run", str(recipe), "--out", str(self.out)]
        line += map(str, options)
        settings = {**os.environ, "TMPDIR": str(self.temporary), "COLUMNS": "200", **environment}
        with self.log.open("wb") as log:
            self.process = subprocess.Popen(line, stdout=log, stderr=log, env=settings)

    def wait(self) -> int:
        return self.process.wait(timeout=200)

    def receipts(self, stage: str = "*") -> int:
        return len(list(self.out.glob(f"_work/{stage}-*/*.json")))

    def wait_for_receipts(self, stage: str, count: int) -> None:
        while self.receipts(stage) < count:
            assert self.process.poll() is None, self.said()
            time.sleep(0.005)

    def said(self) -> str:
        return self.log.read_text(encoding="utf-8")

    def processes(self) -> list[int]:
        """Everything that still runs with this temporary directory in its environment."""
        found = []
        for folder in Path("/proc").glob("[0-9]*"):
            with contextlib.suppress(OSError):
                if f"TMPDIR={self.temporary}".encode() in (folder / "environ").read_bytes():
                    found.append(int(folder.name))
        return found

    def left(self) -> list[Path]:
        """What is left in the temporary directory and between stages, a moment after the end."""
        for _ in range(100):
            left = [*self.temporary.iterdir(), *self.out.glob("_work/tmp/gristmill-shuffle-*")]
            if not left and not self.processes():
                break
            time.sleep(0.1)
        assert not self.processes()
        return left


@pytest.fixture
def gristmill(corpus, tmp_path) -> Iterator:
    """Function: options -> a Command over the corpus that has started; it dies with the test."""
    started: list[Command] = []

    def call(*options: object, **environment: str) -> Command:
        started.append(Command(tmp_path, corpus.recipe, *options, **environment))
        return started[-1]

    yield call
    for command in started:
        command.process.kill()
        command.process.wait()
