"""The token shards: splits, pack plan, and tokens by language and source."""

from contextlib import ExitStack
from dataclasses import dataclass, field
from typing import TYPE_CHECKING

from gristmill.pipelines.report.figures import share
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.conversations import ConversationCounts
from gristmill.tokenizer.shards.index import read_index

if TYPE_CHECKING:
    from gristmill.tokenizer.shards.format import Shard

TRAIN = "train"
GROUPS = 12
"""Named; the others are one row, so that the rows add up."""

ENTROPY_TOKENS = 50_000_000
"""The unigram baseline is computed over the first shards that hold so many training tokens."""

TOKENS_QUERY = """\
-- In Python, since DuckDB alone does not open Arrow files:
--   import duckdb, glob, pyarrow.dataset
--   shards = pyarrow.dataset.dataset(sorted(glob.glob("tokens/[tv]*/*.arrow")), format="arrow")
--   duckdb.sql(...)
SELECT lang, source, count(*) AS documents, sum(bytes) AS bytes, sum(len(tokens)) AS tokens
FROM shards GROUP BY ALL ORDER BY tokens DESC"""


@dataclass(frozen=True)
class TokenGroup:
    """Tokens of a language or source in the shards of all splits; `held_out` of them are for validation and test."""

    name: str
    documents: int
    bytes: int
    tokens: int
    held_out: int
    bytes_per_token: float | None


@dataclass(frozen=True)
class Split:
    """A split of the token dataset and its pack plan. Padding is a share of all positions, and counts as no token."""

    name: str
    shards: int
    documents: int
    tokens: int
    rows: int
    padding: float


@dataclass(frozen=True)
class Tokens:
    """The token shards. `tokens` of all splits, `held_out` of them for validation and test: so do the groups add up."""

    sequence_length: int
    documents: int
    tokens: int
    held_out: int
    splits: list[Split]
    languages: list[TokenGroup]
    sources: list[TokenGroup]
    query: str


@dataclass
class Counts:
    """By language and by source: documents, bytes and tokens of all shards, and how many tokens are held out.

    `unigram`: nats per token and bits per byte of a model that knows only how frequent the training tokens are; None
    without shards.
    """

    languages: dict[str, list[int]] = field(default_factory=dict)
    sources: dict[str, list[int]] = field(default_factory=dict)
    unigram: tuple[float, float] | None = None
    kind: str = "text"
    conversations: ConversationCounts = field(default_factory=ConversationCounts)

    def tokens(self, groups: dict[str, list[int]]) -> dict[str, int]:
        """Tokens by name of a group."""
        return {name: tokens for name, (_, _, tokens, _) in groups.items()}


def count_tokens(material: Material) -> Counts:
    """Lengths come from the list offsets of the mapped shards; token values are read for the unigram entropy only.

    Shards on an object store are copied one after the other; those that the entropy is computed over stay until then.
    """
    from gristmill.tokenizer.shards.dataset import unigram_entropy
    from gristmill.tokenizer.shards.format import Shard

    counts = Counts()
    index_file = material.run / "tokens" / "index.json"
    if not index_file.exists():
        return counts
    index = read_index(index_file)
    splits, counts.kind = index.splits, index.kind
    first: list[Shard] = []
    with ExitStack() as kept:
        for split, entry in ((name, entry) for name, one in splits.items() for entry in one.shards):
            wanted = split == TRAIN and sum(len(other.tokens) for other in first) < ENTROPY_TOKENS
            with ExitStack() as passing:
                file = (kept if wanted else passing).enter_context(material.store.on_disk(f"tokens/{entry.path}"))
                shard = Shard(file)
                _add(counts.languages, shard, "lang", split)
                _add(counts.sources, shard, "source", split)
                if counts.kind != "text":
                    counts.conversations.add(shard)
            if wanted:
                first.append(shard)
        if first and counts.kind == "text":
            counts.unigram = unigram_entropy(first)
    return counts


def _add(groups: dict[str, list[int]], shard: "Shard", column: str, split: str) -> None:
    names = shard.column(column).fill_null("unknown").dictionary_encode()
    code_D, bytes_D = names.indices.to_numpy(), shard.column("bytes").to_numpy()
    for code, name in enumerate(names.dictionary.to_pylist()):
        mine_D = code_D == code
        tokens = int(shard.lengths[mine_D].sum())
        row = groups.setdefault(name, [0, 0, 0, 0])
        values = (int(mine_D.sum()), int(bytes_D[mine_D].sum()), tokens, 0 if split == TRAIN else tokens)
        for place, value in enumerate(values):
            row[place] += value


def build_tokens(material: Material, counts: Counts) -> Tokens | None:
    """Splits, pack plan and tokens by language and source; None where no shards were written."""
    index_file = material.run / "tokens" / "index.json"
    if not index_file.exists():
        return None
    index = read_index(index_file)
    splits = [
        Split(
            name=name,
            shards=len(split.shards),
            documents=sum(shard.rows for shard in split.shards),
            tokens=split.tokens,
            rows=split.rows,
            padding=split.padding,
        )
        for name, split in sorted(index.splits.items(), key=lambda item: (-item[1].tokens, item[0]))
    ]
    return Tokens(
        sequence_length=index.sequence_length,
        documents=sum(split.documents for split in splits),
        tokens=sum(split.tokens for split in splits),
        held_out=sum(split.tokens for split in splits if split.name != TRAIN),
        splits=splits,
        languages=_groups(material, counts.languages),
        sources=_groups(material, counts.sources),
        query=TOKENS_QUERY,
    )


def _groups(material: Material, groups: dict[str, list[int]]) -> list[TokenGroup]:
    ordered = sorted(groups.items(), key=lambda item: (-item[1][2], item[0]))
    shown = [(material.excerpts.name(name), row) for name, row in ordered[:GROUPS]]
    if others := [row for _, row in ordered[GROUPS:]]:
        shown.append((f"{len(others):,} others", [sum(values) for values in zip(*others, strict=True)]))
    return [
        TokenGroup(name, documents, size, tokens, held_out, share(size, tokens))
        for name, (documents, size, tokens, held_out) in shown
    ]
