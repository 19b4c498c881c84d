"""Throughput of `--runner spark` on two workers against `--runner local` on two, the same recipe over the same input.

    python tests/benchmarks/bench_spark.py CORPUS [--size 2GB] [--scratch FOLDER] [--until text]

CORPUS holds Parquet files with `id`, `text` and `lang`. They are repeated, with a column `copy`, until their text has
the wanted size; deduplication is off. Each runner also does the same recipe on one document: that is its fixed start,
and it is counted apart. Spark is `gristmill cluster spark up`: a master, two one-core workers, on loopback. Run it on
an idle machine with two cores; it takes the cluster down again and removes its input.
"""

import argparse
import hashlib
import json
import os
import resource
import subprocess
import sys
import tempfile
import time
from dataclasses import dataclass
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from gristmill.pipelines.recipe.sizes import parse_bytes
from gristmill.pipelines.run.request import Request

RECIPE = """\
gristmill: 1
name: throughput
sources: {{docs: {{format: parquet, paths: {paths}, id: id, language: {{column: lang}}, columns: {{copy: int64}}}}}}
plan: {{unit_bytes: {unit}}}
decide:
  - when: {{language: en}}
    presets: [gopher@paper, c4@tfds, fineweb@datatrove]
  - when: {{language: zh}}
    presets: [chinese@gristmill]
deduplicate: null
scrub: {scrub}
tokenizer: null
"""
WORKERS = 2


@dataclass(frozen=True)
class Timed:
    """One run."""

    wall: float
    cpu: float
    """CPU seconds of the stages, from the receipts: what the work itself took in its Python processes."""
    digest: str
    """sha256 over all text files."""


def repeat(files: list[Path], size: int, folder: Path) -> float:
    """Copies of some files, with a column `copy`, until their text has `size` bytes. Returns the megabytes of text."""
    written = 0
    for copy in range(1000):
        for file in files:
            if written >= size:
                return written / 1e6
            table = pq.read_table(file, columns=["id", "text", "lang"])
            table = table.append_column("copy", pa.repeat(pa.scalar(copy, pa.int64()), table.num_rows))
            pq.write_table(table, folder / f"{copy:03}-{file.name}", row_group_size=1000)
            written += pc.sum(pc.binary_length(table["text"].cast(pa.large_string()))).as_py()
    raise ValueError("the corpus is too small to be repeated to that size")


def run(runner: str, recipe: Path, out: Path, until: str) -> Timed:
    """A run in a fresh directory and a fresh process."""
    request = Request(recipe, out, runner=runner, workers=WORKERS, until=until).to_json()
    with tempfile.TemporaryDirectory(dir=out.parent) as said, Path(said, "log").open("wb") as log:
        began = time.perf_counter()
        code = subprocess.call(
            [sys.executable, "-m", "gristmill.pipelines.run.worker", request, said], stdout=log, stderr=log
        )
        wall = time.perf_counter() - began
        if code:
            sys.exit(f"{runner} failed:\n{Path(said, 'error').read_text()}\n{Path(said, 'log').read_text()[-3000:]}")
    stages = json.loads((out / "run.json").read_text(encoding="utf-8"))["stages"]
    digest = hashlib.sha256()
    for file in sorted((out / until).glob("*")):  # none if the one document is dropped
        digest.update(file.name.encode() + file.read_bytes())
    return Timed(wall, sum(stage["cpu_seconds"] for stage in stages), digest.hexdigest())


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("corpus", type=Path)
    parser.add_argument("--size", default="2GB", help="of text")
    parser.add_argument("--scratch", type=Path, default=Path.home() / ".cache", help="needs three times the size")
    parser.add_argument("--until", default="text", choices=("text",))
    parser.add_argument("--unit", default="32MB", help="plan.unit_bytes")
    parser.add_argument("--scrub", action="store_true", help="scrub personal data as well")
    parser.add_argument("--runners", default="local,spark")
    args = parser.parse_args()
    args.scratch.mkdir(parents=True, exist_ok=True)
    with tempfile.TemporaryDirectory(dir=args.scratch, prefix="bench-spark-") as folder:
        measure(args, Path(folder), args.runners.split(","))


def measure(args: argparse.Namespace, scratch: Path, runners: list[str]) -> None:
    """Make the input, run everything once, print."""
    megabytes, recipes = prepare(args, scratch)
    if "spark" in runners:
        subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", "spark", "up"], check=True)
    try:
        timed = {}
        for runner in runners:
            for name in ("one", "all"):
                timed[runner, name] = run(runner, recipes[name], scratch / f"{runner}-{name}", args.until)
                print(f"{runner}, {name}: {timed[runner, name].wall:.1f} s", file=sys.stderr, flush=True)
    finally:
        if "spark" in runners:
            subprocess.run([sys.executable, "-m", "gristmill.infra.cluster", "spark", "down"], check=True)
    columns = ("runner", "start s", "all s", "MB/s", "after start", "ratio", "stages' CPU s", "same bytes")
    table = Table(*columns, title=f"{megabytes:.0f} MB")
    base = timed[runners[0], "all"]
    net = {runner: timed[runner, "all"].wall - timed[runner, "one"].wall for runner in runners}
    for runner in runners:
        start, whole = timed[runner, "one"], timed[runner, "all"]
        table.add_row(
            runner,
            f"{start.wall:.1f}",
            f"{whole.wall:.1f}",
            f"{megabytes / whole.wall:.1f}",
            f"{megabytes / net[runner]:.1f}",
            f"{net[runners[0]] / net[runner]:.2f}",
            f"{whole.cpu:.1f}",
            "yes" if whole.digest == base.digest else "NO",
        )
    Console(width=120).print(table)


def prepare(args: argparse.Namespace, scratch: Path) -> tuple[float, dict[str, Path]]:
    """Input and recipes, for all and for one document -> (megabytes of text, recipes)."""
    files = sorted(args.corpus.glob("*.parquet"))
    (scratch / "all").mkdir()
    (scratch / "one").mkdir()
    megabytes = repeat(files, int(parse_bytes(args.size)), scratch / "all")
    first = sorted((scratch / "all").iterdir())[0]
    pq.write_table(pq.read_table(first).slice(0, 1), scratch / "one" / "one.parquet")
    recipes = {}
    for name in ("one", "all"):
        recipes[name] = scratch / f"{name}.yaml"
        scrub = "{operator: tag}" if args.scrub else "null"
        paths = json.dumps([str(scratch / name / "*.parquet")])
        recipes[name].write_text(RECIPE.format(paths=paths, unit=args.unit, scrub=scrub), encoding="utf-8")
    return megabytes, recipes


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    os.environ.setdefault("OMP_NUM_THREADS", "1")
    main()
