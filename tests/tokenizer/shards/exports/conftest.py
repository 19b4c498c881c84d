"""A small set of token shards as a run holds it, in two widths of ids."""

import itertools
import random
from collections.abc import Callable
from dataclasses import asdict, dataclass, replace
from pathlib import Path

import pytest

from gristmill.tokenizer.shards.dataset import TokenShards
from gristmill.tokenizer.shards.exports.asked import DOCUMENTS, ROWS, Asked, Counted
from gristmill.tokenizer.shards.exports.contents import documents_of, rows_of
from gristmill.tokenizer.shards.format import Header, Shard, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.special_ids import SPECIAL_IDS

LENGTH = 64
VOCABULARIES = {"uint16": 60_000, "uint32": 150_000}


@dataclass
class Made:
    """Token shards in a folder, and what is in them."""

    index: Path
    vocabulary: int
    documents: dict[str, list[tuple[str, list[int]]]]
    tokenizer: Path

    def asked(self, content: str = DOCUMENTS, **more) -> Asked:
        of = {DOCUMENTS: documents_of, ROWS: rows_of}[content]
        splits = [of(TokenShards(self.index, name), name) for name in self.documents]
        counted = [Counted("train", "w|b", "en", 3, 50), Counted("validation", "z", "und", 1, 9)]
        asked = Asked("mill", content, splits, "text", self.vocabulary, SPECIAL_IDS, counted, [self.tokenizer])
        return replace(asked, **more)

    def tokens(self, split: str) -> list[int]:
        return [number for _, ids in self.documents[split] for number in ids]


def _write(folder: Path, vocabulary: int, batch_of: Callable) -> Made:
    draw = random.Random(vocabulary)
    some = lambda count: draw.choices(range(371, vocabulary), k=count)  # noqa: E731
    header = Header("a" * 64, vocabulary, SPECIAL_IDS, "step")
    splits, documents = {}, {}
    for split, cuts in (("train", [0, 20, 21, 50]), ("validation", [0, 7])):
        found = [(f"{draw.choice(['en', 'zh'])}{n:030d}", [2, *some(draw.randint(1, 200)), 3])
                 for n in range(cuts[-1])]  # fmt: skip
        found[0] = (found[0][0], [2, vocabulary - 1, 3])
        entries, shards = [], []
        for begin, end in itertools.pairwise(cuts):
            path = folder / split / f"{begin}.arrow"
            path.parent.mkdir(parents=True, exist_ok=True)
            written = write_shard(path, [batch_of(found[begin:end], header)])
            entries.append(ShardEntry(f"{split}/{begin}.arrow", **asdict(written)))
            shards.append(Shard(path))
        plan = pack(shards, LENGTH)
        plan.write(folder / f"{split}-plan.arrow")
        figures = plan.figures
        splits[split] = SplitEntry(tuple(entries), f"{split}-plan.arrow", figures.rows, figures.tokens, figures.padding)
        documents[split] = found
    tokenizer = folder / "tokenizer.model"
    tokenizer.write_bytes(b"a model")
    about = {"sha256": "a" * 64, "vocabulary": vocabulary, "special_ids": SPECIAL_IDS}
    write_index(folder / "index.json", Index(LENGTH, about, splits))
    return Made(folder / "index.json", vocabulary, documents, tokenizer)


@pytest.fixture(scope="session")
def made(batch_of, tmp_path_factory) -> dict[str, Made]:
    """Type of the ids -> shards."""
    return {name: _write(tmp_path_factory.mktemp(name), size, batch_of) for name, size in VOCABULARIES.items()}


@pytest.fixture(params=list(VOCABULARIES))
def each(request, made) -> Made:
    return made[request.param]


@pytest.fixture(scope="session")
def rows_by_hand() -> Callable[[Made, str], list[list[int]]]:
    """The rows of the pack plan, token by token."""

    def rows(made: Made, split: str) -> list[list[int]]:
        shards = TokenShards(made.index, split)
        plan, found = shards.plan, [[] for _ in range(len(shards.plan))]
        for n in range(len(plan.row)):
            ids = shards.shards[plan.shard[n]].document(int(plan.doc[n]))
            found[plan.row[n]] += ids[plan.start[n] : plan.start[n] + plan.length[n]].tolist()
        return found

    return rows
