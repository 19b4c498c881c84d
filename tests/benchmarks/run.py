"""Speed and memory of whole runs, one core pinned, against datatrove in the same session: `make bench CORPUS=FOLDER`.

    python tests/benchmarks/run.py FOLDER [--only filters,dedup,corpus] [--datatrove PYTHON]

FOLDER holds Parquet files with a `text` column (docs-*.parquet) and WARC files (pages-*.warc.gz). Figures are CPU
seconds of the whole process tree (user + system), so they hold on a busy machine; MB/s counts UTF-8 bytes of `text`.
The fixed start (imports, kernels from the cache) is measured with the same recipe on one document and shown apart.
"""

import argparse
import json
import os
import resource
import subprocess
import sys
import tempfile
from dataclasses import dataclass, replace
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

HERE = Path(__file__).parent
CORE = str(max(os.sched_getaffinity(0)))
NOTHING_KEPT = 8
"""Exit code of a run that drops all it read, as one of one document may (docs/errors.md)."""

FILTERS = """\
gristmill: 1
name: filters
sources: {{docs: {{format: parquet, paths: {paths}, id: id, language: en}}}}
decide: [{{presets: [gopher@paper, c4@tfds, fineweb@datatrove]}}]
deduplicate: null
scrub: null
tokenizer: null
"""
DEDUP = """\
gristmill: 1
name: dedup
sources: {{docs: {{format: parquet, paths: {paths}, id: id, language: {{column: lang}}}}}}
decide: []
deduplicate: {{minhash: {{threshold: 0.7}}}}
scrub: null
tokenizer: null
"""
CORPUS = """\
gristmill: 1
name: corpus
sources:
  docs: {{format: parquet, paths: {paths}, id: id}}
  pages: {{format: warc, paths: {pages}}}
decide:
  - when: {{language: en}}
    presets: [gopher@paper, c4@tfds, fineweb@datatrove]
  - when: {{language: zh}}
    presets: [chinese@gristmill]
scrub: null
tokenizer: null
"""


@dataclass(frozen=True)
class Measured:
    """One process tree."""

    cpu: float
    wall: float
    peak_mb: float
    stages: float = 0.0
    """CPU seconds of the stages alone, from input to written survivors: without imports, planning and the report."""


def measure(command: list[str], further: dict[str, str] | None = None) -> Measured:
    """Run a command pinned to one core, with further environment variables; CPU seconds and the largest process's peak
    memory."""
    line = ["taskset", "-c", CORE, sys.executable, str(HERE / "measure.py"), *command]
    threads = {"OMP_NUM_THREADS": "1", "ARROW_NUM_THREADS": "1", "OPENBLAS_NUM_THREADS": "1"}
    environment = {**(further or {}), **os.environ, **threads}
    done = subprocess.run(line, capture_output=True, text=True, env=environment)
    if done.returncode not in (0, NOTHING_KEPT):
        sys.exit(f"{' '.join(command)} failed:\n{done.stdout}{done.stderr}")
    return Measured(**json.loads(done.stdout.splitlines()[-1]))


def gristmill(recipe: str, scratch: Path, until: str, **paths: list[str]) -> Measured:
    """A run of a recipe, in a fresh directory."""
    file = scratch / "recipe.yaml"
    file.write_text(recipe.format(**{name: json.dumps(value) for name, value in paths.items()}), encoding="utf-8")
    out = tempfile.mkdtemp(dir=scratch)
    from gristmill.pipelines.cli.running.run import KEEPS_MEMORY
    from gristmill.pipelines.run.request import Request

    request = Request(file, Path(out) / "run", until=until, runner="fnapi").to_json()
    worker = [sys.executable, "-m", "gristmill.pipelines.run.worker", request, str(scratch)]
    run = measure(worker, KEEPS_MEMORY)  # as the command starts it
    done = json.loads((Path(out) / "run" / "run.json").read_text(encoding="utf-8"))["stages"]
    return replace(run, stages=sum(stage["cpu_seconds"] or stage["seconds"] for stage in done))


def one_document(files: list[str], scratch: Path) -> list[str]:
    """A file with the first document of the first file: what a run costs before it has work to do."""
    table = pq.read_table(files[0]).slice(0, 1)
    pq.write_table(table, scratch / "one.parquet")
    return [str(scratch / "one.parquet")]


def text_megabytes(files: list[str]) -> float:
    """UTF-8 bytes of the text columns, in MB."""
    return (
        sum(
            pc.sum(pc.binary_length(pq.read_table(f, columns=["text"])["text"].cast(pa.large_string()))).as_py()
            for f in files
        )
        / 1e6
    )


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--only", default="filters,dedup,corpus")
    parser.add_argument("--datatrove", help="python of an environment with datatrove[processing,io] and spacy")
    args = parser.parse_args()
    docs = sorted(map(str, args.folder.glob("docs-*.parquet")))
    pages = sorted(map(str, args.folder.glob("pages-*.warc.gz")))
    size = text_megabytes(docs)
    table = Table(
        "what", "MB", "CPU s", "start s", "MB/s", "MB/s after start", "MB/s stages", "peak MB", title=f"core {CORE}"
    )
    with tempfile.TemporaryDirectory() as folder:
        scratch = Path(folder)
        one = one_document(docs, scratch)
        for name, recipe, until in (("filters", FILTERS, "text"), ("dedup", DEDUP, "text")):
            if name in args.only:
                gristmill(recipe, scratch, until, paths=one)  # compiles the kernels
                start = gristmill(recipe, scratch, until, paths=one)
                row(table, name, size, gristmill(recipe, scratch, until, paths=docs), start)
        if "corpus" in args.only:
            every = sorted(map(str, args.folder.glob("*.parquet")))
            whole = text_megabytes(every)
            start = gristmill(CORPUS, scratch, "text", paths=one, pages=pages[:1])
            row(table, "corpus", whole, gristmill(CORPUS, scratch, "text", paths=every, pages=pages), None)
        if args.datatrove:
            small = [str(args.folder / "slice.parquet")]
            peer = measure([args.datatrove, str(HERE / "peer_datatrove.py"), *small, str(scratch / "datatrove")])
            row(table, "datatrove filters, slice", text_megabytes(small), peer, None)
    Console(width=120).print(table)


def row(table: Table, name: str, size: float, run: Measured, start: Measured | None) -> None:
    """One line of the result."""
    net = f"{size / (run.cpu - start.cpu):.1f}" if start else ""
    stages = f"{size / run.stages:.1f}" if run.stages else ""
    begin = f"{start.cpu:.1f}" if start else ""
    table.add_row(
        name, f"{size:.1f}", f"{run.cpu:.1f}", begin, f"{size / run.cpu:.1f}", net, stages, f"{run.peak_mb:.0f}"
    )


if __name__ == "__main__":
    resource.setrlimit(resource.RLIMIT_CORE, (0, 0))
    main()
