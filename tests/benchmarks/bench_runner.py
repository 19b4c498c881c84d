"""The local runner: speed-up of a map stage, memory of a shuffle.

    python tests/benchmarks/bench_runner.py map FOLDER         # a folder with docs-*.parquet; wants two idle cores
    python tests/benchmarks/bench_runner.py shuffle            # 20 million records, as blocks and one by one

map: the real `score` stage (three presets), one worker and two, three times each. Wall time of the stage, from its
receipts: first begin to last end, so neither start nor report is in it. shuffle: records of 16 bytes through a
GroupByKey, in packed blocks as our stages do it, then as Beam elements (int, int); peak memory (VmHWM) of the parent,
of the largest worker, CPU seconds of all.
"""

import argparse
import json
import os
import re
import resource
import subprocess
import sys
import tempfile
import time
from collections.abc import Iterable, Iterator
from pathlib import Path

import apache_beam as beam
import numpy as np

sys.path.insert(0, str(Path(__file__).parents[2]))

from gristmill.pipelines.records.rows import rows_of
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.runners.local.runner import LocalRunner
from gristmill.pipelines.stages.exchange import Block, Group, GroupBlocks, split_by

RECIPE = """\
gristmill: 1
name: map
sources: {sources}
plan: {{unit_bytes: 1MB}}
decide: [{{presets: [gopher@paper, c4@tfds, fineweb@datatrove]}}]
deduplicate: null
scrub: null
tokenizer: null
"""
TIMES = 3
COPIES = 3
"""Of the files, as sources of their own: half a minute of work, beside which the last task to end is short."""
RECORD = np.dtype([("key", "<u8"), ("location", "<u8")])
RECORDS, PIECES, PARTITIONS = 20_000_000, 128, 128


def map_stage(files: list[str]) -> None:
    """Prints a table: workers, best wall seconds, CPU seconds, speed-up."""
    best: dict[int, tuple[float, float]] = {}
    for _ in range(TIMES):
        for workers in (1, 2):
            best[workers] = min(best.get(workers, (1e9, 0.0)), scored(files, workers))
    print(f"| workers | wall s (best of {TIMES}) | CPU s | speed-up |\n|---|---|---|---|")
    for workers, (wall, cpu) in best.items():
        print(f"| {workers} | {wall:.2f} | {cpu:.2f} | {best[1][0] / wall:.2f} |")
    print(f"\nload of the machine: {os.getloadavg()[0]:.1f} on {len(os.sched_getaffinity(0))} cores")


def scored(files: list[str], workers: int) -> tuple[float, float]:
    """(wall, CPU) seconds of the score stage."""
    with tempfile.TemporaryDirectory() as scratch:
        recipe, out = Path(scratch) / "recipe.yaml", Path(scratch) / "run"
        source = {"format": "parquet", "paths": files, "id": "id", "language": "en"}
        sources = {f"copy-{number}": source for number in range(COPIES)}
        recipe.write_text(RECIPE.format(sources=json.dumps(sources)), encoding="utf-8")
        request = Request(recipe, out, until="score", workers=workers).to_json()
        subprocess.run(
            [sys.executable, "-m", "gristmill.pipelines.run.worker", request, scratch], check=True, capture_output=True
        )
        done = [json.loads(file.read_text(encoding="utf-8")) for file in out.glob("_work/score-*/*.json")]
    began = min(receipt["finished"] - receipt["seconds"] for receipt in done)
    return max(receipt["finished"] for receipt in done) - began, sum(receipt["cpu_seconds"] for receipt in done)


class Blocks(beam.DoFn):
    """A piece of the records, in packed blocks."""

    def process(self, piece: int) -> Iterator[Block]:
        count = RECORDS // PIECES
        rows = np.empty(count, RECORD)
        rows["key"] = np.random.default_rng(piece).integers(0, 1 << 63, count)
        rows["location"] = np.arange(count) + piece * count
        yield from split_by((rows["key"] % PARTITIONS).astype(np.int64), rows)


def counted_rows(group: Group) -> int:
    return len(rows_of(group[1], RECORD))


class Elements(beam.DoFn):
    """A piece of the records, one by one; one key for ten values."""

    def process(self, piece: int) -> Iterator[tuple[int, int]]:
        count = RECORDS // PIECES
        for key in np.random.default_rng(piece).integers(0, RECORDS // 10, count).tolist():
            yield key, piece


def counted_values(_: int, values: Iterable[int]) -> int:
    return sum(1 for _ in values)


def shuffle(kind: str, workers: int) -> None:
    """In a process of its own: shuffles, checks the sum, prints one row of the table."""
    began = time.perf_counter()
    before = peak_mb()
    with beam.Pipeline(runner=LocalRunner(workers)) as pipeline:
        pieces = pipeline | beam.Create(range(PIECES)).with_output_types(int)
        if kind == "blocks":
            counts = pieces | beam.ParDo(Blocks()) | GroupBlocks() | beam.Map(counted_rows)
        else:
            counts = (
                pieces
                | beam.ParDo(Elements()).with_output_types(tuple[int, int])
                | beam.GroupByKey()
                | beam.MapTuple(counted_values)
            )
        _ = counts | beam.CombineGlobally(sum) | beam.Map(expect_all)
    cpu = sum(resource.getrusage(who).ru_utime + resource.getrusage(who).ru_stime for who in WHO)
    worker = resource.getrusage(resource.RUSAGE_CHILDREN).ru_maxrss / 1024
    wall = time.perf_counter() - began
    print(
        f"| {kind} | {workers} | {wall:.1f} | {cpu:.1f} | {before:.0f} | {peak_mb():.0f} | {worker:.0f} |", flush=True
    )


WHO = (resource.RUSAGE_SELF, resource.RUSAGE_CHILDREN)


def expect_all(found: int) -> None:
    whole = RECORDS // PIECES * PIECES
    if found != whole:
        raise ValueError(f"{found:,} of {whole:,} records came out")


def peak_mb() -> float:
    """VmHWM of this process; ru_maxrss begins with the memory of the process that started it."""
    found = re.search(r"VmHWM:\s+(\d+)", Path("/proc/self/status").read_text())
    assert found
    return int(found[1]) / 1024


def main() -> None:
    """Command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("what", choices=["map", "shuffle", "one-shuffle"])
    parser.add_argument("rest", nargs="*")
    given = parser.parse_args()
    if given.what == "map":
        map_stage(sorted(map(str, Path(given.rest[0]).glob("docs-*.parquet"))))
    elif given.what == "one-shuffle":
        shuffle(given.rest[0], int(given.rest[1]))
    else:
        print("| 20 million | workers | wall s | CPU s | parent before MB | parent peak MB | worker peak MB |")
        print("|---|---|---|---|---|---|---|", flush=True)
        for kind in given.rest or ("blocks", "elements"):
            for workers in ("1", "2"):
                subprocess.run([sys.executable, __file__, "one-shuffle", kind, workers], check=True)


if __name__ == "__main__":
    main()
