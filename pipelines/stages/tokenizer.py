"""Stage T: train the tokenizer on a deterministic sample of `text/`, or take another run's; measure it per language."""

import hashlib
from collections.abc import Iterable, Iterator
from dataclasses import replace
from pathlib import Path

import apache_beam as beam

from gristmill.pipelines.errors import DamageError, RecipeError
from gristmill.pipelines.processes.clock import now, since
from gristmill.pipelines.recipe.files.tokenizer_files import TakenTokenizer
from gristmill.pipelines.recipe.schema import Recipe, Tokenizer
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.records.sealed import MAKE_AGAIN
from gristmill.pipelines.stages.numbered import unpack
from gristmill.pipelines.storage.drawn import Sample, draw, enough_to_train
from gristmill.pipelines.storage.layout import CARD, LOADED, MODEL
from gristmill.pipelines.storage.parts import put_part
from gristmill.pipelines.storage.receipt_book import ReceiptBook, read_note, write_note
from gristmill.tokenizer.encode import Encoder
from gristmill.tokenizer.evaluate import evaluate, merged
from gristmill.tokenizer.foreign.encoder import open_encoder, take
from gristmill.tokenizer.huggingface import write_huggingface
from gristmill.tokenizer.train import TokenizerInfo, TokenizerOptions, train

DATASET = "tokenizer"
EVALUATION_BYTES = 200_000
"""Per language, of the sample: enough for three digits of fertility."""


def sample_bytes(options: Tokenizer) -> int:
    """UTF-8 bytes of text to train on: as many as the recipe says, or as the vocabulary needs."""
    if options.sample_bytes is not None:
        return options.sample_bytes
    return enough_to_train(options.vocabulary)


def train_tokenizer(recipe: Recipe, book: ReceiptBook, receipts: list[Receipt]) -> Receipt:
    """Train or take over, measure and publish; the same documents give the same bytes.

    Raises RecipeError for too small a sample.
    """
    name = name_of(receipts)
    done = book.find(name)
    if done is not None:
        return done
    options = recipe.tokenizer
    assert options is not None
    began = now()
    texts = [part.path for receipt in receipts for part in receipt.of("text")]
    sample = draw(book.store, texts, sample_bytes(options), recipe.seed)
    parts = []
    with book.store.temporary() as folder:
        folder.mkdir()
        info = _taken(recipe.taken_tokenizer, book, folder) or _train(sample.texts, options, folder)
        encoder = open_encoder(folder)
        replace(info, evaluation=_measure(encoder, sample)).save(folder)
        if not info.is_foreign:  # else its files are those that came with it
            write_huggingface(encoder, folder)
        files = {path: folder / Path(path).name for path in (MODEL, CARD, *LOADED)}
        for number, (path, file) in enumerate((path, file) for path, file in files.items() if file.exists()):
            stem = f"_work/{DATASET}/{name[:16]}-{number:02d}"
            part = put_part(book.store, file, stem, file.suffix, dataset=DATASET, rows=1, published=path)
            parts.append(part)
    seconds, cpu_seconds = since(began)
    size = sum(len(text.encode()) for text in sample.texts)
    details = {"sha256": info.sha256, "sample_documents": len(sample.texts), "sample_bytes": size}
    receipt = Receipt(book.stage, name, tuple(parts), (), seconds, cpu_seconds, details=details)
    book.commit(receipt)
    return receipt


def _train(texts: list[str], options: Tokenizer, folder: Path) -> TokenizerInfo:
    wanted = TokenizerOptions(options.model, options.vocabulary, options.character_coverage, lower=True)
    try:
        return train(texts, wanted, folder)
    except ValueError as error:
        fix = "change `vocabulary` or `sample_bytes`, or let the rules keep more text"
        raise RecipeError(str(error), where="the recipe's `tokenizer`", fix=fix) from error


def _taken(tokenizer: TakenTokenizer | None, book: ReceiptBook, folder: Path) -> TokenizerInfo | None:
    """The tokenizer that the recipe takes over, as the run keeps it; None where it trains its own."""
    if tokenizer is None:
        return None
    for file in tokenizer.files:
        (folder / file.name).write_bytes(book.store.read_bytes(file.kept_as))
    return TokenizerInfo.load(folder) if tokenizer.ends is None else take(folder, *tokenizer.ends)


def _measure(encoder: Encoder, sample: Sample) -> dict[str, dict[str, int | float]]:
    """Figures by language, and of all together."""
    part = sample.per_language(EVALUATION_BYTES)
    figures = merged([evaluate(encoder, part.texts, part.languages)])
    return {language: found.as_dict() for language, found in figures.items()}


def trained(book: ReceiptBook) -> Receipt:
    """The receipt of the tokenizer of this run. Raises DamageError when it does not stand."""
    ((_, name),) = read_note(book.store, book.stage)
    receipt = book.find(name)
    if receipt is None:
        raise DamageError("the run's tokenizer is damaged", where=book.store.url(book.path(name)), fix=MAKE_AGAIN)
    return receipt


def put_in(folder: Path, book: ReceiptBook, tokenizer: Receipt) -> None:
    """Copy a tokenizer's files into a folder, under the names that the encoder looks for."""
    for part in tokenizer.parts:
        (folder / Path(part.published).name).write_bytes(book.store.read_bytes(part.path))


def name_of(receipts: Iterable[Receipt]) -> str:
    """Names a set of text parts by what they hold, in any order."""
    parts = sorted(part.sha256 for receipt in receipts for part in receipt.of("text"))
    return hashlib.sha256("".join(parts).encode()).hexdigest()[:32]


class TrainTokenizer(beam.DoFn):
    """(0, all receipts of stage B) -> (number, receipt of stage B), once the tokenizer stands: the barrier of E."""

    def __init__(self, recipe: Recipe, book: ReceiptBook):
        self.recipe, self.book = recipe, book

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, Receipt]]:
        """All units at once, on one worker."""
        numbered = unpack(element[1])
        texts = [receipt for _, receipt in numbered]
        write_note(self.book.store, "text", texts)
        receipt = train_tokenizer(self.recipe, self.book, texts)
        write_note(self.book.store, self.book.stage, [receipt])
        yield from numbered
