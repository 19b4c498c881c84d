"""Reading, format by format, beside the floor that its library sets. Pin it to one core:

    taskset -c 1 python tests/benchmarks/bench_read.py FOLDER

FOLDER holds docs-00000.parquet and WARC files pages-*.warc.gz. Figures are CPU seconds of this
process, best of --rounds, floor and reader in turn, so that their ratio holds on a busy machine. MB count the text of
documents and the stored pages of WARC files. The floors do the library's part alone: json.loads, iter_batches,
resiliparse on decoded pages.
"""

import argparse
import gzip
import json
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.ipc as ipc
import pyarrow.parquet as pq
import zstandard
from fastwarc.warc import ArchiveIterator
from resiliparse.extract.html2text import extract_plain_text
from rich.console import Console
from rich.table import Table

from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source


def read(form: str, paths: list[Path], own_id: str | None = "id") -> int:
    """Reads it all as stage A would; gives the number of records."""
    source = schema.Source(format=form, paths=[str(path) for path in paths], id=own_id)  # type: ignore[arg-type]
    units = plan_source("bench", source, Path("/"), 16_000_000)
    batches = (records for unit in units for records in read_unit(unit, source, schema.Read(), schema.Extract()))
    return sum(records.batch.num_rows + len(records.dead) for records in batches)


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of one call."""
    began = time.process_time()
    work()
    return time.process_time() - began


def parse_lines(path: Path) -> None:
    for line in path.read_bytes().splitlines():
        json.loads(line)


def scan_parquet(path: Path) -> None:
    for batch in pq.ParquetFile(path, memory_map=True).iter_batches(1000, use_threads=False):
        batch.num_rows  # noqa: B018


def extract_pages(paths: list[Path]) -> None:
    for path in paths:
        for record in ArchiveIterator(path):
            extract_plain_text(record.reader.read().decode("utf-8", "replace"), main_content=True)


def write_forms(table: pa.Table, folder: Path) -> dict[str, Path]:
    """The same documents in every form that holds records."""
    lines = "".join(json.dumps(row, ensure_ascii=False) + "\n" for row in table.to_pylist()).encode()
    made = {name: folder / f"a.{name}" for name in ("jsonl", "jsonl.gz", "jsonl.zst", "arrow")}
    made["jsonl"].write_bytes(lines)
    made["jsonl.gz"].write_bytes(gzip.compress(lines, 6))
    made["jsonl.zst"].write_bytes(zstandard.ZstdCompressor().compress(lines))
    with ipc.new_file(made["arrow"], table.schema) as writer:
        writer.write_table(table, max_chunksize=1000)
    return made


def main() -> None:
    """Prints one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--rounds", type=int, default=3)
    args = parser.parse_args()
    parquet, pages = args.folder / "docs-00000.parquet", sorted(args.folder.glob("pages-*.warc.gz"))
    table = pq.read_table(parquet)
    text_mb = sum(len(text.encode()) for text in table["text"].to_pylist()) / 1e6
    stored = sum(len(r.reader.read()) for path in pages for r in ArchiveIterator(path)) / 1e6
    shown = Table("input", "records", "MB/s", "records/s", "floor, MB/s", "share of the floor")
    with tempfile.TemporaryDirectory() as name:
        folder = Path(name)
        made = write_forms(table, folder)
        cases: list[tuple[str, float, Callable[[], int], Callable[[], object] | None]] = [
            ("jsonl, own ids", text_mb, lambda: read("jsonl", [made["jsonl"]]), lambda: parse_lines(made["jsonl"])),
            ("jsonl, ids of the bytes", text_mb, lambda: read("jsonl", [made["jsonl"]], None), None),
            ("jsonl.gz", text_mb, lambda: read("jsonl", [made["jsonl.gz"]]), None),
            ("jsonl.zst", text_mb, lambda: read("jsonl", [made["jsonl.zst"]]), None),
            ("parquet, own ids", text_mb, lambda: read("parquet", [parquet]), lambda: scan_parquet(parquet)),
            ("parquet, ids of the bytes", text_mb, lambda: read("parquet", [parquet], None), None),
            ("arrow, own ids", text_mb, lambda: read("arrow", [made["arrow"]]), None),
            ("warc.gz", stored, lambda: read("warc", pages, None), lambda: extract_pages(pages)),
        ]
        for label, size, ours, floor in cases:
            records = ours()  # once to compile and to warm up
            best, floor_best = 1e9, 1e9
            for _ in range(args.rounds):
                floor_best = min(floor_best, seconds(floor)) if floor else floor_best
                best = min(best, seconds(ours))
            row = [label, f"{records:,}", f"{size / best:.0f}", f"{records / best:,.0f}"]
            shown.add_row(*row, *([f"{size / floor_best:.0f}", f"{floor_best / best:.0%}"] if floor else ["", ""]))
    Console(width=120).print(shown)


if __name__ == "__main__":
    main()
