"""Small shards with known documents, and texts in English and Chinese."""

import random
from collections.abc import Callable, Sequence
from itertools import pairwise
from pathlib import Path

import numpy as np
import pytest

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.special_ids import SPECIAL_IDS
from gristmill.tokenizer.train import TokenizerOptions, train

Document = tuple[str, Sequence[int]]


@pytest.fixture(scope="session")
def header() -> Header:
    return Header("a" * 64, 60_000, SPECIAL_IDS, "step")


@pytest.fixture(scope="session")
def batch_of(header) -> Callable:
    """Documents (doc_id, ids) -> a record batch; the source is doc_id's first letter, bytes are 3 per token."""

    def build(documents: Sequence[Document], header=header, **more):
        tokens = np.array([number for _, ids in documents for number in ids], np.int64)
        offsets = np.cumsum([0] + [len(ids) for _, ids in documents]).astype(np.int64)
        names = [name for name, _ in documents]
        columns = {
            "doc_id": names,
            "source": [name[:1] for name in names],
            "lang": ["zh" if name.startswith("zh") else "en" for name in names],
            "cluster": names,
            "bytes": [3 * len(ids) for _, ids in documents],
        }
        return token_batch(tokens, offsets, columns | more, header)

    return build


@pytest.fixture(scope="session")
def make_shards(batch_of, tmp_path_factory) -> Callable:
    """Documents, cut at the given places -> opened shards."""

    def build(documents: Sequence[Document], cuts: Sequence[int] = ()) -> list[Shard]:
        folder: Path = tmp_path_factory.mktemp("shards")
        edges = [0, *cuts, len(documents)]
        paths = [folder / f"{number}.arrow" for number in range(len(edges) - 1)]
        for path, (begin, end) in zip(paths, pairwise(edges), strict=True):
            write_shard(path, [batch_of(documents[begin:end])])
        return [Shard(path) for path in paths]

    return build


ENGLISH = [
    "The mill by the river grinds wheat, rye and barley from early spring until late autumn.",
    "When the water is low, the miller opens the second gate and waits; nothing else can be done.",
    "Flour is sifted three times: coarse, medium and fine.",
    "In 1847 the wooden wheel was replaced by an iron one, 6.25 metres wide.",
    "def grind(grain, stones=2):\n\treturn [part for part in grain if part.size > stones]",
    '"Who sold you this sack?" asked the baker. "It\'s half empty!"',
    "    Records are kept in a ledger, and every sack that was sent back is entered with the reason.",
]
CHINESE = [
    "河边的磨坊从早春到深秋都在磨小麦、黑麦和大麦。",
    "水位低的时候，磨坊主打开第二道闸门，然后等待；别的什么也做不了。",
    "面粉要筛三遍：粗筛、中筛、细筛。",
    "1847年，木制水轮换成了铁制水轮，宽６．２５米。",
    "“这袋面是谁卖给你的？”面包师问，“里面只有一半！”",
    "每一袋被退回的面粉都记在账簿里，并写明退回的原因。",
]


@pytest.fixture(scope="session")
def texts() -> list[str]:
    """300 documents in English, Chinese and both, of 2 to 9 sentences."""
    draw = random.Random(5)
    pools = (ENGLISH, CHINESE, ENGLISH + CHINESE)
    return [draw.choice(" \n").join(draw.choices(pools[n % 3], k=draw.randint(2, 9))) for n in range(300)]


@pytest.fixture(scope="session", params=["bpe", "unigram"])
def encoder(request, texts, tmp_path_factory) -> Encoder:
    """A small tokenizer of each kind."""
    folder = tmp_path_factory.mktemp(request.param)
    train(texts, TokenizerOptions(request.param, 580), folder)
    return Encoder(folder)
