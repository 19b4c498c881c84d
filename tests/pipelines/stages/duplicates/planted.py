"""Documents with planted duplicates, the stage that finds them on FnApiRunner, and the truth in plain Python sets."""

import random
from collections import Counter, defaultdict
from collections.abc import Iterator
from dataclasses import dataclass
from functools import cache, cached_property
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner

from gristmill.filters.dedup.fingerprint_file import (
    fingerprint_batch,
    fingerprint_schema,
    with_urls,
)
from gristmill.filters.dedup.fingerprints import OWN_BIT, describe, doc_ids, fingerprint, normalised, rank, shingles
from gristmill.filters.dedup.urls import describe_urls, url_keys
from gristmill.pipelines.duplicates.pairs import NEAR
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from gristmill.pipelines.stages.duplicates.find import FindDuplicates, members_of
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block

SURE = MinHash(bands=64, rows=2, threshold=0.7)
"""Finds a pair of similarity 0.7 with probability 1 - 2e-19: nothing is left to chance."""

HAN = [chr(c) for c in range(0x4E00, 0x4E00 + 3000)]


@dataclass(frozen=True)
class Doc:
    text: str
    id: str
    kept: bool = True
    priority: int = 0
    rank: int | None = None
    url: str | None = None
    order: int = 0

    @cached_property
    def doc_id(self) -> str:
        return doc_ids("test", [self.id], [self.text.encode()])[0]


@dataclass(frozen=True)
class Found:
    """What happened to one member of a cluster."""

    doc_id: str
    winner: str | None
    cluster: str
    similarity: float
    kind: int = NEAR

    @property
    def dropped(self) -> bool:
        return self.winner is not None


def with_addresses(batch: pa.RecordBatch, docs: list[Doc], wanted: bool) -> pa.RecordBatch:
    if not wanted:
        return batch
    key = url_keys(pa.array([doc.url for doc in docs], pa.string()))
    return with_urls(batch, key, np.array([doc.order for doc in docs], np.uint64), describe_urls(True))


def write_unit(path: Path, docs: list[Doc], minhash: MinHash | None, batch_rows: int, urls: bool = False) -> str:
    schema = fingerprint_schema(minhash.bands if minhash else 0, describe(minhash))
    empty = with_addresses(pa.RecordBatch.from_pylist([], schema), [], urls)
    with pa.ipc.new_file(path, empty.schema) as writer:
        for first in range(0, len(docs), batch_rows):
            some = docs[first : first + batch_rows]
            ids = [doc.doc_id for doc in some]
            lengths = np.array([len(doc.text.encode()) for doc in some])
            ranks = rank(np.array([d.kept for d in some]), np.array([d.priority for d in some]), None, lengths, ids)
            ranks = np.array(
                [r if d.rank is None else OWN_BIT | np.uint64(d.rank) for r, d in zip(ranks, some, strict=True)],
                np.uint64,
            )
            prints = fingerprint(pa.array([doc.text for doc in some], pa.large_string()), minhash)
            rows = np.arange(first, first + len(some), dtype=np.uint32) * 2  # dead letters leave gaps
            writer.write_batch(with_addresses(fingerprint_batch(rows, ids, ranks, prints), some, urls))
    return str(path)


class Save(beam.DoFn):
    def __init__(self, folder: Path):
        self.folder = folder

    def process(self, block: Block) -> Iterator[int]:
        (self.folder / f"{block[0]}-{uuid4().hex}").write_bytes(block[1])
        yield block[0]


def find_members(
    units: dict[int, list[Doc]], folder: Path, options: Deduplicate, per=20, batch_rows=1000, indexed=()
) -> tuple[dict[int, str], dict[int, np.ndarray]]:
    """(path of the fingerprints, MEMBER rows) by unit."""
    folder = folder / uuid4().hex
    (folder / "out").mkdir(parents=True)
    told = options.minhash, batch_rows, options.urls is not None
    paths = [(unit, write_unit(folder / f"{unit}.arrow", docs, *told), len(docs)) for unit, docs in units.items()]
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    source = pipeline | beam.Create(paths).with_output_types(File)
    _ = source | FindDuplicates(options, per, indexed) | "Save" >> beam.ParDo(Save(folder / "out"))
    pipeline.run().wait_until_finish()
    blocks = defaultdict(list)
    for file in (folder / "out").iterdir():
        blocks[int(file.name.split("-")[0])].append(file.read_bytes())
    return {unit: path for unit, path, _ in paths}, {unit: members_of(values) for unit, values in blocks.items()}


def find(units: dict[int, list[Doc]], folder: Path, options: Deduplicate, per=20, batch_rows=1000) -> list[Found]:
    """Members of clusters, sorted; units in the order of the dictionary."""
    found = []
    for unit, members in find_members(units, folder, options, per, batch_rows)[1].items():
        for member in members:
            doc_id = units[unit][member["row"] // 2].doc_id
            winner = bytes(member["winner"]).hex() if member["dropped"] else None
            assert member["dropped"] or not member["winner"].any()
            similarity = -1.0 if np.isnan(member["similarity"]) else float(member["similarity"])
            found.append(Found(doc_id, winner, bytes(member["cluster"]).hex(), similarity, int(member["kind"])))
    return sorted(found, key=lambda f: (f.doc_id, f.winner or "", f.cluster, f.similarity))


@cache
def shingle_set(text: str) -> frozenset[bytes]:
    return frozenset(shingles(text))


def similarity(a: str, b: str) -> float:
    one, other = shingle_set(a), shingle_set(b)
    return len(one & other) / len(one | other) if one and other else 0.0


def alike(a: Doc, b: Doc, threshold: float) -> bool:
    return normalised(a.text) == normalised(b.text) or similarity(a.text, b.text) >= threshold


def write_words(rng: random.Random, script: str, n: int) -> list[str]:
    return (
        rng.choices(HAN, k=n) if script == "zh" else [f"{rng.choice('bdfgk')}{rng.randrange(5000):x}" for _ in range(n)]
    )


def edited(rng: random.Random, script: str, words: list[str], rate: float) -> list[str]:
    return [write_words(rng, script, 1)[0] if rng.random() < rate else word for word in words]


def join(script: str, words: list[str]) -> str:
    return ("" if script == "zh" else " ").join(words)


def corpus(seed: int, groups: int, words: int = 60) -> list[Doc]:
    """Small clusters of edited copies, English and Chinese, with copies in other case, some dropped by rules."""
    rng, docs = random.Random(seed), []
    for group in range(groups):
        script = ("en", "zh")[group % 2]
        original = write_words(rng, script, words)
        for copy in range(rng.randint(1, 5)):
            text = join(script, edited(rng, script, original, rng.choice([0, 0.01, 0.03, 0.06])))
            text = f" {text.upper()} \n" if rng.random() < 0.2 else text
            docs.append(Doc(text, f"{group}.{copy}", rng.random() < 0.8, rng.choice([0, 0, 5])))
    rng.shuffle(docs)
    return docs


def cut(docs: list[Doc], *sizes: int) -> dict[int, list[Doc]]:
    units, at = {}, 0
    for unit, size in enumerate(sizes):
        units[unit], at = docs[at : at + size], at + size
    units[len(sizes)] = docs[at:]
    return units


def ranked(docs: list[Doc]) -> list[Doc]:
    def key(doc: Doc) -> tuple:
        return (not doc.kept, -doc.priority, -len(doc.text.encode()), doc.doc_id)

    return sorted(docs, key=key)


def truth(docs: list[Doc], threshold: float) -> dict[str, tuple[str | None, str]]:
    """doc_id -> (winner, cluster) by comparing everything with everything, in rank order."""
    order = ranked(docs)
    better = [[j for j in range(i) if alike(order[i], order[j], threshold)] for i in range(len(order))]
    winner: list[int | None] = []
    for rivals in better:
        winner.append(next((j for j in rivals if winner[j] is None), None))
    cluster = list(range(len(order)))
    for _ in order:  # labels spread one edge a round
        for i, rivals in enumerate(better):
            for j in rivals:
                cluster[i] = cluster[j] = min(cluster[i], cluster[j])
    sizes, ids = Counter(cluster), [doc.doc_id for doc in order]
    return {
        ids[i]: (None if winner[i] is None else ids[winner[i]], ids[cluster[i]])
        for i in range(len(order))
        if sizes[cluster[i]] > 1
    }
