"""Everything that reading makes of pages, kept in a file, and what another state of the code makes otherwise.

    python -m tests.benchmarks.main_content.texts write OUT.parquet CORPUS LABELLED
    python -m tests.benchmarks.main_content.texts compare BEFORE.parquet AFTER.parquet [--show 5]

CORPUS holds WARC files (pages-*.warc.gz), LABELLED sets of pages (labels.py). Every page is read as plain text, as
Markdown with comments, and whole; of archives every column counts (identity, title, encoding, licence), not the text
alone. `compare` ends with 1 where anything differs: whoever makes reading faster compares before and after.
"""

import argparse
import difflib
import gzip
import json
import sys
from collections.abc import Iterator
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

WAYS = {
    "text": schema.Extract(),
    "markdown": schema.Extract(output="markdown", comments=True),
    "whole": schema.Extract(main_content=False),
}


def archived(folder: Path, options: schema.Extract) -> Iterator[tuple[str, str]]:
    """(name, all that was read) of every record of the archives, dead ones and their reasons too."""
    source = schema.Source(format="warc", paths=[str(path) for path in sorted(folder.glob("pages-*.warc.gz"))])
    for number, unit in enumerate(plan_source("texts", source, Path("/"), 16_000_000)):
        for records in read_unit(unit, source, schema.Read(), options):
            for row in records.batch.to_pylist():
                yield f"{number}/{row['row']}", "\n".join(f"{key}: {value}" for key, value in row.items())
            for dead in records.dead:
                yield f"{number}/{dead.row}", repr(dead)


def labelled(folder: Path, options: schema.Extract) -> Iterator[tuple[str, str]]:
    """The same of labelled pages."""
    for file in sorted(folder.glob("*/html/*.html.gz")):
        try:
            page = read_page(gzip.decompress(file.read_bytes()), None, options)
            read = f"{page.title}\n{page.charset}\n{page.licence}\n{page.text.decode()}"
        except BadRecordError as error:
            read = str(error)
        yield str(file.relative_to(folder)), read


def write(out: Path, corpus: Path, pages: Path) -> None:
    """Reads all pages in all ways."""
    rows = [
        (f"{way}/{name}", read)
        for way, options in WAYS.items()
        for found in (archived(corpus, options), labelled(pages, options))
        for name, read in found
    ]
    names, texts = zip(*rows, strict=True)
    pq.write_table(pa.table({"name": names, "read": texts}), out, compression="zstd")
    print(f"{len(rows):,} texts, {sum(map(len, texts)):,} characters")


def compare(before: Path, after: Path, show: int) -> int:
    """Prints what differs; how many do."""
    old, new = (dict(zip(*pq.read_table(path).to_pydict().values(), strict=True)) for path in (before, after))
    changed = [name for name in sorted(old.keys() | new.keys()) if old.get(name) != new.get(name)]
    for name in changed[:show]:
        lines = (text.get(name, "").splitlines() for text in (old, new))
        print(name, *difflib.unified_diff(*lines, n=0, lineterm=""), sep="\n")
    print(json.dumps({"texts": len(new), "differ": len(changed), "names": changed[:50]}))
    return len(changed)


def main() -> None:
    """One of the two commands."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    commands = parser.add_subparsers(dest="command", required=True)
    writing = commands.add_parser("write")
    for name in ("out", "corpus", "labelled"):
        writing.add_argument(name, type=Path)
    comparing = commands.add_parser("compare")
    comparing.add_argument("before", type=Path)
    comparing.add_argument("after", type=Path)
    comparing.add_argument("--show", type=int, default=5)
    args = parser.parse_args()
    if args.command == "write":
        write(args.out, args.corpus, args.labelled)
    else:
        sys.exit(compare(args.before, args.after, args.show) > 0)


if __name__ == "__main__":
    main()
