"""Memory of deduplication: two million documents of 95 bytes against 40,000 of 4.7 kB, the same bytes of text.

    python tests/benchmarks/bench_partitions.py [FOLDER]

Fingerprints of random words, with one near-copy in ten, are written to FOLDER (default: a temporary one; 1.2 GB), then
duplicates are found by two workers of the local runner. Prints the largest worker, its imports included (ru_maxrss).
"""

import random
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
from apache_beam.options.pipeline_options import PipelineOptions

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch
from gristmill.filters.dedup.fingerprints import doc_ids, fingerprint, rank
from gristmill.pipelines.recipe.schema import Deduplicate
from gristmill.pipelines.runners.local.runner import LocalRunner
from gristmill.pipelines.stages.duplicates.find import FindDuplicates
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block

OPTIONS = Deduplicate()
UNIT_BYTES, BATCH_ROWS = 16_000_000, 4096
CORPORA = ((40_000, 783), (2_000_000, 16))
"""(documents, words of six bytes in each)"""


def texts(count: int, words: int, rng: random.Random) -> list[str]:
    """Random documents; every tenth repeats an earlier one with another word in it."""
    made: list[str] = []
    for _ in range(count):
        if made and rng.random() < 0.1:
            copy = rng.choice(made).split(" ")
            copy[rng.randrange(words)] = "other"
            made.append(" ".join(copy))
        else:
            made.append(" ".join(f"{rng.randrange(1 << 20):05x}" for _ in range(words)))
    return made


def write_units(folder: Path, documents: int, words: int) -> list[File]:
    """Fingerprint files as stage A writes them, where they are not there yet."""
    rng, in_unit = random.Random(1), UNIT_BYTES // (6 * words - 1)
    files = []
    for first in range(0, documents, in_unit):
        count = min(in_unit, documents - first)
        path = folder / f"{documents}-{len(files)}.arrow"
        files.append((len(files), str(path), count))
        if not path.exists():
            _write_unit(path, count, words, rng)
    return files


def _write_unit(path: Path, count: int, words: int, rng: random.Random) -> None:
    writer = None
    with pa.OSFile(str(path), "wb") as sink:
        for first in range(0, count, BATCH_ROWS):
            some = texts(min(BATCH_ROWS, count - first), words, rng)
            lengths = np.array([len(text) for text in some])
            ids = doc_ids(path.name, [str(first + n) for n in range(len(some))], [b""] * len(some))
            prints = fingerprint(pa.array(some, pa.large_string()), OPTIONS.minhash)
            rows = np.arange(first, first + len(some), dtype=np.uint32)
            batch = fingerprint_batch(rows, ids, rank(True, 0, None, lengths, ids), prints)
            writer = writer or pa.ipc.new_file(sink, batch.schema)
            writer.write_batch(batch)
        if writer:
            writer.close()


class Count(beam.DoFn):
    """Members, counted."""

    def process(self, block: Block) -> Iterator[int]:
        """One block."""
        yield len(block[1])


def measure(folder: Path, documents: int, words: int) -> None:
    """Find duplicates and print what it took; in a process of its own, because ru_maxrss never falls."""
    files, began = write_units(folder, documents, words), time.perf_counter()
    pipeline = beam.Pipeline(runner=LocalRunner(2), options=PipelineOptions([]))
    source = pipeline | beam.Create(files).with_output_types(File)
    _ = source | FindDuplicates(OPTIONS) | beam.ParDo(Count())
    pipeline.run().wait_until_finish()
    used = resource.getrusage(resource.RUSAGE_CHILDREN)
    sys.stdout.write(
        f"{documents:,} documents of {6 * words - 1:,} bytes: largest worker {used.ru_maxrss / 1024:.0f} MB, "
        f"{used.ru_utime + used.ru_stime:.1f} CPU s, {time.perf_counter() - began:.1f} s\n"
    )


def main() -> None:
    """Each corpus in a process; files are written by an earlier one, so that their making is not measured."""
    if len(sys.argv) > 2:
        folder, kind, corpus = Path(sys.argv[1]), sys.argv[2], CORPORA[int(sys.argv[3])]
        write_units(folder, *corpus) if kind == "write" else measure(folder, *corpus)
        return
    with tempfile.TemporaryDirectory() as temporary:
        folder = sys.argv[1] if len(sys.argv) > 1 else temporary
        for number in range(len(CORPORA)):
            for kind in ("write", "measure"):
                subprocess.run([sys.executable, __file__, folder, kind, str(number)], check=True)


if __name__ == "__main__":
    main()
