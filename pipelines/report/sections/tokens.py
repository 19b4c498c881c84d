"""The token shards: splits, pack plan, and tokens by language and source."""

from contextlib import ExitStack
from dataclasses import dataclass, field

from pipelines.report.blocks import Split, TokenGroup, Tokens
from pipelines.report.figures import share
from pipelines.report.material import Material
from tokenizer.shards.dataset import unigram_entropy
from tokenizer.shards.format import Shard
from tokenizer.shards.index import read_index

GROUPS = 12

ENTROPY_TOKENS = 50_000_000
"""The unigram baseline is computed over the first shards that hold so many training tokens."""

TOKENS_QUERY = """\
-- In Python, since DuckDB alone does not open Arrow files:
--   import duckdb, pyarrow.dataset
--   shards = pyarrow.dataset.dataset("tokens/train", format="arrow")
--   duckdb.sql(...)
SELECT lang, source, count(*) AS documents, sum(bytes) AS bytes, sum(len(tokens)) AS tokens
FROM shards GROUP BY ALL ORDER BY tokens DESC"""


@dataclass
class Counts:
    """Documents, bytes and tokens of the training shards, by language and by source.

    `unigram`: nats per token and bits per byte of a model that knows only how frequent tokens are; None without shards.
    """

    languages: dict[str, list[int]] = field(default_factory=dict)
    sources: dict[str, list[int]] = field(default_factory=dict)
    unigram: tuple[float, float] | None = None

    def tokens(self, groups: dict[str, list[int]]) -> dict[str, int]:
        """Tokens by name of a group."""
        return {name: tokens for name, (_, _, tokens) in groups.items()}


def count_tokens(material: Material) -> Counts:
    """Lengths come from the list offsets of the mapped shards; token values are read for the unigram entropy only.

    Shards on an object store are copied one after the other; those that the entropy is computed over stay until then.
    """
    counts = Counts()
    index_file = material.run / "tokens" / "index.json"
    if not index_file.exists():
        return counts
    train = read_index(index_file).splits.get("train")
    first: list[Shard] = []
    with ExitStack() as kept:
        for entry in train.shards if train else ():
            wanted = sum(len(other.tokens) for other in first) < ENTROPY_TOKENS
            with ExitStack() as passing:
                file = (kept if wanted else passing).enter_context(material.store.on_disk(f"tokens/{entry.path}"))
                shard = Shard(file)
                _add(counts.languages, shard, "lang")
                _add(counts.sources, shard, "source")
            if wanted:
                first.append(shard)
        if first:
            counts.unigram = unigram_entropy(first)
    return counts


def _add(groups: dict[str, list[int]], shard: Shard, column: str) -> None:
    names = shard.column(column).fill_null("unknown").dictionary_encode()
    code_D, bytes_D = names.indices.to_numpy(), shard.column("bytes").to_numpy()
    for code, name in enumerate(names.dictionary.to_pylist()):
        mine_D = code_D == code
        row = groups.setdefault(name, [0, 0, 0])
        for place, value in enumerate((mine_D.sum(), bytes_D[mine_D].sum(), shard.lengths[mine_D].sum())):
            row[place] += int(value)


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
        splits=splits,
        languages=_groups(material, counts.languages),
        sources=_groups(material, counts.sources),
        query=TOKENS_QUERY,
    )


def _groups(material: Material, groups: dict[str, list[int]]) -> list[TokenGroup]:
    largest = sorted(groups.items(), key=lambda item: (-item[1][2], item[0]))[:GROUPS]
    return [
        TokenGroup(material.excerpts.name(name), documents, size, tokens, share(size, tokens))
        for name, (documents, size, tokens) in largest
    ]
