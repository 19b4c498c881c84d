"""What a policy wrote is read by recipes: the best as conversations, best and worst as pairs, with their origin."""

import json
from pathlib import Path

import pyarrow.dataset as ds
import pytest

from gristmill.pipelines.records.accounts import Accounts
from gristmill.pipelines.run.request import Request
from gristmill.tokenizer.chat.render import read_turns
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.dataset import TokenShards
from gristmill.tokenizer.special_ids import END, EOS
from gristmill.trainer.evaluate.sampling import PURE
from gristmill.trainer.rollouts.prompts import task_prompts
from gristmill.trainer.rollouts.rewards import give_rewards, open_reward
from gristmill.trainer.rollouts.rollout import Rollout
from gristmill.trainer.rollouts.search import search_in
from gristmill.trainer.rollouts.written import Source, write_rollouts
from tests.in_process import execute

RECIPE = """\
gristmill: 1
name: own
sources:
  own: {{paths: "{run}/rollouts/grpo/{kind}/*.jsonl", format: jsonl, {kind}: {{}}, id: id}}
decide: []
deduplicate: null
scrub: null
tokenizer: {{from: "{run}"}}
tokens: {{sequence_length: 256, validation: 10%}}
"""
ANSWERS = ["{right}", "{right} 7", "", "no"]


@pytest.fixture(scope="module")
def written(small_run, tmp_path_factory) -> Path:
    """A run with the rollouts of two steps: of each prompt a right answer, a near one, an empty and a wrong one."""
    folder = tmp_path_factory.mktemp("rollouts") / "run"
    folder.mkdir()
    (folder / "tokenizer").symlink_to(small_run / "tokenizer")
    encoder = Encoder(small_run / "tokenizer")
    for step, lang in ((1, "en"), (2, "zh")):
        rollouts = []
        for group, prompt in enumerate(task_prompts(encoder, "sort", step, 20, lang)):
            for sample, answer in enumerate(ANSWERS):
                ids = encoder.ids(answer.format(right=prompt.answer))
                rollouts.append(Rollout(prompt, group, sample, truncated=False))
                rollouts[-1].written([*ids, END], [-0.1] * (len(ids) + 1), None)
        give_rewards(rollouts, open_reward("task", encoder))
        write_rollouts(folder / "rollouts" / "grpo", rollouts, encoder, Source("ab" * 32, step, PURE))
    return folder


def run_of(written: Path, kind: str, out: Path) -> Path:
    recipe = out.with_suffix(".yaml")
    recipe.write_text(RECIPE.format(run=written, kind=kind), encoding="utf-8")
    execute(Request(recipe, out))
    return out


@pytest.mark.parametrize("kind", ["chat", "pairs"])
def test_rollouts__become_shards_of_their_kind(written, tmp_path, kind):
    run = run_of(written, kind, tmp_path / "run")
    accounts = Accounts.from_json(json.loads((run / "manifest.json").read_text())["accounts"])
    texts = ds.dataset(run / "text", format="arrow").to_table().to_pylist()
    encoder = Encoder(run / "tokenizer")
    assert encoder.sha256 == Encoder(written / "tokenizer").sha256
    assert len(texts) == 40, accounts
    for row in texts:
        meta = json.loads(row["meta"])
        assert (meta["generator"], meta["task"], meta["sampling"]["temperature"]) == ("ab" * 32, "sort", 1.0)
        assert meta["step"] in (1, 2)
    seen = 0
    for split in ("train", "validation"):
        shards = TokenShards(run / "tokens" / "index.json", split)
        assert shards.index.kind == kind
        for row in (row for shard in shards.shards for row in shard.batch.to_pylist()):
            cut = row.get("rejected") or len(row["tokens"])
            chosen, rejected = (read_turns(encoder, part) for part in (row["tokens"][:cut], row["tokens"][cut:]))
            asked, answer = chosen
            digits = asked.text.replace("：", " ").split()[1:]
            assert answer.text == " ".join(sorted(digits))
            assert row["tokens"][cut - 1] == EOS
            if kind == "pairs":
                assert [turn.text for turn in rejected] == [asked.text, "no"]
                assert row["margin"] == 1.0
            seen += 1
    assert seen == 40


def test_rollouts__all_samples_can_be_looked_at(written, tmp_path):
    head, _, _ = RECIPE.partition("tokenizer:")
    recipe = head.replace("{kind}/*", "samples/*") + "tokenizer: null\n"
    path = tmp_path / "recipe.yaml"
    path.write_text(recipe.format(run=written, kind="chat"), encoding="utf-8")
    execute(Request(path, tmp_path / "run"))
    texts = ds.dataset(tmp_path / "run" / "text", format="arrow").to_table().to_pylist()
    rewards = [json.loads(row["meta"])["reward"] for row in texts]
    assert len(rewards) == 120
    assert rewards.count(1.0) == 40
    dead = json.loads((tmp_path / "run" / "manifest.json").read_text())["accounts"]
    assert "EmptyTurn" in json.dumps(dead)


@pytest.mark.parametrize("words", ["old stone bridges", "磨坊主"])
def test_search__reads_the_texts_of_a_real_run(small_run, words):
    texts = ds.dataset(small_run / "text", format="arrow").to_table().to_pylist()
    text_of = {row["doc_id"]: " ".join(row["text"].split()) for row in texts}
    found = search_in(small_run)
    assert {doc_id for doc_id, _ in found.passages} == text_of.keys()
    best = found.ranked(words)[:3]
    assert best
    assert all(" ".join(passage.split()) in text_of[doc_id] for doc_id, passage in best)
