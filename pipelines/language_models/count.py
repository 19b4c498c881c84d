"""Counting in a pipeline: pieces of input -> n-grams with their counts, by partition, as files.

    pieces -> SampleTexts                              texts to train a tokenizer on
    pieces -> CountGrams -> by partition -> AddUp      counts; and beside them the texts that are held out

What comes out depends on the texts alone: they are chosen by their hash, and counts are added up, so it matters not how
the input was cut, who did it, or in which order.
"""

import os
from collections.abc import Callable, Iterable, Iterator
from dataclasses import dataclass
from pathlib import Path

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

import gristmill.pipelines.records.coders  # noqa: F401 - registers the coders
from gristmill.filters.batch import text_buffers
from gristmill.filters.language_models.counting import added_up, count_type, counted, grams
from gristmill.filters.language_models.estimate import FIRST_WORD, UNK
from gristmill.filters.language_models.hashing import BEGIN, END, UNKNOWN_SPELLINGS, gram_hashes
from gristmill.filters.language_models.model import Encode
from gristmill.filters.language_models.model_file import CHARACTERS
from gristmill.filters.language_models.sentences import encode_characters, sentences
from gristmill.pipelines.errors import RunnerError
from gristmill.pipelines.language_models.inputs import Piece, packed, texts, unpacked
from gristmill.pipelines.recipe.files.language_models import make_pieces
from gristmill.pipelines.records.rows import mixed, rows_of
from gristmill.pipelines.runners.options import Chosen
from gristmill.pipelines.stages.exchange import Block, BlockBuffer, GroupBlocks, in_global_window, spread
from gristmill.tokenizer.sampling import VALIDATION_SALT, derived_key, keyed_hash

HELD_BYTES = 32_000_000
"""Of held-out texts that are kept to measure on; the others are only left out of the counts."""
PARTITION_BYTES = 64_000_000
"""Input for each partition of the shuffle: about as much again of n-grams."""
WAITING = 1 << 22
"""n-grams that wait before they are added up."""
SAMPLE, HELD, COUNTS = "sample", "held", "counts"


@dataclass(frozen=True)
class Choice:
    """Which texts are held out: those whose hash lies below the share."""

    language: str
    share: float
    seed: int

    def hashes(self, text: pa.Array) -> np.ndarray:
        """uint64 by the bytes of each text."""
        return keyed_hash(text, derived_key(VALIDATION_SALT, self.seed))

    def held_out(self, hashes: np.ndarray) -> np.ndarray:
        """bool of each hash."""
        return hashes < np.uint64(min(int(self.share * 2**64), 2**64 - 1))


@dataclass(frozen=True)
class Units:
    """What n-grams are of: the pieces of a SentencePiece model, or characters."""

    units: str
    pieces: bytes
    encoding: str

    def at_work(self) -> tuple[Encode, np.ndarray | None]:
        """(text -> units, unit -> its number in counts uint32; None: a code point + FIRST_WORD). A piece that is spelt
        like <s> is <unk>."""
        if self.units == CHARACTERS:
            return encode_characters, None
        pieces, special = make_pieces(self.pieces, self.encoding), {BEGIN, END, *UNKNOWN_SPELLINGS}
        numbers = [UNK if one in special else FIRST_WORD + at for at, one in enumerate(pieces.spelt)]
        return pieces.encode, np.array(numbers, np.uint32)

    def spelt(self, numbers: np.ndarray) -> list[bytes]:
        """The spellings of numbers in counts, from FIRST_WORD on."""
        if self.units == CHARACTERS:
            return [chr(number - FIRST_WORD).encode() for number in numbers.tolist()]
        pieces = make_pieces(self.pieces, self.encoding).spelt
        return [pieces[number - FIRST_WORD].encode() for number in numbers.tolist()]


class SampleTexts(beam.DoFn):
    """(number, piece) -> a file with its texts of the lowest hashes, enough to train a tokenizer on."""

    def __init__(self, choice: Choice, wanted: int, work: str):
        self.choice, self.wanted, self.work = choice, wanted, work

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        """One piece."""
        number, (block,) = element
        best = _Lowest(self.wanted)
        for text in texts(unpacked(block), self.choice.language):
            hashes = self.choice.hashes(text)
            learnt = ~self.choice.held_out(hashes)
            best.add(hashes[learnt], text.filter(pa.array(learnt)))
        best.write(Path(self.work) / f"{SAMPLE}-{number:06d}.arrow")
        yield number


class CountGrams(beam.DoFn):
    """(number, piece) -> blocks of counted n-grams by partition; a file with held-out texts."""

    def __init__(self, choice: Choice, units: Units, order: int, partitions: int, work: str):
        self.choice, self.units, self.order, self.partitions, self.work = choice, units, order, partitions, work

    def setup(self) -> None:
        """Once per worker."""
        self.encode, self.numbers = self.units.at_work()

    def start_bundle(self) -> None:
        """A bundle that failed half-way must not leave rows to the next one."""
        self.blocks = BlockBuffer()

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[Block]:
        """One piece."""
        number, (block,) = element
        held, waiting, size = _Lowest(HELD_BYTES), [], 0
        for text in texts(unpacked(block), self.choice.language):
            hashes = self.choice.hashes(text)
            out = self.choice.held_out(hashes)
            held.add(hashes[out], text.filter(pa.array(out)))
            words = self._grams(text.filter(pa.array(~out)))
            waiting.append(counted(words))
            size += len(words)
            if size > WAITING:
                waiting, size = [added_up(np.concatenate(waiting))], 0
        held.write(Path(self.work) / f"{HELD}-{number:06d}.arrow")
        rows = added_up(np.concatenate([*waiting, np.empty(0, count_type(self.order))]))
        yield from self.blocks.add(self._partitions(rows["words"]), rows)

    def _grams(self, text: pa.Array) -> np.ndarray:
        data_B, start_D1 = text_buffers(text)
        edge_E, _ = sentences(data_B, start_D1)
        unit_T, first_E = self.encode(data_B, edge_E)
        number_T = unit_T + np.uint32(FIRST_WORD) if self.numbers is None else self.numbers[unit_T]
        return grams(number_T, first_E[:-1:2].copy(), first_E[1::2].copy(), self.order)

    def _partitions(self, words: np.ndarray) -> np.ndarray:
        keys = gram_hashes(words) if words.shape[1] > 1 else words[:, 0].astype(np.uint64)
        return spread(mixed(keys), self.partitions)

    def finish_bundle(self) -> Iterator[object]:
        """What did not fill a block."""
        yield from map(in_global_window, self.blocks.flush())


class AddUp(beam.DoFn):
    """(partition, blocks) -> a file with each n-gram once."""

    def __init__(self, order: int, work: str):
        self.order, self.work = order, work

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[int]:
        """One partition."""
        partition, blocks = element
        rows = added_up(rows_of(blocks, count_type(self.order)))
        file = Path(self.work) / f"{COUNTS}-{partition:06d}.npy"
        part = file.with_name(f"{file.name}-{os.getpid()}")
        with part.open("wb") as stream:
            np.save(stream, rows)
        os.replace(part, file)
        yield partition


class _Lowest:
    """Texts of the lowest hashes, each once, about so many bytes of them."""

    def __init__(self, wanted: int) -> None:
        self.wanted = wanted
        nothing = {"hash": pa.array([], pa.uint64()), "text": pa.array([], pa.large_string())}
        self.tables, self.bytes = [pa.table(nothing)], 0

    def add(self, hashes: np.ndarray, text: pa.Array) -> None:
        """Some more texts."""
        self.take(pa.table({"hash": pa.array(hashes, pa.uint64()), "text": text}))

    def take(self, table: pa.Table) -> None:
        """Some more texts with their hashes."""
        self.tables.append(table)
        self.bytes += table.nbytes
        if self.bytes > 2 * self.wanted:
            self.tables, self.bytes = [self.kept()], 0

    def kept(self) -> pa.Table:
        """Those that are the lowest so far, in the order of their hashes."""
        table = pa.concat_tables(self.tables)
        _, first = np.unique(table["hash"].to_numpy(), return_index=True)
        sizes = pc.binary_length(table["text"]).to_numpy()[first]
        before = np.cumsum(sizes) - sizes
        return table.take(pa.array(first[before < self.wanted])).combine_chunks()

    def write(self, file: Path) -> None:
        """A file appears whole or not at all."""
        part, kept = file.with_name(f"{file.name}-{os.getpid()}"), self.kept()
        with pa.OSFile(str(part), "wb") as sink, pa.ipc.new_file(sink, kept.schema) as writer:
            writer.write_table(kept)
        os.replace(part, file)


def lowest(work: Path, kind: str, wanted: int) -> list[str]:
    """The texts of all files of a kind with the lowest hashes, in the order of these."""
    best = _Lowest(wanted)
    for file in sorted(work.glob(f"{kind}-*.arrow")):
        with pa.memory_map(str(file)) as source:
            best.take(pa.ipc.open_file(source).read_all())
    found: list[str] = best.kept()["text"].to_pylist()
    return found


def counts(work: Path, order: int) -> np.ndarray:
    """All counted n-grams."""
    files = sorted(work.glob(f"{COUNTS}-*.npy"))
    return np.concatenate([*(np.load(file) for file in files), np.empty(0, count_type(order))])


def partitions_for(pieces: list[Piece]) -> int:
    """How many partitions the shuffle of these has."""
    return 1 + sum(piece.bytes for piece in pieces) // PARTITION_BYTES


def sample_texts(chosen: Chosen, pieces: list[Piece], choice: Choice, wanted: int, work: Path) -> None:
    """Write the texts to train a tokenizer on. Raises RunnerError."""
    _run(chosen, pieces, lambda given: given | "sample" >> beam.ParDo(SampleTexts(choice, wanted, str(work))))


def count_grams(chosen: Chosen, pieces: list[Piece], choice: Choice, units: Units, order: int, work: Path) -> None:
    """Write the counts, and the held-out texts. Raises RunnerError."""
    counter = CountGrams(choice, units, order, partitions_for(pieces), str(work))
    _run(chosen, pieces, lambda given: counting(given, counter, str(work)))


def counting(given: beam.PCollection, counter: CountGrams, work: str) -> beam.PCollection:
    """The graph behind the pieces."""
    return (
        given
        | "count" >> beam.ParDo(counter).with_output_types(Block)
        | "by n-gram" >> GroupBlocks()
        | "add up" >> beam.ParDo(AddUp(counter.order, work))
    )


def given(pipeline: beam.Pipeline, pieces: list[Piece]) -> beam.PCollection:
    """The pieces, spread over workers."""
    blocks = [(number, packed(piece)) for number, piece in enumerate(pieces)]
    return pipeline | "pieces" >> beam.Create(blocks).with_output_types(Block) | "fan out" >> GroupBlocks()


def _run(chosen: Chosen, pieces: list[Piece], build: Callable[[beam.PCollection], beam.PCollection]) -> None:
    pipeline = beam.Pipeline(runner=chosen.runner, options=chosen.options)
    build(given(pipeline, pieces))
    state = pipeline.run().wait_until_finish()
    if state not in (None, "DONE"):
        fix = "see the runner's log, and train again"
        raise RunnerError(f"the runner ended with state {state}", where="gristmill lm train", fix=fix)
