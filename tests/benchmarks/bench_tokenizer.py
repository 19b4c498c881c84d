"""Speed of the tokenizer package, one core, SentencePiece in the same process: run this file.

    taskset -c 1 python tests/benchmarks/bench_tokenizer.py [--corpus FOLDER] [--vocabulary 8192] [--documents 10000000]

    taskset -c 1 python tests/benchmarks/bench_tokenizer.py [--corpus FOLDER] [--vocabulary 8192] [--unigram]
on it. CPU seconds of this process (they hold on a busy machine, within its noise), best of three where it repeats;
MB/s counts UTF-8 bytes of text. Packing plans one epoch over documents that have ids and lengths but no tokens.
"""

import argparse
import resource
import tempfile
import time
from collections.abc import Callable
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq
from rich.console import Console
from rich.table import Table

from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.sentences import sentences
from gristmill.tokenizer.shards.format import Shard, token_batch, write_shard
from gristmill.tokenizer.shards.packing import pack
from gristmill.tokenizer.train import (
    MODEL_FILE,
    TokenizerOptions,
    _alphabet,
    _character_counts,
    _sentencepiece,
    train,
)

ROUNDS = 3
SHARDS = 16


class Lengths:
    """A shard of documents with ids and log-normal lengths (median 550 tokens, as in the corpus), without tokens; it
    keeps neither, as a mapped file does not."""

    def __init__(self, number: int, documents: int):
        self.number, self.documents = number, documents

    def __len__(self) -> int:
        return self.documents

    @property
    def lengths(self) -> np.ndarray:
        """int64: tokens of each document."""
        draw = np.random.default_rng(self.number)
        return draw.lognormal(np.log(550), 1.2, self.documents).astype(np.int64) + 2

    def unmapped(self, name: str) -> pa.Array:
        """Only doc_id."""
        draw, documents = np.random.default_rng(self.number), self.documents
        digits = draw.integers(0, 16, (documents, 32), np.uint8)
        data = np.frombuffer(b"0123456789abcdef", np.uint8)[digits].reshape(-1)
        offsets = np.arange(0, 32 * documents + 1, 32, dtype=np.int32)
        return pa.StringArray.from_buffers(documents, pa.py_buffer(offsets), pa.py_buffer(data))


def cpu(work: Callable[[], Any], rounds: int = ROUNDS) -> tuple[float, Any]:
    """(best CPU seconds, the last result)."""
    best = float("inf")
    for _ in range(rounds):
        began = time.process_time()
        result = work()
        best = min(best, time.process_time() - began)
    return best, result


def measure_text(table: Table, texts: list[str], options: TokenizerOptions, folder: Path) -> None:
    """Training, encoding, decoding and shards, for one kind of tokenizer."""
    kind = options.model
    array = pa.array(texts, pa.large_string())
    size = sum(len(text.encode()) for text in texts) / 1e6
    train(texts[:10], TokenizerOptions(kind, 2000, lower=True), folder)  # compiled, or from the cache
    seconds, _ = cpu(lambda: train(texts, options, folder), 1)
    table.add_row(f"{kind}: train", f"{seconds:.2f}", f"{size / seconds:.1f} MB/s")
    if kind == "bpe":
        measure_sentencepiece(table, texts, options, (folder / MODEL_FILE).read_bytes(), seconds)
    encoder = Encoder(folder)
    seconds, _ = cpu(lambda: encoder.encode(["one"]), 1)
    table.add_row(f"{kind}: first document (tables, kernels compiled or from the cache)", f"{seconds:.2f}", "")
    ours, (tokens, offsets) = cpu(lambda: encoder.encode(array))
    theirs, lists = cpu(lambda: encoder.processor.encode(texts, add_bos=True, add_eos=True, num_threads=1))
    same = sum(map(len, lists)) == len(tokens) and [n for ids in lists for n in ids] == tokens.tolist()
    speed = (
        f"{size / ours:.1f} MB/s, {len(tokens) / ours / 1e6:.2f} M tokens/s, {1e6 * size / len(tokens):.2f} bytes/token"
    )
    table.add_row(f"{kind}: encode", f"{ours:.2f}", speed)
    verdict = f"{size / theirs:.1f} MB/s; ours is {theirs / ours:.1f} x, " + ("same ids" if same else "OTHER IDS")
    table.add_row(f"{kind}: sentencepiece encode(list)", f"{theirs:.2f}", verdict)
    documents = [ids.tolist() for ids in np.split(tokens, offsets[1:-1])]
    seconds, decoded = cpu(lambda: [encoder.decode(ids) for ids in documents], 1)
    table.add_row(f"{kind}: decode", f"{seconds:.2f}", f"{size / seconds:.1f} MB/s, {decoded == texts and 'exact'}")
    names = [f"{n:032x}" for n in range(len(texts))]
    columns = dict.fromkeys(("doc_id", "source", "lang", "cluster"), names) | {"bytes": np.ones(len(texts), np.int64)}
    path = folder / "shard.arrow"
    batch = token_batch(tokens, offsets, columns, encoder.header())
    seconds, written = cpu(lambda: write_shard(path, [batch]))
    table.add_row(f"{kind}: write a shard", f"{seconds:.3f}", f"{written.file_bytes / 1e6 / seconds:.0f} MB/s of file")
    seconds, _ = cpu(lambda: Shard(path))
    table.add_row(f"{kind}: map a shard", f"{seconds:.4f}", "")


def measure_sentencepiece(table: Table, texts: list[str], options: TokenizerOptions, ours: bytes, our: float) -> None:
    """Its own training of the same, and whether the models are equal."""

    def train_theirs() -> bytes:
        _, coverage = _alphabet(_character_counts(texts), options)
        return _sentencepiece([line for text in texts for line in sentences(text)], options, coverage)

    seconds, theirs = cpu(train_theirs, 1)
    verdict = f"ours is {seconds / our:.1f} x, " + ("same bytes" if theirs == ours else "OTHER BYTES")
    table.add_row("bpe: sentencepiece trains", f"{seconds:.2f}", verdict)


def measure_packing(table: Table, documents: int) -> None:
    """The plan of one epoch, at two row lengths."""
    shards: list[Any] = [Lengths(number, documents // SHARDS) for number in range(SHARDS)]
    pack([Lengths(99, 100)], 512)  # type: ignore[list-item]
    for row_length in (512, 2048):
        seconds, plan = cpu(lambda length=row_length: pack(shards, length), 1)
        figures = plan.figures
        note = f"{figures.documents / seconds / 1e6:.2f} M documents/s, padding {figures.padding:.3%}"
        table.add_row(f"pack {documents:,} documents, rows of {row_length}", f"{seconds:.1f}", note)


def main() -> None:
    """Measure and print one table."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[2].parent / "shared" / "corpus")
    parser.add_argument("--vocabulary", type=int, default=8192)
    parser.add_argument("--documents", type=int, default=10_000_000)
    parser.add_argument("--unigram", action="store_true", help="also unigram, which trains 30 times longer")
    args = parser.parse_args()
    texts = pq.read_table(args.corpus / "slice.parquet", columns=["text"])["text"].to_pylist()
    table = Table("what", "CPU s", "speed", title=f"{len(texts):,} documents, vocabulary {args.vocabulary}")
    for kind in ("bpe", "unigram") if args.unigram else ("bpe",):
        with tempfile.TemporaryDirectory() as folder:
            measure_text(table, texts, TokenizerOptions(kind, args.vocabulary), Path(folder))
    if args.documents:
        measure_packing(table, args.documents)
    table.caption = f"peak {resource.getrusage(resource.RUSAGE_SELF).ru_maxrss / 1024:.0f} MB"
    Console(width=140).print(table)


if __name__ == "__main__":
    main()
