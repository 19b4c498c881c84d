"""A tiny run directory with real files: a SentencePiece tokenizer, token shards, pack plans; English and Chinese."""

import hashlib
import json
import random
from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, train
from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.config import LoopConfig, TrainConfig
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop import build
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.training import Training
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.optim.config import OptimConfig

LENGTH = 32
ENGLISH = "the old mill turns slowly by river while miller counts sacks of grain and his dog sleeps in sun".split()  # noqa: SIM905
CHINESE = "老磨坊 在 河边 慢慢 转动 磨坊主 数着 一袋袋 谷物 他的 狗 睡在 阳光里 水车 带来 面粉".split()  # noqa: SIM905


def sentences(rng: random.Random, words: list[str], gap: str, stop: str) -> str:
    """Text with something to learn: a word is mostly followed by the next one in the list."""
    out, at = [], rng.randrange(len(words))
    for _ in range(rng.randrange(5, 60)):
        out.append(words[at])
        at = (at + 1) % len(words) if rng.random() < 0.8 else rng.randrange(len(words))
        if rng.random() < 0.1:
            out[-1] += stop
    return gap.join(out) + stop


def write_run(folder: Path, seed: int, documents: int = 160, length: int = LENGTH) -> Path:
    rng = random.Random(seed)
    texts = [
        ("english", "en", sentences(rng, ENGLISH, " ", "."))
        if i % 2
        else ("chinese", "zh", sentences(rng, CHINESE, "", "。"))
        for i in range(documents)
    ]
    info = train((text for _, _, text in texts), TokenizerOptions(vocabulary=450), folder / "tokenizer")
    encoder = Encoder(folder / "tokenizer")
    header = Header(info.sha256, encoder.vocabulary, SPECIAL_IDS, "test")
    splits = {
        "train": write_split(folder / "tokens", "train", texts[16:], encoder, header, length),
        "validation": write_split(folder / "tokens", "validation", texts[:16], encoder, header, length),
    }
    write_index(folder / "tokens" / "index.json", Index(length, info.as_dict(), splits))
    write_manifest(folder)
    return folder


def write_manifest(folder: Path, **facts: object) -> None:
    """As a run's: the sha256 of every published file."""
    datasets: dict[str, dict[str, list]] = {}
    for path in sorted((folder / "tokens").rglob("*.*")):
        name = "tokens/index" if path.name == "index.json" else f"tokens/{path.parent.name}"
        entry = {"path": path.relative_to(folder).as_posix(), "sha256": file_sha256(path)}
        datasets.setdefault(name, {"shards": []})["shards"].append(entry)
    manifest = {"gristmill": 1, "recipe_sha256": "abc", "datasets": datasets} | facts
    (folder / "manifest.json").write_text(json.dumps(manifest) + "\n", encoding="utf-8")


def write_split(folder: Path, split: str, texts: list, encoder: Encoder, header: Header, length: int) -> SplitEntry:
    (folder / split).mkdir(parents=True)
    (folder / "plan").mkdir(exist_ok=True)
    entries = []
    for number, part in enumerate((texts[::2], texts[1::2])):
        tokens, offsets = encoder.encode([text for _, _, text in part])
        ids = [hashlib.md5(text.encode()).hexdigest() for _, _, text in part]
        columns = {"doc_id": ids, "source": [s for s, _, _ in part], "lang": [g for _, g, _ in part], "cluster": ids}
        columns["bytes"] = [len(text.encode()) for _, _, text in part]
        path = f"{split}/{number:05d}.arrow"
        written = write_shard(folder / path, [token_batch(tokens, offsets, columns, header)])
        entries.append(
            ShardEntry(path, written.rows, written.tokens, written.bytes, written.file_bytes, written.sha256)
        )
    plan = pack([Shard(folder / entry.path) for entry in entries], length)
    plan.write(folder / "plan" / f"{split}-{length}.arrow")
    total = sum(entry.tokens for entry in entries)
    return SplitEntry(tuple(entries), f"plan/{split}-{length}.arrow", len(plan), total, plan.figures.padding)


def pytest_collection_modifyitems(config, items):
    """Tests of a GPU are only there where one is."""
    absent = [] if torch.cuda.is_available() else [item for item in items if item.get_closest_marker("gpu")]
    config.hook.pytest_deselected(items=absent)
    items[:] = [item for item in items if item not in absent]


@pytest.fixture(scope="session", autouse=True)
def one_thread():
    """Tests of tiny models: two threads only wait for each other."""
    torch.set_num_threads(1)


@pytest.fixture(scope="session", params=[0, 1], ids=["seed0", "seed1"])
def run_dir(request, tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "mill", request.param)


@pytest.fixture(scope="session")
def one_run_dir(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("run") / "mill", 7)


@pytest.fixture
def corpus(run_dir) -> Corpus:
    return Corpus(run_dir / "tokens" / "index.json", "train")


TINY = TrainConfig(
    model=ModelConfig(width=32, layers=2, heads=4, kv_heads=2, compute="float32"),
    data=DataConfig(tokens_per_step=256, tokens_per_batch=256),
    optim=OptimConfig(lr=0.01, muon_lr=0.02, warmup=0.1),
    loop=LoopConfig(steps=12, report_every=4, evaluate_every=100, save_every=100),
)


@pytest.fixture(scope="session")
def tiny() -> TrainConfig:
    return TINY


@pytest.fixture
def tiny_model(one_run_dir):
    """A model of the tiny shape for the tiny tokenizer, with random weights everywhere (the residual ends too)."""
    from gristmill.trainer.model.transformer import Model

    config = build.complete(TINY, open_data(one_run_dir)).model
    model = Model(config)
    generator = torch.Generator().manual_seed(3)
    with torch.no_grad():
        for parameter in model.parameters():
            parameter.normal_(0.0, 0.2, generator=generator)
    return model.eval()


@pytest.fixture
def assemble(tmp_path) -> Callable[..., tuple[Training, TrainState]]:
    """assemble(run_dir, config, ...): the parts of a run as the command builds them, in a folder of this test."""
    made: list[Training] = []

    def make(
        run: Path, config: TrainConfig, *, folder: Path | None = None, resume=None, interrupted=lambda: False, **loop
    ):
        data = open_data(run)
        config = build.complete(replace(config, loop=replace(config.loop, **loop)), data)
        folder = folder or tmp_path / "train"
        folder.mkdir(parents=True, exist_ok=True)
        training, state = build.build(config, data, folder, World(), resume, interrupted)
        made.append(training)
        return training, state

    yield make
    for run in made:
        run.loader.close()
        run.terminal.close()
