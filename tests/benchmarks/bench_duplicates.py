"""Duplicates on real text: CPU seconds, recall and precision. Pin it to one core:

    taskset -c 1 python tests/benchmarks/bench_duplicates.py FOLDER

FOLDER holds dedup.parquet (12,000 documents with injected copies, whose url ends in ?mirror=N; the file of W2 in
baselines.md) and docs-*.parquet. Times are CPU seconds of this process, so that they hold on a busy machine. The
truth is the Jaccard
similarity of sets of word 5-grams (Han and Kana: characters) that a regular expression finds, not our kernels.
"""

import argparse
import itertools
import os
import tempfile
import time
from collections import defaultdict
from collections.abc import Iterator
from pathlib import Path
from uuid import uuid4

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import regex
import xxhash
from apache_beam.options.pipeline_options import PipelineOptions
from apache_beam.runners.portability.fn_api_runner import FnApiRunner
from rich.console import Console
from rich.table import Table

from gristmill.filters.dedup.fingerprint_file import fingerprint_batch
from gristmill.filters.dedup.fingerprints import doc_ids, fingerprint, rank
from gristmill.filters.dedup.passages import find_passages
from gristmill.pipelines.duplicates.pairs import NEAR
from gristmill.pipelines.recipe.schema import Deduplicate
from gristmill.pipelines.stages.duplicates.find import FindDuplicates, members_of
from gristmill.pipelines.stages.duplicates.partitions import File
from gristmill.pipelines.stages.exchange import Block

OPTIONS = Deduplicate()
BATCH_ROWS, UNIT_ROWS = 1000, 4000
UNSPACED = r"[\p{Han}\p{Hiragana}\p{Katakana}ー々〆]"
WORD = regex.compile(rf"{UNSPACED}|[[\p{{L}}\p{{N}}\p{{M}}]--{UNSPACED}]+", regex.V1)
BANDS = {"exact": (1.01, 9), "J >= .9": (0.9, 1.01), ".8-.9": (0.8, 0.9), ".7-.8": (0.7, 0.8)}


class Save(beam.DoFn):
    """Members, into files."""

    def __init__(self, folder: str):
        self.folder = folder

    def process(self, block: Block) -> Iterator[int]:
        """One block."""
        Path(self.folder, f"{block[0]}-{uuid4().hex}").write_bytes(block[1])
        yield block[0]


def write_units(files: list[Path], folder: Path) -> tuple[list[File], float, float]:
    """(units, CPU seconds of fingerprinting and writing, MB of text)."""
    units, cpu, size = [], 0.0, 0
    for file in files:
        table = pq.read_table(file, columns=["id", "text"])
        for first in range(0, len(table), UNIT_ROWS):
            some = table.slice(first, UNIT_ROWS)
            text = some["text"].cast(pa.large_string()).combine_chunks()
            ids = doc_ids(file.name, some["id"].to_pylist(), [b""] * len(some))
            units.append((len(units), str(folder / f"{len(units)}.arrow"), len(some)))
            began = time.process_time()
            write_unit(text, ids, units[-1][1])
            cpu += time.process_time() - began
            size += pc.sum(pc.binary_length(text)).as_py()
    return units, cpu, size / 1e6


def write_unit(text: pa.Array, ids: list[str], path: str) -> None:
    """Fingerprints of one unit, as stage A writes them."""
    with pa.OSFile(path, "wb") as sink:
        writer = None
        for first in range(0, len(text), BATCH_ROWS):
            some = text.slice(first, BATCH_ROWS)
            lengths = pc.binary_length(some).to_numpy()
            some_ids = ids[first : first + BATCH_ROWS]
            prints = fingerprint(some, OPTIONS.minhash)
            rows = np.arange(first, first + len(some), dtype=np.uint32)
            batch = fingerprint_batch(rows, some_ids, rank(True, 0, None, lengths, some_ids), prints)
            writer = writer or pa.ipc.new_file(sink, batch.schema)
            writer.write_batch(batch)
        writer.close()


def find(units: list[File], folder: Path) -> tuple[dict[int, np.ndarray], float]:
    """(MEMBER rows by unit, CPU seconds)."""
    out = folder / uuid4().hex
    out.mkdir()
    began = time.process_time()
    pipeline = beam.Pipeline(runner=FnApiRunner(), options=PipelineOptions([]))
    source = pipeline | beam.Create(units).with_output_types(File)
    _ = source | FindDuplicates(OPTIONS) | "Save" >> beam.ParDo(Save(str(out)))
    pipeline.run().wait_until_finish()
    cpu = time.process_time() - began
    blocks = defaultdict(list)
    for file in out.iterdir():
        blocks[int(file.name.split("-")[0])].append(file.read_bytes())
    return {unit: members_of(values) for unit, values in blocks.items()}, cpu


def shingle_set(text: str) -> np.ndarray:
    """Sorted 64-bit hashes of the word 5-grams of a text."""
    words = [word.lower() for word in WORD.findall(text)]
    count = max(len(words) - 4, min(len(words), 1))
    hashes = (xxhash.xxh3_64_intdigest(" ".join(words[i : i + 5]).encode()) for i in range(count))
    return np.unique(np.fromiter(hashes, np.uint64, count))


def jaccard(a: np.ndarray, b: np.ndarray) -> float:
    """Of two sorted sets; 0 where one is empty."""
    common = len(np.intersect1d(a, b, assume_unique=True))
    return common / (len(a) + len(b) - common) if len(a) and len(b) else 0.0


def injected(table: pa.Table) -> list[tuple[int, int]]:
    """Rows of a document and its injected copy."""
    rows = {url: row for row, url in enumerate(table["url"].to_pylist())}
    pairs = ((rows.get(url.split("?mirror=")[0]), row) for url, row in rows.items() if "?mirror=" in url)
    return [(a, b) for a, b in pairs if a is not None]


def quality(file: Path, members: dict[int, np.ndarray], console: Console) -> None:
    """Recall of injected pairs by similarity and script; precision over every removed document."""
    table = pq.read_table(file, columns=["id", "text", "url", "lang"])
    texts, langs = table["text"].to_pylist(), table["lang"].to_pylist()
    row_of = dict(zip(doc_ids(file.name, table["id"].to_pylist(), [b""] * len(table)), itertools.count(), strict=False))
    sets = [shingle_set(text) for text in texts]
    cluster, reached, sizes = {}, [], defaultdict(int)
    for unit, found in members.items():
        for member in found:
            row = unit * UNIT_ROWS + int(member["row"])
            cluster[row] = bytes(member["cluster"])
            sizes[cluster[row]] += 1
            if member["dropped"]:
                winner = row_of[bytes(member["winner"]).hex()]
                reached.append(1.0 if member["kind"] != NEAR else jaccard(sets[row], sets[winner]))
    recall = Table(
        *["pairs found", *BANDS], title="recall of injected pairs (in one cluster); theory of 16 x 7 in brackets"
    )
    for script, languages in (("all", None), ("spaced", False), ("zh, ja", True)):
        cells = []
        for low, high in BANDS.values():
            hits, theory = [], []
            for a, b in injected(table):
                similarity = 1.01 if texts[a] == texts[b] else jaccard(sets[a], sets[b])
                if low <= similarity < high and languages in (None, langs[a] in ("zh", "ja")):
                    hits.append(cluster.get(a, a) == cluster.get(b, b))
                    theory.append(1 - (1 - min(similarity, 1) ** 7) ** 16)
            cells.append(f"{np.mean(hits):.1%} of {len(hits)} ({np.mean(theory):.0%})" if hits else "-")
        recall.add_row(script, *cells)
    console.print(recall)
    for threshold in (0.5, 0.7, 0.8):
        console.print(
            f"removed at J >= {threshold} with the named winner: {np.mean(np.array(reached) >= threshold):.1%}"
        )
    console.print(f"removed {len(reached)}, clusters {len(sizes)}, largest {sorted(sizes.values())[-3:]}")


def passages(file: Path, console: Console) -> None:
    """How fast passages are split and hashed, least of three."""
    text = pq.read_table(file, columns=["text"])["text"].cast(pa.large_string()).combine_chunks()
    for unit, run in (("line", 1), ("paragraph", 1), ("sentence", 1), ("sentence", 3)):
        find_passages(text.slice(0, 1), unit, run)  # type: ignore[arg-type]
        took = []
        for _ in range(3):
            began = time.process_time()
            found = find_passages(text, unit, run)  # type: ignore[arg-type]
            took.append(time.process_time() - began)
        console.print(f"passages of {run} {unit}: {len(found.doc):,}, {text.nbytes / 1e6 / min(took):.0f} MB/s")


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    args = parser.parse_args()
    console = Console(width=140)
    speed = Table(
        "corpus", "documents", "MB", "fingerprint s", "MB/s", "find s", "us/document", "of which start s", "both MB/s"
    )
    fingerprint(pa.array(["compiles the kernels", ""], pa.large_string()), OPTIONS.minhash)
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        for corpus in (["dedup.parquet"], sorted(path.name for path in args.folder.glob("docs-*.parquet"))):
            units, cpu, size = write_units([args.folder / part for part in corpus], folder)
            find(units[:1], folder)
            members, found = find(units, folder)
            write_unit(pa.array(["one"], pa.large_string()), doc_ids("one", ["1"], [b""]), str(folder / "one"))
            start = find([(0, str(folder / "one"), 1)], folder)[1]
            count = sum(pq.read_metadata(args.folder / part).num_rows for part in corpus)
            per_document = (found - start) / count * 1e6
            numbers = (size, cpu, size / cpu, found, per_document, start, size / (cpu + found))
            speed.add_row(f"{corpus[0]} x {len(corpus)}", f"{count:,}", *(f"{number:.2f}" for number in numbers))
            if corpus == ["dedup.parquet"]:
                quality(args.folder / "dedup.parquet", members, console)
    passages(args.folder / "docs-00000.parquet", console)
    console.print(speed, f"cores {sorted(os.sched_getaffinity(0))}")


if __name__ == "__main__":
    main()
