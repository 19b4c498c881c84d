"""A training reads what its mixture says: counts, world sizes, resume, several runs; English and Chinese."""

import json
import random
import shutil
from collections import Counter
from dataclasses import replace
from pathlib import Path

import numpy as np
import pytest
import torch

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.mixing.leaks import overlaps
from gristmill.tokenizer.mixing.outlook import Material, Outlook
from gristmill.tokenizer.mixing.pool import Pool, open_runs
from gristmill.tokenizer.mixing.recipe import parse
from gristmill.tokenizer.mixing.written import ORDER, open_mix, write_mix
from gristmill.tokenizer.shards.format import Header
from gristmill.tokenizer.shards.index import Index, read_index, write_index
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.data.loader import DataConfig, Loader
from gristmill.trainer.data.sampler import DataState, MixSampler
from gristmill.trainer.devices import world as world_module
from gristmill.trainer.devices.world import World
from gristmill.trainer.errors import ConfigError, InputError, MismatchError
from gristmill.trainer.loop import build
from gristmill.trainer.loop.inputs import open_data
from gristmill.trainer.loop.mixed import of_mix
from gristmill.trainer.loop.mixture import open_mixture
from gristmill.trainer.objectives.corpus.causal import CausalLM
from tests.trainer.conftest import CHINESE, LENGTH, sentences, write_manifest, write_run, write_split

CPU = torch.device("cpu")
MIX = "by: source\nweights: {english: 0.3, chinese: 0.7}\ntokens: 24k\n"


@pytest.fixture(scope="module")
def run(tmp_path_factory) -> Path:
    return write_run(tmp_path_factory.mktemp("mixed") / "mill", 3, documents=240)


@pytest.fixture(scope="module")
def mix_file(tmp_path_factory) -> Path:
    path = tmp_path_factory.mktemp("recipe") / "mine.yaml"
    path.write_text(MIX, encoding="utf-8")
    return path


@pytest.fixture(scope="module")
def second(run, tmp_path_factory) -> Path:
    """A run with the same tokenizer and other documents."""
    folder = tmp_path_factory.mktemp("second") / "extra"
    shutil.copytree(run / "tokenizer", folder / "tokenizer")
    rng, encoder = random.Random(99), Encoder(folder / "tokenizer")
    info = read_index(run / "tokens" / "index.json").tokenizer
    header = Header(info["sha256"], encoder.vocabulary, SPECIAL_IDS, "test")
    texts = [("books", "zh", sentences(rng, CHINESE, "", "。")) for _ in range(60)]
    splits = {
        "train": write_split(folder / "tokens", "train", texts[8:], encoder, header, LENGTH),
        "validation": write_split(folder / "tokens", "validation", texts[:8], encoder, header, LENGTH),
    }
    write_index(folder / "tokens" / "index.json", Index(LENGTH, info, splits))
    write_manifest(folder, recipe_sha256="def")
    return folder


def sources_read(data, rows) -> Counter:
    """Tokens by source, from the shards themselves."""
    found: Counter = Counter()
    for row in rows:
        for p in data.train.segment_numbers(np.array([row])):
            plan = data.train.plan
            shard = data.train.shards[int(plan.shard[p])]
            found[shard.column("source")[int(plan.doc[p])].as_py()] += int(plan.length[p])
    return found


def test_mixture__what_is_read_is_what_was_planned(run, mix_file):
    data = open_data(run, mix=str(mix_file))
    sampler, state, rows = MixSampler(data.train, 8, data.mix), DataState(), []
    for made in sampler.steps(state):
        rows += made.index_R.tolist()
    read, total = sources_read(data, rows), sum(sources_read(data, rows).values())
    assert read["chinese"] / total == pytest.approx(0.7, abs=0.01)
    assert total == pytest.approx(24_000, rel=0.02)
    for row in set(rows):
        assert len(sources_read(data, [row])) == 1, "a row is of one source"
    most = Counter(rows).most_common(1)[0][1]
    assert most <= 4
    planned = {cell["group"]: sum(cell["read_rows"]) for cell in data.mix.card["cells"]}
    first = {
        cell["group"]: range(cell["first_row"], cell["first_row"] + cell["rows"]) for cell in data.mix.card["cells"]
    }
    for name, inside in first.items():
        assert sum(row in inside for row in data.mix.row_R.tolist()) == planned[name]
        times = Counter(row for row in data.mix.row_R.tolist() if row in inside)
        assert max(times.values()) - min(times.get(row, 0) for row in inside) <= 1, "none comes again before all came"


@pytest.mark.parametrize("world", [2, 3])
def test_mixture__all_ranks_together_read_what_one_does(run, mix_file, world):
    data, config = open_data(run, mix=str(mix_file)), DataConfig(tokens_per_step=256, tokens_per_batch=96)

    def read(rank, size):
        sampler = MixSampler(data.train, 8, data.mix)
        loader = Loader(data.train, CausalLM(), sampler.steps(DataState()), config, CPU, rank=rank, world=size)
        state, out = DataState(), []
        for _ in range(4):
            rows = sampler.take(state)
            out.append(torch.cat([batch.tokens.ids.clone() for batch in loader.batches(rows)]))
            state = rows.after
        loader.close()
        return out

    alone, ranks = read(0, 1), [read(rank, world) for rank in range(world)]
    for step, whole in enumerate(alone):
        for rank in range(world):
            mine = whole[rank::world]
            assert torch.equal(ranks[rank][step][: len(mine)], mine)


def test_mixture__a_training_goes_on_exactly(run, mix_file, tiny, tmp_path):
    data = open_data(run, mix=str(mix_file))
    config = build.complete(of_mix(replace(tiny, mix=str(mix_file)), data, steps_said=True), data)

    def train(folder, steps, resume=None):
        from gristmill.trainer.devices.world import World
        from gristmill.trainer.loop.fit import fit

        folder.mkdir(exist_ok=True)
        asked = replace(config, loop=replace(config.loop, save_every=steps if steps < 12 else 100))
        stops = iter([False] * steps + [True] * 100)
        training, state = build.build(asked, data, folder, World(), resume, lambda: next(stops))
        with training:
            fit(training, state)
        return Checkpoint.open(folder)

    whole = train(tmp_path / "whole", 12)
    half = train(tmp_path / "half", 5)
    assert half.state.data.next_row == 5 * 8
    half.origin.check(open_data(run, mix=half.config.mix).origin, half.path)
    again = train(tmp_path / "half", 12, half)
    assert again.state.tokens == whole.state.tokens
    assert (again.path / "model.safetensors").read_bytes() == (whole.path / "model.safetensors").read_bytes()
    with pytest.raises(MismatchError, match="another pack plan"):
        half.origin.check(open_data(run).origin, half.path)


def test_mixture__steps_are_those_of_the_plan_and_no_more(run, mix_file, tiny):
    data = open_data(run, mix=str(mix_file))
    assert of_mix(tiny, data, steps_said=False).loop.steps == len(data.mix) // 8
    with pytest.raises(ConfigError, match="has rows for"):
        of_mix(replace(tiny, loop=replace(tiny.loop, steps=len(data.mix))), data, steps_said=True)
    with pytest.raises(InputError, match="ends after row"):
        MixSampler(data.train, 8, data.mix).take(DataState(next_row=len(data.mix) - 3))


def test_several_runs__are_one_corpus_whose_validation_is_clean(run, second):
    data = open_data(run, others=[second])
    assert data.train.sources == ["books", "chinese", "english"]
    assert len(data.validation.shards) == 4
    assert data.origin.others == (open_runs([second])[0].manifest_sha256,)
    held = {tuple(shard.document(d).tolist()) for shard in data.validation.shards for d in range(len(shard))}
    plan = data.train.plan
    read = {(int(s), int(d)) for s, d in zip(plan.shard, plan.doc, strict=True)}
    assert not held & {tuple(data.train.shards[s].document(d).tolist()) for s, d in read}
    assert open_data(second, others=[run]).mix.card["key"] == data.mix.card["key"], "the order of runs is nothing"


def test_leaks__equal_tokens_under_another_id_are_found_and_left_out(run, tmp_path):
    """The second run trains on a document that the first one holds out: the same shard, under other ids."""
    other = tmp_path / "copy"
    shutil.copytree(run, other)
    index = read_index(other / "tokens" / "index.json")
    swapped = {"train": index.splits["validation"], "validation": index.splits["train"]}
    write_index(other / "tokens" / "index.json", replace(index, splits=swapped))
    runs = open_runs([run, other])
    found = overlaps(runs)
    assert any(one["leak"] and one["of"].endswith("/train") and one["in"].endswith("/validation") for one in found)
    with pytest.raises(Exception, match="no document to train on"):
        Outlook.of(Material.of(runs), parse({}))
    assert not [one for one in overlaps(open_runs([run])) if one["leak"]]


def test_leaks__what_is_nearly_the_same_as_a_held_out_document_is_found_across_runs(run, second, tmp_path):
    """A run that trains on the held-out documents of another one, each with its last words left out, under new ids."""
    assert [one for one in overlaps(open_runs([run, second])) if one["near"]] == []
    other, encoder = tmp_path / "other", Encoder(run / "tokenizer")
    shutil.copytree(run / "tokenizer", other / "tokenizer")
    index = read_index(run / "tokens" / "index.json")
    held = [
        shard.document(d).tolist() for shard in Pool(open_runs([run]), "validation").shards for d in range(len(shard))
    ]
    texts = [("copies", "en", encoder.decode(ids[:-2])) for ids in held if len(ids) > 40]
    header = Header(index.tokenizer["sha256"], encoder.vocabulary, SPECIAL_IDS, "test")
    made = {"train": write_split(other / "tokens", "train", texts, encoder, header, LENGTH)}
    write_index(other / "tokens" / "index.json", Index(LENGTH, index.tokenizer, made))
    write_manifest(other, recipe_sha256="ghi")
    found = {(one["of"], one["in"]): one for one in overlaps(open_runs([run, other]))}
    leak = found["other/train", f"{run.name}/validation"]
    assert (leak["id"], leak["content"], leak["near"], leak["leak"]) == (0, 0, len(texts), True)
    assert found[f"{run.name}/validation", "other/train"]["near"] == len(texts) > 1


def test_open_mix__refuses_other_shards_other_tokenizers_and_damage(run, second, tmp_path, mix_file, run_dir):
    runs = open_runs([run])
    write_mix(tmp_path / "m", Material.of(runs), parse({"epochs": 2}))
    with pytest.raises(Exception, match="made for other shards"):
        open_mix(tmp_path / "m", open_runs([second]))
    with pytest.raises(Exception, match="different tokenizers"):
        open_runs([run, run_dir])
    with pytest.raises(Exception, match="named twice"):
        open_runs([run, run])
    path = tmp_path / "m" / ORDER
    raw = bytearray(path.read_bytes())
    raw[len(raw) // 2] ^= 1
    path.write_bytes(bytes(raw))
    with pytest.raises(Exception, match=r"damaged: order\.arrow"):
        open_mix(tmp_path / "m", runs)


def test_damage_that_one_rank_finds__is_told_to_all(run, tmp_path, monkeypatch):
    write_mix(tmp_path / "m", Material.of(open_runs([run])), parse({"epochs": 2}))
    path = tmp_path / "m" / ORDER
    path.write_bytes(path.read_bytes()[:-1] + b"?")
    told = []
    monkeypatch.setattr(world_module, "any_rank", lambda world, raised: told.append(raised) or raised)
    with pytest.raises(ConfigError, match=r"damaged: order\.arrow"):
        open_mixture([run], str(tmp_path / "m"), World(), verify=True)
    assert told == [False, True]


def test_write_mix__a_budget_beyond_the_caps_is_an_error_before_anything_is_written(run, tmp_path):
    material = Material.of(open_runs([run]))
    with pytest.raises(Exception, match="missing when nothing is read more than 4 times"):
        write_mix(tmp_path / "m", material, parse({"weights": {"english": 1, "chinese": 99}, "tokens": "1M"}))
    assert not (tmp_path / "m").exists()
    outlook = Outlook.of(material, parse({"tokens": "20k", "temperature": 1e9}))
    assert [group["share"] for group in outlook.facts()["groups"]] == pytest.approx([0.5, 0.5])


def test_mixture__an_id_outside_the_vocabulary_is_named(run, tmp_path):
    other = tmp_path / "small"
    shutil.copytree(run, other)
    path = other / "tokens" / "index.json"
    raw = json.loads(path.read_text())
    raw["tokenizer"]["vocabulary"] = 300
    path.write_text(json.dumps(raw))
    with pytest.raises(Exception, match="outside the vocabulary of 300"):
        Material.of(open_runs([other]))
