"""The stages after pretraining, through the one loop: what they learn, resume, micro-batches, LoRA, and bad input."""

import json
import math
import shutil
from dataclasses import replace
from pathlib import Path

import pytest
import torch

from gristmill.tokenizer.chat.render import render
from gristmill.tokenizer.chat.turns import Turn
from gristmill.tokenizer.encode import Encoder
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.huggingface import family_of
from gristmill.trainer.checkpoint.reward_model import Judge, helpful_and_safe
from gristmill.trainer.checkpoint.tensors import read_into
from gristmill.trainer.config import after
from gristmill.trainer.data.corpus import Corpus
from gristmill.trainer.devices.world import CPU, World
from gristmill.trainer.errors import ConfigError, DivergedError, InputError, MismatchError
from gristmill.trainer.evaluate.generate import generate_ids
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.loop import build
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.stages.parent import check_begin
from gristmill.trainer.model.lora import LoraConfig, adapt, merge
from gristmill.trainer.model.transformer import Model, Tokens
from gristmill.trainer.rollouts.rewards import open_reward
from gristmill.trainer.rollouts.rollout import Prompt, Rollout
from tests.trainer.runs import write_aligned

STAGES = {"sft": "chat", "reward": "pairs", "dpo": "pairs"}


@pytest.fixture(scope="module")
def runs(one_run_dir, tmp_path_factory) -> dict[str, Path]:
    folder = tmp_path_factory.mktemp("aligned")
    return {kind: write_aligned(folder / kind, one_run_dir, kind) for kind in ("chat", "pairs")}


@pytest.fixture(scope="module")
def base(one_run_dir, tiny, tmp_path_factory) -> Path:
    """A pretrained checkpoint that reads rows of 128."""
    return train(one_run_dir, replace(tiny, model=replace(tiny.model, context=128)), tmp_path_factory.mktemp("base"))


def train(run, config, folder, *, begin=None, resume=None, world=World(), **loop) -> Path:
    data = open_data(run, world)
    config = build.complete(replace(config, loop=replace(config.loop, **loop)), data)
    folder.mkdir(parents=True, exist_ok=True)
    training, state = build.build(config, data, folder, world, resume, lambda: False, begin=begin)
    with training:
        fit(training, state)
    return folder


def stage(base: Path, name: str, **sections) -> tuple:
    """(configuration, checkpoint that it begins with)."""
    opened = Checkpoint.open(base)
    config = after(opened.config, name, str(opened.path))
    optim = replace(config.optim, lr=0.003, muon_lr=0.005)
    data = replace(config.data, tokens_per_step=8 * 128, tokens_per_batch=8 * 128)
    return replace(config, optim=optim, data=data, **sections), opened


def lines(folder: Path) -> list[dict]:
    return [json.loads(line) for line in (folder / "metrics.jsonl").read_text().splitlines()]


def weights(folder: Path) -> dict[str, torch.Tensor]:
    return dict(Checkpoint.open(folder).load_model(CPU).named_parameters())


@pytest.mark.parametrize("lora", [0, 4], ids=["all", "lora"])
@pytest.mark.parametrize("name", STAGES)
def test_stage__resumed_is_bit_equal(runs, base, tmp_path, name, lora):
    config, begin = stage(base, name, lora=LoraConfig(rank=lora))
    run = runs[STAGES[name]]
    straight = train(run, config, tmp_path / "straight", begin=begin, steps=6, save_every=3)
    shutil.copytree(tmp_path / "straight" / "step-000003", tmp_path / "again" / "step-000003")
    opened = Checkpoint.open(tmp_path / "again")
    assert opened.origin.parent == begin.sha256()
    again = train(run, opened.config, tmp_path / "again", resume=opened, steps=6)
    one, two = weights(straight), weights(again)
    assert one.keys() == two.keys()
    assert all(torch.equal(one[key], two[key]) for key in one)
    optimiser = ("optimizer.safetensors", "model.safetensors")
    files = [[(folder / "step-000006" / part).read_bytes() for part in optimiser] for folder in (straight, again)]
    assert files[0] == files[1]


@pytest.mark.parametrize("name", STAGES)
def test_stage__learns(runs, base, tmp_path, name):
    config, begin = stage(base, name)
    folder = train(runs[STAGES[name]], config, tmp_path, begin=begin, steps=40, evaluate_every=40)
    made = lines(folder)
    first, last = (next(line["loss"] for line in some if "loss" in line) for some in (made, made[::-1]))
    assert last < 0.8 * first
    told = made[-1] if "val_loss" in made[-1] else made[-2]
    if name == "sft":
        assert told["val_tokens"] == sum(
            int(s.mask.sum()) for s in Corpus(runs["chat"] / "tokens/index.json", "validation").shards
        )
    else:
        assert told["val_accuracy"] > 0.6
        validation = Corpus(runs["pairs"] / "tokens/index.json", "validation")
        assert told["val_pairs"] == sum(map(len, validation.shards))
        assert "val_tokens" not in told
    if name == "dpo":
        assert made[0]["loss"] == pytest.approx(0.6931, abs=1e-3)
        assert made[0]["reward_margin"] == pytest.approx(0.0, abs=1e-3)


@pytest.mark.parametrize("name", STAGES)
def test_stage__gradients_of_one_batch_are_those_of_several(runs, base, name, tmp_path):
    grads = []
    for rows in (8, 3, 1):
        config, begin = stage(base, name)
        config = replace(config, data=replace(config.data, tokens_per_batch=rows * 128))
        data = open_data(runs[STAGES[name]])
        config = build.complete(config, data)
        folder = tmp_path / str(rows)
        folder.mkdir()
        training, state = build.build(config, data, folder, World(), None, lambda: False, begin=begin)
        if training.model.score is not None:
            torch.nn.init.ones_(training.model.score.weight)
        with training:
            weight = torch.zeros(())
            for batch in training.loader.batches(training.sampler.take(state.data)):
                found = training.objective(training.model, batch, 2)
                found.loss.backward()
                weight += found.weight
        training.guard.optimizers.clip(weight)
        grads.append([p.grad for p in training.model.parameters()])
    for other in grads[1:]:
        for a, b in zip(grads[0], other, strict=True):
            torch.testing.assert_close(a, b, atol=1e-6, rtol=1e-3)


def test_lora__merged_gives_what_unmerged_gives_and_the_base_is_frozen(runs, base, tmp_path):
    config, begin = stage(base, "sft", lora=LoraConfig(rank=4, alpha=8, targets="q,v,down"))
    folder = train(runs["chat"], config, tmp_path / "lora", begin=begin, steps=5)
    opened = Checkpoint.open(folder)
    model = Model(opened.config.model)
    adapt(model, opened.config.lora)
    read_into(opened.path / "model", {name: p.detach() for name, p in model.named_parameters()})
    before = dict(begin.load_model(CPU).named_parameters())
    for name, parameter in model.named_parameters():
        if ".adapter." not in name:
            assert torch.equal(parameter, before[name]), name
    assert any(p.abs().sum() > 0 for n, p in model.named_parameters() if n.endswith("adapter.b"))
    assert {n.split(".")[-3] for n, _ in model.named_parameters() if ".adapter." in n} == {"q", "v", "down"}
    tokens = Tokens(torch.arange(40).view(2, 20) + 130)
    with torch.no_grad():
        apart = model.logits(model(tokens))
        merge(model)
        torch.testing.assert_close(model.logits(model(tokens)), apart, atol=1e-5, rtol=1e-5)
        loaded = opened.load_model(CPU)
        assert torch.equal(loaded.logits(loaded(tokens)), model.logits(model(tokens)))
    assert not any(".adapter." in name for name, _ in loaded.named_parameters())
    again, second = stage(folder, "dpo")
    assert again.lora.rank == 0
    train(runs["pairs"], again, tmp_path / "dpo", begin=second, steps=1)


def test_judge__scores_are_centred_and_do_not_depend_on_the_batch(runs, base, tmp_path):
    config, begin = stage(base, "reward")
    folder = train(runs["pairs"], config, tmp_path, begin=begin, steps=12)
    judge = Judge.open(folder, CPU)
    corpus = Corpus(runs["pairs"] / "tokens/index.json", "train")
    both = []
    for shard in corpus.shards:
        for d, cut in enumerate(shard.column("rejected").to_pylist()):
            both += [shard.document(d)[:cut].astype(int), shard.document(d)[cut:].astype(int)]
    together = judge(both)
    assert sum(together) / len(together) == pytest.approx(0.0, abs=2e-2)  # bfloat16 or not, packed or padded
    assert max(together) - min(together) > 0.1
    assert [judge([one])[0] for one in both[:5]] == pytest.approx(together[:5], abs=1e-4)
    with pytest.raises(ConfigError, match="no reward model"):
        Judge.open(base, CPU)
    with pytest.raises(InputError, match="reads 1 to 128"):
        judge([[5] * 129])


def test_judge__is_a_reward_of_responses_and_no_policy(runs, base, tmp_path):
    config, begin = stage(base, "reward")
    folder = train(runs["pairs"], config, tmp_path, begin=begin, steps=3)
    encoder = Encoder(runs["pairs"] / "tokenizer")
    turns = [Turn("user", "mill 磨坊"), Turn("assistant", "mill 磨坊")]
    whole = render(encoder, turns).ids
    prompt = render(encoder, turns[:1], generation=True).ids
    rollout = Rollout(Prompt(prompt), 0, 0, response_ids=whole[len(prompt) : -1], truncated=False)
    wanted = Judge.open(folder, CPU)([whole])
    assert open_reward(str(folder), encoder)([rollout]) == wanted
    assert open_reward(f"0.5*{folder}", encoder)([rollout]) == pytest.approx([0.5 * wanted[0]])
    with pytest.raises(ConfigError, match="a reward model judges texts"):
        list(generate_ids(Checkpoint.open(folder).load_model(CPU), [prompt], 3, PURE))
    with pytest.raises(ConfigError, match="a reward model scores, it cannot learn dpo"):
        build.complete(stage(folder, "dpo")[0], open_data(runs["pairs"]))
    with pytest.raises(ConfigError, match="no transformers layout"):
        family_of(Checkpoint.open(folder).config.model)


def test_helpful_and_safe__as_llama_2_combines_them():
    """Tagged, or sigmoid(safe) < .15: safety; else helpfulness; mean 0 and deviation 1."""
    helpful, safe, tagged = [2.0, 3.0, 1.0, 0.0], [1.0, -2.0, 4.0, -1.7], [False, False, True, False]
    chosen = [2.0, -2.0, 4.0, 0.0]  # sigmoid(-2) = .119, sigmoid(-1.7) = .154
    mean = sum(chosen) / 4
    deviation = (sum((x - mean) ** 2 for x in chosen) / 4) ** 0.5
    assert helpful_and_safe(helpful, safe, tagged) == pytest.approx([(x - mean) / deviation for x in chosen])
    assert helpful_and_safe([1.0, 1.0], [1.0, 1.0], [False, False]) == [0.0, 0.0]


def test_stage__another_kind_of_run_is_named(runs, base, one_run_dir):
    for name, run, words in (
        ("dpo", runs["chat"], "dpo learns from pairs, the run holds chat"),
        ("sft", runs["pairs"], "sft learns from text or chat, the run holds pairs"),
        ("reward", one_run_dir, "reward learns from pairs, the run holds text"),
    ):
        with pytest.raises(MismatchError, match=words):
            build.complete(stage(base, name)[0], open_data(run))
    build.complete(stage(base, "sft")[0], open_data(one_run_dir))
    config, _ = stage(base, "sft")
    with pytest.raises(ConfigError, match="would see each other"):
        build.complete(replace(config, data=replace(config.data, documents=False)), open_data(runs["chat"]))


def test_stage__another_tokenizer_or_shape_is_named(runs, base, run_dir):
    config, begin = stage(base, "sft")
    data = open_data(run_dir)
    with pytest.raises(MismatchError, match=r"another tokenizer.*\n.*\n.*tokenizer: \{from"):
        check_begin(begin, build.complete(config, data), data)
    data = open_data(runs["chat"])
    wide = build.complete(replace(config, model=replace(config.model, layers=3)), data)
    with pytest.raises(MismatchError, match=r"model.layers = 2, sft as asked has 3"):
        check_begin(begin, wide, data)


def test_dpo__the_reference_is_needed_and_is_the_one_it_began_with(runs, base, tmp_path):
    config, begin = stage(base, "dpo")
    with pytest.raises(ConfigError, match="needs a checkpoint to begin from"):
        train(runs["pairs"], replace(config, begin=""), tmp_path / "none", steps=1)
    moved = shutil.copytree(begin.path, tmp_path / "base" / begin.path.name)
    config = replace(config, begin=str(moved))
    folder = train(runs["pairs"], config, tmp_path / "dpo", begin=begin, steps=2)
    opened = Checkpoint.open(folder)
    shutil.rmtree(moved)
    with pytest.raises(InputError, match="no checkpoint here"):
        train(runs["pairs"], opened.config, folder, resume=opened, steps=4)
    train(runs["pairs"], replace(opened.config, begin=str(begin.path)), folder, resume=opened, steps=3)
    with pytest.raises(MismatchError, match="another checkpoint than this training began with"):
        train(runs["pairs"], replace(opened.config, begin=str(opened.path)), folder, resume=opened, steps=4)


@pytest.mark.parametrize("compute", ["float32", "bfloat16"])
def test_dpo__the_reference_is_computed_as_the_policy_is(runs, base, tmp_path, compute):
    """Whatever the checkpoint was computed in: before the first step both give the same."""
    config, begin = stage(base, "dpo")
    config = replace(config, model=replace(config.model, compute=compute))
    folder = train(runs["pairs"], config, tmp_path, begin=begin, steps=1, report_every=1)
    first = next(line for line in lines(folder) if "loss" in line)
    assert first["loss"] == pytest.approx(math.log(2), abs=1e-6)
    assert first["reward_chosen"] == first["reward_rejected"] == 0


def test_stage__a_loss_that_is_no_number_is_named_and_spoils_nothing(runs, base, tmp_path):
    config, begin = stage(base, "dpo")
    data = open_data(runs["pairs"])
    config = build.complete(replace(config, loop=replace(config.loop, steps=4)), data)
    training, state = build.build(config, data, tmp_path, World(), None, lambda: False, begin=begin)
    with torch.no_grad():
        training.objective.reference.embedding.weight.fill_(float("nan"))
    before = [p.detach().clone() for p in training.model.parameters()]
    with training, pytest.raises(DivergedError, match="step 1"):
        fit(training, state)
    assert all(torch.equal(a, b) for a, b in zip(before, training.model.parameters(), strict=True))
