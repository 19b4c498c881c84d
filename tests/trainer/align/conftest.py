"""A run with conversations that answer tasks, and a small model that has learnt them a little: what policies begin
with."""

import json
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest

from gristmill.tokenizer.chat.render import render_all
from gristmill.tokenizer.chat.turns import parse
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, train
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.config import LoopConfig, TrainConfig, with_settings
from gristmill.trainer.data.loader import DataConfig
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.stages import policies
from gristmill.trainer.model.config import ModelConfig
from gristmill.trainer.optim.config import OptimConfig
from gristmill.trainer.tasks.registry import open_task
from tests.trainer.conftest import CHINESE, ENGLISH, write_manifest

LENGTH, TASK = 64, "sort/3"


def write_conversations(folder: Path, kind: str = "chat") -> Path:
    """Questions of a task with their answers (or, of kind prompts, without), in both languages."""
    texts = [" ".join(ENGLISH), "".join(CHINESE), "0 1 2 3 4 5 6 7 8 9", "Sort: 1 2 3", "排序：4 5 6"] * 20
    info = train(texts, TokenizerOptions(vocabulary=470), folder / "tokenizer")
    encoder = Encoder(folder / "tokenizer")
    header, splits = Header(info.sha256, encoder.vocabulary, SPECIAL_IDS, "test"), {}
    for split, seed, count in (("train", 5, 400), ("validation", 6, 24)):
        examples = [one for lang in ("en", "zh") for one in open_task(TASK).examples(seed, count, lang)]
        answered = kind == "chat"
        talks = [
            parse(one.messages + [{"role": "assistant", "content": one.response}] * answered, generation=not answered)
            for one in examples
        ]
        made = [one for one in render_all(encoder, talks, generation=not answered) if one is not None]
        ids = [f"{split}-{number}" for number in range(len(made))]
        columns = {"doc_id": ids, "source": ["task"] * len(ids), "lang": ["en"] * len(ids), "cluster": ids}
        columns |= {"bytes": [1] * len(ids)}
        if answered:
            columns["loss_mask"] = [flag for one in made for flag in one.mask.tolist()]
        else:
            columns |= {"task": [TASK] * len(ids), "answer": [one.answer for one in examples]}
        flat, offsets = [token for one in made for token in one.ids.tolist()], [0]
        for one in made:
            offsets.append(offsets[-1] + len(one.ids))
        splits[split] = _write(folder / "tokens", split, flat, offsets, columns, header)
    write_index(folder / "tokens" / "index.json", Index(LENGTH, info.as_dict(), splits, kind))
    write_manifest(folder)
    return folder


def _write(folder: Path, split: str, flat: list[int], offsets: list[int], columns: dict, header: Header) -> SplitEntry:
    (folder / split).mkdir(parents=True)
    (folder / "plan").mkdir(exist_ok=True)
    path = f"{split}/00000.arrow"
    batch = token_batch(np.array(flat), np.array(offsets), columns, header)
    written = write_shard(folder / path, [batch])
    entry = ShardEntry(path, written.rows, written.tokens, written.bytes, written.file_bytes, written.sha256)
    plan = pack([Shard(folder / path)], LENGTH, whole=True)
    plan.write(folder / "plan" / f"{split}-{LENGTH}.arrow")
    return SplitEntry((entry,), f"plan/{split}-{LENGTH}.arrow", len(plan), entry.tokens, plan.figures.padding)


BASE = TrainConfig(
    model=ModelConfig(width=32, layers=2, heads=4, kv_heads=2, compute="float32"),
    data=DataConfig(tokens_per_step=1024, tokens_per_batch=1024),
    optim=OptimConfig(lr=0.01, muon_lr=0.02, warmup=0.1),
    loop=LoopConfig(steps=60, report_every=20, evaluate_every=100, save_every=100),
)


@pytest.fixture(scope="session")
def policy_run(tmp_path_factory) -> Path:
    """RUN, with train/base, and train/teacher, which is wider."""
    run = write_conversations(tmp_path_factory.mktemp("policy") / "run")
    data = open_data(run)
    wide = replace(BASE, model=replace(BASE.model, width=48), seed=1)
    for name, config in (("base", BASE), ("teacher", wide)):
        folder = run / "train" / name
        folder.mkdir(parents=True)
        training, state = build.build(build.complete(config, data), data, folder, World(), None, lambda: False)
        with training:
            fit(training, state)
    return run


SMALL = ("rollouts.prompts=4", "rollouts.samples=3", "rollouts.tokens=10", "rollouts.examples=16",
         "rollouts.held_out=6", f"rollouts.task={TASK}", "data.tokens_per_batch=320",
         "loop.report_every=1")  # fmt: skip


def train_policy(
    run: Path,
    stage: str,
    folder: Path,
    *settings: str,
    steps: int = 4,
    resume: Path | None = None,
    world: World = World(),
    interrupted=lambda: False,
):
    """Trains a stage from train/base into a folder; (metrics' lines with a loss, the training, its last state)."""
    parent = Checkpoint.open(run / "train" / "base", world)
    opened = None if resume is None else Checkpoint.open(resume, world)
    config = policies.first_config(stage, parent) if opened is None else opened.config
    config = with_settings(config, [*SMALL, *settings])
    config = replace(config, loop=replace(config.loop, steps=steps))
    data = open_data(run, world)
    config = policies.complete_policy(config, data, parent, world)
    if opened is not None:
        policies.check_resumed(opened, config, data, parent)
    folder.mkdir(parents=True, exist_ok=True)
    make = policies.policy_stage(config, data, folder, parent, world)
    training, state = build.build(config, data, folder, world, opened, interrupted, begin=parent, make_stage=make)
    with training:
        state = fit(training, state)
    lines = [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]
    return [line for line in lines if "loss" in line], training, state
