"""Personal data: speed beside stock presidio, what is found, precision and recall. Pin it to one core:

    taskset -c 1 python -m tests.benchmarks.bench_pii FOLDER [--files slice,dirty-00000] [--check 400]

FOLDER holds Parquet files with a `text` column. CPU seconds of this process, best of three; MB/s counts UTF-8 bytes.
Stock presidio gets every twentieth document. Values are shown as shapes (a for a letter, 9 for a digit, 汉 for a Han
character), never as they stand. --check: documents on which every recognizer also runs on the whole text.
"""

import argparse
import time
from collections import Counter, defaultdict
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq
import regex
import tldextract
from rich.console import Console
from rich.table import Table

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.entities import DEFAULT
from gristmill.filters.pii.presidio import predefined_recognizers
from gristmill.filters.pii.recognizers import generic
from gristmill.filters.pii.scan import scan
from tests.filters.pii.labelled import labelled_set

BATCH = 1000
ROUNDS = 3
REPEATED = (
    "1.1.1.1.", "a@b.co ", "13812345678 ", "电话13812345678，", "+86 13812345678 ", "4111111111111111,", "1-", "token=",
    "http://a:b@c.de/ ", "护照E12345678 ", "a%40b.co%20", "://u:p@", "QQ：12345678，", "张三,13812345678,",
)  # fmt: skip
STOCK = ("Email", "Phone", "CreditCard", "Ip", "Iban", "Crypto", "UsSsn")


def batches(file: Path) -> list[pa.Array]:
    """The text column in batches of BATCH documents."""
    text = pq.read_table(file, columns=["text"])["text"].combine_chunks().cast(pa.large_string())
    return [text.slice(start, BATCH) for start in range(0, len(text), BATCH)]


def size(parts: list[pa.Array]) -> float:
    """MB of UTF-8."""
    return sum(pc.sum(pc.binary_length(part)).as_py() or 0 for part in parts) / 1e6


def cpu(work: Callable[[], object], rounds: int = ROUNDS) -> float:
    """CPU seconds, best of `rounds`."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        work()
        best = min(best, time.process_time() - began)
    return best


def stock_presidio(texts: list[str]) -> None:
    """Its recognizers for the same types, without a model; its suffix list must not be fetched."""
    tldextract.extract = generic.suffixes()
    for name in STOCK:
        recognizer = getattr(predefined_recognizers, f"{name}Recognizer")()
        for text in texts:
            recognizer.analyze(text, recognizer.supported_entities, None)


def speed(files: dict[str, list[pa.Array]], scrubber: Scrubber) -> Table:
    """MB/s of the scan, of the default set, of stock presidio."""
    table = Table(
        "file", "MB", "scan MB/s", "default set MB/s", "stock presidio MB/s", "ratio", title="speed, one core"
    )
    for name, parts in files.items():
        scrubber.edits(parts[0].slice(0, 10))  # loads presidio, compiles the kernel
        few = [text for part in parts for text in part.take(list(range(0, len(part), 20))).to_pylist()]
        whole, part_size = size(parts), sum(len(text.encode()) for text in few) / 1e6
        scanned = whole / cpu(lambda parts=parts: [scan(part) for part in parts])
        ours = whole / cpu(lambda parts=parts: [scrubber.edits(part) for part in parts])
        theirs = part_size / cpu(lambda few=few: stock_presidio(few), 1)
        table.add_row(name, f"{whole:.1f}", f"{scanned:.0f}", f"{ours:.1f}", f"{theirs:.2f}", f"{ours / theirs:.0f}x")
    return table


def repetitions(scrubber: Scrubber) -> Table:
    """MB/s of the default set on one value over and over."""
    table = Table("200 KB of", "MB/s", "findings", title="repetitions, one core")
    for piece in REPEATED:
        text = pa.array([piece * (200_000 // len(piece.encode()))], pa.large_string())
        seconds = cpu(lambda text=text: scrubber.edits(text))
        table.add_row(repr(piece), f"{size([text]) / seconds:.2f}", f"{len(scrubber.edits(text)):,}")
    return table


def shape(value: str) -> str:
    """What a value is made of, not what it is."""
    value = regex.sub(r"\p{Han}", "汉", regex.sub(r"\d", "9", value))
    return regex.sub(r"[^\W\d汉_]", "a", value)


def findings(files: dict[str, list[pa.Array]], scrubber: Scrubber) -> Table:
    """Counts by type, and the commonest shapes."""
    counts, documents, shapes = Counter(), defaultdict(set), defaultdict(Counter)
    for name, parts in files.items():
        for number, part in enumerate(parts):
            edits = scrubber.edits(part)
            for doc, start, end, kind in zip(edits.doc_E, edits.start_E, edits.end_E, edits.kind_E, strict=True):
                entity = edits.kinds[kind]
                counts[entity] += 1
                documents[entity].add((name, number, int(doc)))
                shapes[entity][shape(part[int(doc)].as_py().encode()[start:end].decode())] += 1
    total = sum(len(part) for parts in files.values() for part in parts)
    table = Table("type", "found", "in documents", "commonest shapes", title=f"found in {total:,} documents")
    for entity in DEFAULT:
        common = ", ".join(f"{shape} ({n})" for shape, n in shapes[entity].most_common(3))
        table.add_row(entity, f"{counts[entity]:,}", f"{len(documents[entity]):,}", common)
    return table


def quality(scrubber: Scrubber, rounds: int) -> Table:
    """Precision and recall on the set that the tests generate."""
    right, missed, wrong = Counter(), Counter(), Counter()
    for sample in labelled_set(2024, rounds):
        found = {(f.start, f.end, f.entity) for f in scrubber.find(sample.text)}
        right.update(entity for *_, entity in found & set(sample.data))
        missed.update(entity for *_, entity in set(sample.data) - found)
        wrong.update(entity for *_, entity in found - set(sample.data))
    table = Table("type", "values", "precision", "recall", title="generated set: exact spans; ours, so no forecast")
    for entity in DEFAULT:
        values = right[entity] + missed[entity]
        precision = right[entity] / max(1, right[entity] + wrong[entity])
        table.add_row(entity, f"{values}", f"{precision:.3f}", f"{right[entity] / max(1, values):.3f}")
    return table


def disagreements(files: dict[str, list[pa.Array]], scrubber: Scrubber, limit: int) -> tuple[int, int]:
    """(documents whose findings differ without the scan, documents compared), spread over the files."""
    texts = [text for parts in files.values() for part in parts for text in part.to_pylist()]
    texts = texts[:: max(1, len(texts) // limit)]
    return sum(scrubber.find(text) != scrubber.find_everywhere(text) for text in texts), len(texts)


def main() -> None:
    """Measure and print."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("folder", type=Path)
    parser.add_argument("--files", default="slice", help="names without .parquet, comma between")
    parser.add_argument("--rounds", type=int, default=100, help="values of each source in the generated set")
    parser.add_argument("--check", type=int, default=400)
    args = parser.parse_args()
    files = {name: batches(args.folder / f"{name}.parquet") for name in args.files.split(",")}
    scrubber, console = Scrubber(), Console(width=140)
    console.print(
        speed(files, scrubber), repetitions(scrubber), findings(files, scrubber), quality(scrubber, args.rounds)
    )
    differ, compared = disagreements(files, scrubber, args.check)
    console.print(f"with and without the scan: {differ} of {compared} documents differ")


if __name__ == "__main__":
    main()
