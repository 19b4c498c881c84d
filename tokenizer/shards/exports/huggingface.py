"""A folder that `datasets.load_dataset` reads and a hub shows: Parquet files and a card (README.md)."""

import io
import itertools
import json
from collections.abc import Callable, Mapping, Sequence

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.tokenizer.shards.exports.asked import CONTENTS, TEXT, Asked, Counted, whole
from gristmill.tokenizer.shards.exports.contents import Piece
from gristmill.tokenizer.shards.exports.writing import Entry, Output
from gristmill.tokenizer.shards.index import KINDS

FILE_BYTES = 1 << 28
NO_LANGUAGE = {"und", "noise", "mixed", ""}
SIZES = ("1K", "10K", "100K", "1M", "10M", "100M", "1B", "10B", "100B", "1T")
"""Of the hub's `size_categories`; each is ten times the one before."""
SHOWN = 100


def huggingface(asked: Asked) -> list[Output]:
    """`README.md`, `data/train-00000-of-00003.parquet`, ..., and so for every split."""
    outputs = [whole("README.md", lambda _: card(asked).encode())]
    for split in asked.splits:
        files = split.files(FILE_BYTES)
        for number, pieces in enumerate(files):
            path = f"data/{split.name}-{number:05d}-of-{len(files):05d}.parquet"
            outputs.append(whole(path, _parquet(pieces)))
    return [*outputs, *asked.tokenizer_files()]


def _parquet(pieces: Sequence[Piece]) -> Callable[[Mapping[str, Entry]], memoryview]:
    def make(_: Mapping[str, Entry]) -> memoryview:
        file = io.BytesIO()
        schema = _schema(pieces[0].block.read(0, 0).schema)
        with pq.ParquetWriter(file, schema, compression="zstd", store_schema=False) as writer:
            for piece in pieces:
                writer.write_batch(piece.read().cast(schema))
        return file.getbuffer()

    return make


def _schema(schema: pa.Schema) -> pa.Schema:
    """With the plain types, which every reader knows."""
    fields = [pa.field(one.name, _plain(one.type)) for one in schema]
    return pa.schema(fields)


def _plain(kind: pa.DataType) -> pa.DataType:
    if pa.types.is_large_list(kind):
        return pa.list_(kind.value_type)
    return pa.string() if pa.types.is_large_string(kind) else kind


def card(asked: Asked) -> str:
    """README.md: YAML that the hub reads, then what a person asks first. Names are quoted, so that none is markup."""
    documents = sum(split.documents for split in asked.splits)
    languages = sorted({one.lang for one in asked.counted} - NO_LANGUAGE)
    lines = ["---", f"pretty_name: {_quoted(asked.name)}"]
    if languages:
        lines += ["language:", *(f"- {_quoted(language)}" for language in languages)]
    lines += ["size_categories:", f"- {_quoted(_size(documents))}", "task_categories:", "- text-generation"]
    lines += ["configs:", "- config_name: default", "  data_files:"]
    for split in asked.splits:
        lines += [f"  - split: {split.name}", f"    path: data/{split.name}-*.parquet"]
    lines += ["---", "", f"# {_inert(asked.name)}", "", "Made by Gristmill. One row is: " + _row(asked) + ".", ""]
    lines += ["| split | rows | tokens | bytes of text |", "|---|---|---|---|"]
    for split in asked.splits:
        tokens = "" if asked.content == TEXT else f"{split.tokens:,}"
        lines.append(f"| {split.name} | {split.documents:,} | {tokens} | {split.text_bytes:,} |")
    if asked.counted:
        lines += ["", "| split | source | language | documents | bytes of text |", "|---|---|---|---|---|"]
        lines += [_line(one) for one in asked.counted[:SHOWN]]
        if len(asked.counted) > SHOWN:
            lines.append(f"\nand {len(asked.counted) - SHOWN:,} more.")
    if asked.content != TEXT:
        lines += ["", f"Ids are of the {asked.vocabulary:,} of the tokenizer in `tokenizer/`: "
                  "`AutoTokenizer.from_pretrained` reads that folder."]  # fmt: skip
    lines += ["", "Licence and contents are its sources': name a `license` above before you publish it.", ""]
    return "\n".join(lines)


def _row(asked: Asked) -> str:
    return KINDS[asked.kind] if asked.content == "documents" else CONTENTS[asked.content]


def _line(one: Counted) -> str:
    return f"| {one.split} | {_inert(one.source)} | {_inert(one.lang)} | {one.documents:,} | {one.bytes:,} |"


def _size(rows: int) -> str:
    """The hub's category of a number of rows, "n<1K" to "n>1T"."""
    bounds = [(10 ** (3 + n), name) for n, name in enumerate(SIZES)]
    if rows < bounds[0][0]:
        return f"n<{bounds[0][1]}"
    for (low, name), (high, above) in itertools.pairwise(bounds):
        if low <= rows < high:
            return f"{name}<n<{above}"
    return f"n>{bounds[-1][1]}"


def _quoted(text: str) -> str:
    """A YAML string: JSON's strings are."""
    return json.dumps(text)


def _inert(text: str) -> str:
    """A name in a table of Markdown."""
    return "".join(f"\\{c}" if c in "\\|`*_[]<>#&" else c for c in text if c.isprintable())
