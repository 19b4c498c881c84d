"""The formats by name: what reads them, what they can hold, who makes their files."""

from collections.abc import Callable
from dataclasses import dataclass

from gristmill.tokenizer.shards.exports.asked import DOCUMENTS, ROWS, TEXT, Asked, UnfitError
from gristmill.tokenizer.shards.exports.flat import llmc, nanogpt
from gristmill.tokenizer.shards.exports.huggingface import huggingface
from gristmill.tokenizer.shards.exports.mds import mds
from gristmill.tokenizer.shards.exports.megatron import megatron
from gristmill.tokenizer.shards.exports.webdataset import webdataset
from gristmill.tokenizer.shards.exports.writing import Output

VERSION = 1
"""Of the bytes that are written: an export of another version is not gone on with."""


@dataclass(frozen=True)
class Format:
    """A format of an export."""

    reader: str
    contents: tuple[str, ...]
    """What it can hold, the default first."""
    outputs: Callable[[Asked], list[Output]]


FORMATS = {
    "megatron": Format("Megatron-LM's IndexedDataset", (DOCUMENTS,), megatron),
    "nanogpt": Format("nanoGPT", (DOCUMENTS, ROWS), nanogpt),
    "llmc": Format("llm.c and modded-nanogpt", (DOCUMENTS, ROWS), llmc),
    "mds": Format("MosaicML streaming", (DOCUMENTS, ROWS, TEXT), mds),
    "hf": Format("Hugging Face datasets", (DOCUMENTS, ROWS, TEXT), huggingface),
    "webdataset": Format("webdataset", (DOCUMENTS, ROWS, TEXT), webdataset),
}


def outputs_of(name: str, asked: Asked) -> list[Output]:
    """The files of an export. Raises UnfitError where the format cannot hold what is asked for, or there is nothing."""
    form = FORMATS[name]
    if asked.content not in form.contents:
        fix = f"--content {' or '.join(form.contents)}, or --to " + ", ".join(
            other for other, one in FORMATS.items() if asked.content in one.contents
        )
        raise UnfitError(f"{form.reader} reads no {asked.content}", fix)
    if not asked.splits:
        raise UnfitError("there is nothing to export: no split holds a document", "look at the run's report")
    return form.outputs(asked)
