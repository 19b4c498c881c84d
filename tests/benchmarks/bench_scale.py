"""Deduplication at hostile scale: synthetic fingerprints, no text, with one huge family and one long chain.

    python tests/benchmarks/bench_scale.py DOCUMENTS[/OF] [FOLDER]

FOLDER (default: a temporary one) takes 280 bytes a document of fingerprints and, while it runs, 100 to 1,400 more of
what is shuffled. Of the documents most are alone, one family of a million (at most a quarter of all) share eleven
twelfths of their shingles with everybody else in it, and a chain of 100,000 (at most a twentieth) are similar to their
neighbours only. With OF, family and chain have the shares that they have of so many documents: 1000000/100000000 is
what a million documents of a corpus cost that no disk here holds. The project's own stage finds the duplicates, with
one worker of the local runner, for two cuts of the documents into units, in another order and into another number of
partitions. Prints CPU time a document, the largest process, what was shuffled, and fails where the two outcomes differ
or are not what was planted.
"""

import json
import math
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch
from gristmill.filters.dedup.fingerprints import OWN_BIT, Fingerprints, describe, permutations, unpack_ids
from gristmill.filters.kernels.dedup.minhash import band_keys, sign
from gristmill.pipelines.recipe.schema import Deduplicate, MinHash
from gristmill.pipelines.recipe.sources import PARTITION_DOCUMENTS
from gristmill.pipelines.records.rows import mixed
from gristmill.pipelines.runners.local.runner import LocalRunner
from gristmill.pipelines.stages.duplicates.find import FindDuplicates, members_of
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block

MINHASH = MinHash()
OPTIONS = Deduplicate(minhash=MINHASH)
SHINGLES = 24
OWN = 2
"""Shingles of a member of the family that no other one has: 22 / 26, a similarity of 0.85."""
STEP = 2
"""Shingles by which a link of the chain differs from the one before: 0.85 to it, 0.71 to the next, then 0.6."""
FAMILY, CHAIN = 1_000_000, 100_000
BATCH_ROWS = 8192


@dataclass(frozen=True)
class Corpus:
    """Documents by number: the family first, then the chain, then those that are alone."""

    documents: int
    of: int
    """The shares of family and chain are those of a corpus of so many."""

    @classmethod
    def parse(cls, text: str) -> "Corpus":
        """DOCUMENTS or DOCUMENTS/OF."""
        documents, _, of = text.partition("/")
        return cls(int(documents), int(of or documents))

    @property
    def family(self) -> int:
        """How many documents are alike."""
        return min(FAMILY, self.of // 4) * self.documents // self.of

    @property
    def chain(self) -> int:
        """How many are similar to their neighbours."""
        return min(CHAIN, self.of // 20) * self.documents // self.of

    def shingles(self, number_D: np.ndarray) -> np.ndarray:
        """uint32[D, SHINGLES]: sorted hashes of documents (int64[D])."""
        at_K = np.arange(SHINGLES, dtype=np.uint64)
        number_D1 = number_D.astype(np.uint64)[:, None]
        tag_DK = (np.uint64(3) << np.uint64(60)) | (number_D1 << np.uint64(8)) | at_K
        family_D1, chain_D1 = number_D1 < self.family, number_D1 < self.family + self.chain
        link_DK = (np.uint64(2) << np.uint64(60)) | (number_D1 * np.uint64(STEP) + at_K)
        tag_DK = np.where(chain_D1, link_DK, tag_DK)
        shared_DK = np.where(at_K < SHINGLES - OWN, at_K | (np.uint64(1) << np.uint64(60)), tag_DK)
        own_DK = np.where(
            at_K < SHINGLES - OWN, shared_DK, (np.uint64(4) << np.uint64(59)) | (number_D1 << np.uint64(8)) | at_K
        )
        tag_DK = np.where(family_D1, own_DK, tag_DK)
        return np.sort((mixed(tag_DK.ravel()) >> np.uint64(32)).astype(np.uint32).reshape(tag_DK.shape), axis=1)

    def batch(self, number_D: np.ndarray, row_D: np.ndarray) -> pa.RecordBatch:
        """Fingerprints as stage A writes them; ids, ranks and exact hashes follow from the number."""
        shingle_DK = self.shingles(number_D)
        start_D1 = np.arange(0, shingle_DK.size + 1, SHINGLES)
        signature_DP = np.empty((len(number_D), MINHASH.bands * MINHASH.rows), np.uint32)
        sign(shingle_DK.ravel(), start_D1, *permutations(MINHASH.seed, signature_DP.shape[1]), signature_DP)
        band_DN = np.empty((len(number_D), MINHASH.bands), np.uint64)
        band_keys(signature_DP, MINHASH.rows, band_DN)
        exact_D2 = np.stack([_hash(number_D, 1), _hash(number_D, 2)], axis=1)
        prints = Fingerprints(describe(MINHASH), exact_D2, shingle_DK.ravel(), start_D1, band_DN, None)
        ids = np.stack([_hash(number_D, 3), _hash(number_D, 4)], axis=1).view(np.uint8)
        rank_D = OWN_BIT | (_hash(number_D, 5) >> np.uint64(8))
        return fingerprint_batch(row_D, unpack_ids(ids), rank_D, prints)


def _hash(number_D: np.ndarray, salt: int) -> np.ndarray:
    return mixed(number_D.astype(np.uint64) * np.uint64(8) + np.uint64(salt))


@dataclass(frozen=True)
class Cut:
    """How documents are cut into units, and in which order they lie there."""

    name: str
    unit_documents: int
    step: int
    """Document `step * place % documents` lies at a place; coprime to the number of documents."""
    partition_documents: int
    """For which the shuffles have a partition."""

    def numbers(self, documents: int, first: int, last: int) -> np.ndarray:
        """int64: of the documents at these places."""
        return np.arange(first, last, dtype=np.int64) * self.step % documents


def cuts(documents: int) -> list[Cut]:
    """As they come, and far apart."""
    step = int(documents * 0.6180339887) | 1
    while math.gcd(step, documents) > 1:
        step += 2
    return [Cut("a", 250_000, 1, PARTITION_DOCUMENTS), Cut("b", 99_991, step, 3 * PARTITION_DOCUMENTS)]


def write_units(folder: Path, corpus: Corpus, cut: Cut) -> list[File]:
    """The fingerprint files of all units."""
    files = []
    for first in range(0, corpus.documents, cut.unit_documents):
        last = min(first + cut.unit_documents, corpus.documents)
        path = folder / f"{cut.name}-{len(files)}.arrow"
        files.append((len(files), str(path), last - first))
        writer = None
        with pa.OSFile(str(path), "wb") as sink:
            for begin in range(first, last, BATCH_ROWS):
                end = min(begin + BATCH_ROWS, last)
                row_D = np.arange(begin - first, end - first, dtype=np.uint32)
                batch = corpus.batch(cut.numbers(corpus.documents, begin, end), row_D)
                writer = writer or pa.ipc.new_file(sink, batch.schema)
                writer.write_batch(batch)
            writer.close()
    return files


class Told(beam.DoFn):
    """MEMBER blocks -> a file for each: how many members and losers, and a sum over them that no order changes."""

    def __init__(self, folder: Path, corpus: Corpus, cut: Cut):
        self.folder, self.corpus, self.cut = folder, corpus, cut

    def process(self, block: Block) -> Iterator[int]:
        """One block."""
        unit, members = block[0], members_of([block[1]])
        if not len(members):
            return
        first = unit * self.cut.unit_documents
        number = self.cut.numbers(self.corpus.documents, first, first + self.cut.unit_documents)[members["row"]]
        own = np.stack([_hash(number, 3), _hash(number, 4)], axis=1)
        said = np.concatenate([own, members["winner"].view(np.uint64), members["cluster"].view(np.uint64)], axis=1)
        total = np.zeros(len(members), np.uint64)
        for column in (*said.T, members["dropped"], members["size"]):
            total = mixed(total * np.uint64(31) + column.astype(np.uint64))
        family = number < self.corpus.family
        dropped = members["dropped"] > 0
        figures = [len(members), int(dropped.sum()), int((dropped & family).sum()), int(total.sum(dtype=np.uint64))]
        (self.folder / f"told-{self.cut.name}-{unit}-{int(total[0]):x}.json").write_text(json.dumps(figures))
        yield len(members)


def measure(folder: Path, corpus: Corpus, cut: Cut) -> dict[str, float]:
    """Find the duplicates; in a process of its own, because ru_maxrss never falls."""
    files = write_units(folder, corpus, cut)
    before, began = _used(), time.perf_counter()
    runner = LocalRunner(1, scratch=folder)
    pipeline = beam.Pipeline(runner=runner, options=PipelineOptions([]))
    source = pipeline | beam.Create(files).with_output_types(File)
    _ = source | FindDuplicates(OPTIONS, cut.partition_documents) | beam.ParDo(Told(folder, corpus, cut))
    pipeline.run().wait_until_finish()
    cpu, wall = _used() - before, time.perf_counter() - began
    told = np.array([json.loads(path.read_text()) for path in folder.glob(f"told-{cut.name}-*.json")], dtype=object)
    peak = max(resource.getrusage(who).ru_maxrss for who in (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)) / 1024
    members, dropped, family = (int(sum(told[:, column])) for column in range(3))
    return {
        "documents": corpus.documents, "family": corpus.family, "chain": corpus.chain,
        "cpu_us": 1e6 * cpu / corpus.documents, "wall_s": wall, "peak_mb": peak,
        "file_bytes": sum(Path(path).stat().st_size for _, path, _ in files) / corpus.documents,
        "shuffled_bytes": runner.spilled / corpus.documents,
        "members": members, "dropped": dropped, "dropped_of_family": family,
        "outcome": int(sum(told[:, 3])) % 2**64,
    }  # fmt: skip


def _used() -> float:
    """CPU seconds of this process and its children."""
    return sum(
        used.ru_utime + used.ru_stime
        for used in map(resource.getrusage, (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN))
    )


def main() -> None:
    """Each cut in a process; its files go before the next one comes."""
    corpus = Corpus.parse(sys.argv[1])
    if len(sys.argv) > 3:
        cut = next(cut for cut in cuts(corpus.documents) if cut.name == sys.argv[3])
        sys.stdout.write(json.dumps(measure(Path(sys.argv[2]), corpus, cut)) + "\n")
        return
    found = []
    for cut in cuts(corpus.documents):
        with tempfile.TemporaryDirectory(dir=sys.argv[2] if len(sys.argv) > 2 else None) as folder:
            command = [sys.executable, __file__, sys.argv[1], folder, cut.name]
            done = subprocess.run(command, check=True, stdout=subprocess.PIPE, text=True)
        sys.stdout.write(done.stdout)
        sys.stdout.flush()
        found.append(json.loads(done.stdout))
    if found[0]["outcome"] != found[1]["outcome"]:
        raise SystemExit("the outcome depends on how the documents are cut into units")
    if found[0]["dropped_of_family"] < 0.99 * corpus.family or found[0]["members"] < corpus.family + 0.9 * corpus.chain:
        raise SystemExit("what was planted was not found")


if __name__ == "__main__":
    main()
