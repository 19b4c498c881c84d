"""Stage E: encode every unit of `text/` into token shards, then plan the rows of training over all of them."""

import hashlib
import json
from collections.abc import Iterable, Iterator
from contextlib import ExitStack
from dataclasses import dataclass, replace
from pathlib import Path
from typing import NamedTuple

import apache_beam as beam
import numpy as np
import pyarrow as pa
import pyarrow.compute as pc

from gristmill.pipelines.processes.clock import FIRST, WAITED, begin, is_first, now, since, waited
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records.accounts import DEAD, DROPPED, IN, KEPT, Accounts
from gristmill.pipelines.records.columns import CONTENT, dead_batch
from gristmill.pipelines.records.dead_letters import dead_letter
from gristmill.pipelines.records.receipts import Part, Receipt
from gristmill.pipelines.stages.numbered import unpack
from gristmill.pipelines.stages.rendering import Renderer, Rows
from gristmill.pipelines.stages.replay import Failure, survive
from gristmill.pipelines.stages.tokenizer import name_of, put_in, trained
from gristmill.pipelines.storage.attempts import attempt
from gristmill.pipelines.storage.layout import CARD, INDEX
from gristmill.pipelines.storage.parts import PartWriter, put_part, read_parts, row_digest
from gristmill.pipelines.storage.receipt_book import ReceiptBook, write_note
from gristmill.pipelines.storage.store import Store
from gristmill.tokenizer.foreign.encoder import open_encoder
from gristmill.tokenizer.sampling import SPLITS, TEST, splits_of
from gristmill.tokenizer.shards.format import Header, Shard, token_batch, write_shard
from gristmill.tokenizer.shards.index import Index, ShardEntry, SplitEntry, write_index
from gristmill.tokenizer.shards.packing import pack

DOCUMENT = ["doc_id", "source", "lang", "cluster", "bytes"]


class Encoded(NamedTuple):
    """Documents as tokens, by the split that they belong to, and why some are left out ("" of the others)."""

    splits: dict[str, pa.RecordBatch]
    left_out_D: np.ndarray


@dataclass
class UnitEncoder:
    """Encodes one unit after another with the run's tokenizer."""

    recipe: Recipe
    tokenizer: ReceiptBook
    book: ReceiptBook

    def __post_init__(self) -> None:
        with self.book.store.temporary() as folder:
            folder.mkdir()
            put_in(folder, self.tokenizer, trained(self.tokenizer))
            self.card = json.loads((folder / Path(CARD).name).read_bytes())
            self.encoder = open_encoder(folder)
        self.renderer = Renderer(self.recipe, self.encoder)
        self.header = Header(self.card["sha256"], self.encoder.vocabulary, self.card["special_ids"], self.book.key)

    def encode(self, text_receipt: Receipt) -> Receipt:
        """Write the shards of one unit and commit them; the receipt is named by the text and by the tokenizer."""
        name = encoded_name(text_receipt, self.card["sha256"])
        return self.book.find(name) or self._encode(text_receipt, name)

    def _encode(self, text_receipt: Receipt, name: str) -> Receipt:
        began, first = begin(), is_first(self.book.stage)
        accounts, parts, tokens = Accounts(), [], {}
        with attempt(self.book, name) as guard:
            with PartWriter(self.book.store, "dead", name, format="parquet", content=CONTENT["dead"]) as dead:
                batches = self._batches(text_receipt, guard, accounts, dead)
            for split, written in batches.items():
                if written:
                    part, tokens[split] = self._write(f"tokens/{split}", name, written)
                    parts.append(part)
            seconds, cpu_seconds = since(began)
            everything = (*parts, *dead.parts)
            details = {"tokens": tokens, FIRST: first, WAITED: round(waited(began), 4)}
            receipt = Receipt(self.book.stage, name, everything, tuple(accounts), seconds, cpu_seconds, details=details)
            self.book.commit(receipt)
        return receipt

    def _batches(
        self, text_receipt: Receipt, guard: Guard, accounts: Accounts, dead: PartWriter
    ) -> dict[str, list[pa.RecordBatch]]:
        """A unit's documents as tokens, by split; those that cannot be encoded go to `dead`."""
        batches: dict[str, list[pa.RecordBatch]] = {split: [] for split in SPLITS}
        tokenize = guard.step("encode", self.tokenize)
        for batch, place in _placed(self.book.store, text_receipt, [*DOCUMENT, "text", *self.renderer.columns]):
            for outcome in survive(tokenize, batch):
                if isinstance(outcome, Failure):
                    _bury(batch.slice(outcome.row, 1), outcome, place, accounts, dead)
                    continue
                documents, encoded = outcome
                for reason in np.unique(encoded.left_out_D).tolist():
                    mine = documents.filter(pa.array(encoded.left_out_D == reason))
                    _account(accounts, mine, DROPPED if reason else KEPT, reason)
                for split, made in encoded.splits.items():
                    batches[split].append(made)
        return batches

    def tokenize(self, batch: pa.RecordBatch) -> Encoded:
        """The documents of a batch as tokens."""
        options = self.recipe.tokens
        places = splits_of(batch.column("cluster"), options.validation, options.test, self.recipe.seed)
        splits, left_out_D = {}, np.full(batch.num_rows, "", dtype=object)
        for split, mine in places.items():
            if mine.any():
                rendered = self.renderer.render(batch.filter(pa.array(mine)))
                left_out_D[mine] = rendered.left_out_D
                if rendered.kept.any():
                    splits[split] = self._tokens(batch.filter(pa.array(mine & (left_out_D == ""))), rendered)
        return Encoded(splits, left_out_D)

    def _tokens(self, kept: pa.RecordBatch, rows: Rows) -> pa.RecordBatch:
        values = {name: kept.column(name) for name in DOCUMENT}
        return token_batch(rows.tokens_T, rows.offsets_K1, values | rows.columns, self.header)

    def _write(self, dataset: str, name: str, batches: list[pa.RecordBatch]) -> tuple[Part, dict[str, int]]:
        store = self.book.store
        content = ("doc_id", "tokens", "cluster", *batches[0].schema.names[1 + len(DOCUMENT) :])
        digest = sum(row_digest(batch, content) for batch in batches) % 2**128
        with store.temporary() as scratch:
            written = write_shard(scratch, batches)
            path = f"{dataset}/{name[:16]}-00-{written.sha256[:16]}.arrow"
            store.publish(scratch, path)
        part = Part(dataset, path, written.rows, written.file_bytes, written.sha256, f"{digest:032x}")
        return part, {"tokens": written.tokens, "bytes": written.bytes}


def _placed(
    store: Store, text_receipt: Receipt, columns: list[str]
) -> Iterator[tuple[pa.RecordBatch, tuple[str, int]]]:
    """The batches of a unit's text, each with the part it lies in and the row that it begins with there."""
    for part in text_receipt.of("text"):
        row = 0
        for batch in read_parts(store, replace(text_receipt, parts=(part,)), "text", columns):
            yield batch, (part.path, row)
            row += batch.num_rows


def _account(accounts: Accounts, batch: pa.RecordBatch, outcome: str, reason: str = "") -> None:
    """Count documents as entered and as what became of them."""
    for source in batch.column("source").unique().to_pylist():
        mine = batch.filter(pc.equal(batch.column("source"), source))
        lang, size = mine.column("lang"), mine.column("bytes").to_numpy()
        accounts.add_rows("encode", IN, source, lang, size)
        accounts.add_rows("encode", outcome, source, lang, size, pa.repeat(reason, len(mine)) if reason else None)


def _bury(
    document: pa.RecordBatch, failure: Failure, place: tuple[str, int], accounts: Accounts, dead: PartWriter
) -> None:
    """A document of `text/` that cannot be encoded: a dead letter of the step `encode`."""
    path, first = place
    row, text = first + failure.row, document.column("text")[0].as_py().encode()
    letter = dead_letter(row, path, row, failure.error, text, "encode")
    _account(accounts, document, DEAD, letter.kind)
    dead.write(dead_batch(document.column("source")[0].as_py(), [letter]))


class EncodeUnits(beam.DoFn):
    """(number, [receipt of stage B]) -> (number, receipt)."""

    def __init__(self, recipe: Recipe, tokenizer: ReceiptBook, book: ReceiptBook):
        self.recipe, self.tokenizer, self.book = recipe, tokenizer, book
        self.encoder: UnitEncoder | None = None

    def process(self, element: tuple[int, Iterable[Receipt]]) -> Iterator[tuple[int, Receipt]]:
        """One unit. The tokenizer exists only now, so it is loaded with the first one."""
        number, (text_receipt,) = element
        self.encoder = self.encoder or UnitEncoder(self.recipe, self.tokenizer, self.book)
        yield number, self.encoder.encode(text_receipt)


class PlanRows(beam.DoFn):
    """(0, all receipts of stage E, numbered) -> (0, receipt): the pack plans and the index of shards."""

    def __init__(self, recipe: Recipe, tokenizer: ReceiptBook, book: ReceiptBook):
        self.recipe, self.tokenizer, self.book = recipe, tokenizer, book

    def process(self, element: tuple[int, Iterable[bytes]]) -> Iterator[tuple[int, Receipt]]:
        """All shards at once, on one worker; reads lengths and ids only."""
        receipts = [receipt for _, receipt in unpack(element[1])]
        write_note(self.book.store, self.book.stage, receipts)
        yield 0, plan_rows(self.recipe, self.book, trained(self.tokenizer), receipts)


def encoded_name(text: Receipt, tokenizer_sha256: str) -> str:
    """Of the receipt of a unit's shards: the unit, its text, the tokenizer."""
    return f"{text.unit[:32]}-{name_of([text])[:16]}-{tokenizer_sha256[:16]}"


def plan_name(tokenizer: Receipt, receipts: list[Receipt]) -> str:
    """Of the receipt of the pack plans over all shards, in the order of their units."""
    named = [part.path for receipt in (tokenizer, *receipts) for part in receipt.parts]
    return "plan-" + hashlib.sha256("".join(named).encode()).hexdigest()[:32]


def plan_rows(recipe: Recipe, book: ReceiptBook, tokenizer: Receipt, receipts: list[Receipt]) -> Receipt:
    """Write `tokens/plan/*` and the index for shards in the order of their units."""
    name = plan_name(tokenizer, receipts)
    done = book.find(name)
    if done is not None:
        return done
    began = now()
    parts, splits = [], {}
    for split in (one for one in SPLITS if one != TEST or recipe.tokens.test):
        part, splits[split] = _plan_split(recipe, book, split, receipts)
        parts.append(part)
    (card,) = (part.path for part in tokenizer.parts if part.published == CARD)
    with book.store.temporary() as scratch:
        index = Index(recipe.tokens.sequence_length, book.store.read_json(card), splits, recipe.kind)
        write_index(scratch, index)
        stem = f"_work/index/{name.removeprefix('plan-')[:16]}-00"
        parts.append(put_part(book.store, scratch, stem, ".json", dataset="tokens/index", rows=1, published=INDEX))
    seconds, cpu_seconds = since(began)
    receipt = Receipt(book.stage, name, tuple(parts), (), seconds, cpu_seconds, details=_figures(splits))
    book.commit(receipt)
    return receipt


def _plan_split(recipe: Recipe, book: ReceiptBook, split: str, receipts: list[Receipt]) -> tuple[Part, SplitEntry]:
    store, dataset, length = book.store, f"tokens/{split}", recipe.tokens.sequence_length
    entries, mapped = [], []
    with ExitStack() as stack:
        for receipt in receipts:
            for part in receipt.of(dataset):
                shard = Shard(stack.enter_context(store.on_disk(part.path)))
                figures = receipt.details["tokens"][split]
                path = part.path.removeprefix("tokens/")
                entries.append(
                    ShardEntry(path, part.rows, figures["tokens"], figures["bytes"], part.bytes, part.sha256)
                )
                mapped.append(shard)
        # Conversations fit into rows as they were rendered; only texts may be cut.
        whole = all(one.kind != "text" for one in recipe.sources.values())
        plan = pack(mapped, length, seed=recipe.seed, whole=whole, packing=recipe.tokens.packing)
    figures = plan.figures
    with store.temporary() as scratch:
        plan.write(scratch)
        stem = f"tokens/plan/{split}-{length}"
        part = put_part(store, scratch, stem, ".arrow", dataset="tokens/plan", rows=figures.rows)
    path = part.path.removeprefix("tokens/")
    return part, SplitEntry(tuple(entries), path, figures.rows, figures.tokens, figures.padding)


def _figures(splits: dict[str, SplitEntry]) -> dict[str, dict[str, float]]:
    return {name: {"rows": s.rows, "tokens": s.tokens, "padding": s.padding} for name, s in splits.items()}
