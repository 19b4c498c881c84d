import json
import math
from collections import Counter

import pytest

from gristmill.tokenizer.shards.dataset import TokenShards, token_counts, unigram_entropy
from gristmill.tokenizer.shards.format import Shard, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, read_index, write_index
from gristmill.tokenizer.shards.packing import pack

DOCUMENTS = [(f"{'ab'[n % 2]}{n}", [2, *range(400, 400 + n), 3]) for n in range(9)]


@pytest.fixture
def index_file(batch_of, header, tmp_path):
    """tokens/ as the pipeline writes it: two training shards, an empty validation split."""
    splits = {}
    for split, groups in (("train", [DOCUMENTS[:4], DOCUMENTS[4:]]), ("validation", [])):
        (tmp_path / split).mkdir()
        (tmp_path / "plan").mkdir(exist_ok=True)
        entries = []
        for number, group in enumerate(groups):
            path = f"{split}/{number}.arrow"
            entries.append(ShardEntry(path, **write_shard(tmp_path / path, [batch_of(group)]).__dict__))
        plan = pack([Shard(tmp_path / entry.path) for entry in entries], 8)
        plan.write(tmp_path / f"plan/{split}-8.arrow")
        figures = plan.figures
        splits[split] = SplitEntry(
            tuple(entries), f"plan/{split}-8.arrow", figures.rows, figures.tokens, figures.padding
        )
    path = tmp_path / "index.json"
    write_index(path, Index(8, {"sha256": header.tokenizer_sha256, "vocabulary": 60_000, "name": "词"}, splits))
    return path


def test_index__reads_what_was_written_with_stable_bytes(index_file):
    index, content = read_index(index_file), index_file.read_bytes()
    write_index(index_file, index)
    assert index_file.read_bytes() == content
    assert read_index(index_file) == index
    raw = json.loads(content)
    assert set(raw) == {"sequence_length", "tokenizer", "splits", "kind"}
    assert set(raw["splits"]["train"]["shards"][0]) >= {"path", "rows", "tokens", "bytes", "sha256"}


@pytest.mark.parametrize(("break_it", "message"), [
    (lambda raw: raw.pop("splits"), "splits"),
    (lambda raw: raw["splits"]["train"].pop("plan"), r"splits\.train.*plan"),
    (lambda raw: raw["splits"]["train"]["shards"][1].update(size=3), r"train\.shards\[1\].*size"),
])  # fmt: skip
def test_index__names_the_missing_or_unknown_key(index_file, break_it, message):
    raw = json.loads(index_file.read_text())
    break_it(raw)
    index_file.write_text(json.dumps(raw))
    with pytest.raises(ValueError, match=message):
        read_index(index_file)


def test_index__of_earlier_versions_is_of_texts_and_a_foreign_kind_is_refused(index_file):
    raw = json.loads(index_file.read_text())
    del raw["kind"]
    index_file.write_text(json.dumps(raw))
    assert read_index(index_file).kind == "text"
    index_file.write_text(json.dumps({**raw, "kind": "pairs"}))
    assert read_index(index_file).kind == "pairs"
    index_file.write_text(json.dumps({**raw, "kind": "pictures"}))
    with pytest.raises(ValueError, match="none of text, chat, pairs, prompts"):
        read_index(index_file)


def test_token_shards__give_every_token_through_the_plan(index_file):
    split = TokenShards(index_file, "train")
    split.verify()
    seen = Counter()
    for a, b, c, n in zip(split.plan.shard, split.plan.doc, split.plan.start, split.plan.length, strict=True):
        seen.update(split.shards[a].document(int(b))[c : c + n].tolist())
    assert seen == Counter(number for _, ids in DOCUMENTS for number in ids)
    assert split.sources == ["a", "b"]
    assert split.sequence_length == 8 == split.plan.figures.sequence_length


def test_token_shards__an_empty_split_opens(index_file):
    split = TokenShards(index_file, "validation")
    split.verify()
    assert split.shards == []
    assert len(split.plan) == 0
    assert split.plan.figures.padding == 0
    assert unigram_entropy(split.shards) == (0, 0)


def test_token_shards__name_an_unknown_split_a_foreign_tokenizer_and_a_changed_shard(index_file, batch_of):
    with pytest.raises(ValueError, match="no split 'test', only train, validation"):
        TokenShards(index_file, "test")
    write_shard(index_file.parent / "train/1.arrow", [batch_of(DOCUMENTS[5:])])
    with pytest.raises(ValueError, match=r"1\.arrow: sha256 differs"):
        TokenShards(index_file, "train").verify()
    index_file.write_text(index_file.read_text().replace("a" * 64, "b" * 64))
    with pytest.raises(ValueError, match="another tokenizer"):
        TokenShards(index_file, "train")


def test_unigram_entropy__equals_the_sum_by_hand(index_file):
    shards = TokenShards(index_file, "train").shards
    tokens = [number for _, ids in DOCUMENTS for number in ids if number != 2]
    counts = Counter(tokens)
    nats = -sum(math.log(counts[number] / len(tokens)) for number in tokens)
    text_bytes = sum(3 * len(ids) for _, ids in DOCUMENTS)
    assert unigram_entropy(shards) == pytest.approx((nats / len(tokens), nats / math.log(2) / text_bytes))
    assert token_counts(shards)[2] == len(DOCUMENTS)
    assert token_counts(shards).sum() == len(tokens) + len(DOCUMENTS)


def test_unigram_entropy__a_fair_coin_is_one_bit(make_shards):
    shards = make_shards([("a", [5, 6] * 30), ("b", [6, 5])])
    nats, bits_per_byte = unigram_entropy(shards)
    assert nats == pytest.approx(math.log(2))
    assert bits_per_byte == pytest.approx(1 / 3)
