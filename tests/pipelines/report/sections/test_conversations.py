"""What the report says of conversations is what stands in the shards, counted one by one."""

from pathlib import Path

import numpy as np
import pytest

from gristmill.pipelines.report.sections.conversations import ConversationCounts
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.special_ids import ASSISTANT, BOS, END, EOS, SPECIAL_IDS, SYSTEM, USER

TEXT = [900, 901, 902]


def turn(role: int, tokens: int) -> list[int]:
    return [role, *(TEXT * tokens)[:tokens], END]


@pytest.fixture
def shard_of(tmp_path: Path):
    def make(documents: list[list[int]], masks: list[list[int]] | None, **columns) -> Shard:
        offsets = np.cumsum([0, *map(len, documents)]).astype(np.int64)
        names = [f"d{n}" for n in range(len(documents))]
        values = dict.fromkeys(("doc_id", "source", "lang", "cluster"), names) | {"bytes": [1] * len(names)}
        values |= {"loss_mask": np.concatenate(masks)} if masks else {}
        header = Header("a" * 64, 1000, SPECIAL_IDS, "step")
        batch = token_batch(np.concatenate(documents), offsets, values | columns, header)
        write_shard(tmp_path / "s.arrow", [batch])
        return Shard(tmp_path / "s.arrow")

    return make


def learnt(ids: list[int], *spans: tuple[int, int]) -> list[int]:
    mask = np.zeros(len(ids), np.uint8)
    for begin, end in spans:
        mask[begin:end] = 1
    return mask.tolist()


def test_chat__turns_tokens_cut_and_texts_beside(shard_of):
    whole = [BOS, *turn(SYSTEM, 2), *turn(USER, 3), *turn(ASSISTANT, 4), EOS]
    cut = [BOS, *turn(USER, 1), *turn(ASSISTANT, 2)]
    text = [BOS, *TEXT, EOS]
    masks = [learnt(whole, (11, 16)), learnt(cut, (5, 8)), learnt(text, (1, 5))]
    counts = ConversationCounts()
    counts.add(shard_of([whole, cut, text], masks))
    assert (counts.documents, counts.tokens, counts.learnt, counts.cut) == (2, len(whole) + len(cut), 8, 1)
    assert counts.turns == {"system": 1, "user": 2, "assistant": 2, "tool": 0}
    assert counts.told == {"system": 2, "user": 4, "assistant": 6, "tool": 0}


def test_pairs__lengths_of_the_answers_and_margins(shard_of):
    def side(tokens: int) -> list[int]:
        return [BOS, *turn(USER, 1), *turn(ASSISTANT, tokens), EOS]

    pairs = [side(3) + side(1), side(2) + side(5)]
    masks = [learnt(pairs[0], (5, 9), (15, 17)), learnt(pairs[1], (5, 8), (14, 20))]
    counts = ConversationCounts()
    counts.add(shard_of(pairs, masks, rejected=[len(side(3)), len(side(2))], margin=[2.5, 0]))
    assert counts.pairs.tolist() == [7, 8, 1, 2.5, 1]
    assert counts.turns["assistant"] == 4


def test_prompts__the_turn_that_is_asked_for_is_none(shard_of):
    prompts = [[BOS, *turn(USER, 3), ASSISTANT], [BOS, *turn(USER, 1), *turn(ASSISTANT, 2), *turn(USER, 1), ASSISTANT]]
    counts = ConversationCounts()
    counts.add(shard_of(prompts, None, task=["sort", "加"], answer=["1", "2"]))
    assert counts.turns == {"system": 0, "user": 3, "assistant": 1, "tool": 0}
    assert counts.told["assistant"] == 2
    assert counts.tasks == {"sort": 1, "加": 1}
