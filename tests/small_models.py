"""Fixture `small_models`: fastText models of texts that anybody can tell apart, in English and Chinese."""

import hashlib
import random
from dataclasses import dataclass, field
from pathlib import Path
from typing import Any

import pyarrow as pa
import pytest

from gristmill.filters.placed import place
from gristmill.filters.quality.classifier import Model
from gristmill.filters.quality.feeding import WORDS, feed_words
from gristmill.filters.quality.model_file import read_about
from gristmill.filters.quality.train import Options, train, write_lines

GOOD = "the river mill ground grain for bread and every village kept its old stone bridge near water"
RAW = "buy cheap click here now casino bonus free download win money offer login share subscribe"
WORDS_OF = {
    ("good", "en"): GOOD.split(),
    ("raw", "en"): RAW.split(),
    ("good", "zh"): list("磨坊坐落在河边人们带着粮食来到这里等待新鲜的面包与故事"),
    ("raw", "zh"): list("点击关注扫码优惠客服微信投注娱乐城注册送彩金加群下载"),
}


def labelled_texts(label: str, lang: str, count: int = 120) -> list[str]:
    """Texts of a label, `good` or `raw`; the same ones every time."""
    rng = random.Random(f"{label}{lang}")
    join, end = (" ", ".") if lang == "en" else ("", "。")
    return [
        join.join(rng.choice(WORDS_OF[label, lang]) for _ in range(rng.randint(20, 60))) + end for _ in range(count)
    ]


@dataclass
class SmallModels:
    """Trained when they are asked for, and kept for the session."""

    folder: Path
    _made: dict[tuple[str, str], Path] = field(default_factory=dict)

    def file(self, lang: str = "en", suffix: str = ".bin") -> Path:
        """A model of `good` and `raw`, without a card."""
        if (lang, suffix) not in self._made:
            fed = {
                label: feed_words(pa.array(labelled_texts(label, lang), pa.large_string())).to_pylist()
                for label in ("good", "raw")
            }
            by_turns = zip(fed["good"], fed["raw"], strict=True)
            lines = [pair for good, raw in by_turns for pair in (("good", good), ("raw", raw))]
            self._made[lang, suffix] = self.train(self.folder / f"{lang}{suffix}", lines)
        return self._made[lang, suffix]

    def train(self, file: Path, lines: list[tuple[str, str]], **options: Any) -> Path:
        """A model of labelled lines; `.ftz` is compressed."""
        write_lines(file.with_suffix(".txt"), lines)
        chosen = {"dimensions": 8, "buckets": 4096, "min_count": 1, **options}
        train(file.with_suffix(".txt"), file, Options(**chosen), compressed=file.suffix == ".ftz")
        return file

    def model(self, file: Path, feeding: str = WORDS) -> Model:
        """What a recipe knows of a model's file."""
        data = file.read_bytes()
        found = Model(file.name, hashlib.sha256(data).hexdigest(), len(data), read_about(file).labels, feeding)
        place(found, file)
        return found


@pytest.fixture(scope="session")
def small_models(tmp_path_factory: pytest.TempPathFactory) -> SmallModels:
    """Models to score with."""
    return SmallModels(tmp_path_factory.mktemp("models"))
