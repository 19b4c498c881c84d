"""A finished run -> an index: the fingerprints of all documents that its rules kept, and who stayed among them.

Those that lost as duplicates are in it, too: they take their places among what a later document is compared with, so
that a run against the index decides as one over both inputs (tests/pipelines/indexes).
"""

from collections.abc import Iterator
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.filters.dedup.fingerprint_file import (
    ELSEWHERE,
    LOST,
    FingerprintFile,
    Settled,
    open_fingerprints,
)
from gristmill.filters.dedup.fingerprints import OWN_BIT
from gristmill.pipelines.duplicates.components import MEMBER
from gristmill.pipelines.duplicates.members import MEMBERS, Membership
from gristmill.pipelines.duplicates.pairs import decided_by
from gristmill.pipelines.duplicates.urls import PRIORITY
from gristmill.pipelines.errors import DamageError, InputError, RecipeError
from gristmill.pipelines.indexes.written import IndexWriter, Staying
from gristmill.pipelines.recipe.load import load
from gristmill.pipelines.records.receipts import Receipt
from gristmill.pipelines.stages.score import FINGERPRINTS
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE, STATE
from gristmill.pipelines.storage.packed_rows import unpacked
from gristmill.pipelines.storage.parts import check_part
from gristmill.pipelines.storage.plan_file import read_plan
from gristmill.pipelines.storage.receipt_book import read_receipt
from gristmill.pipelines.storage.store import Store


@dataclass(frozen=True)
class Piece:
    """One fingerprint file of the run, and what was decided about its unit."""

    path: str
    members: Membership

    def open(self) -> tuple[FingerprintFile, np.ndarray, np.ndarray, np.ndarray]:
        """(the file, positions of the documents that rules kept, bool: in a cluster, MEMBER: zeros where not)."""
        file = open_fingerprints(self.path)
        at = np.flatnonzero(file.rank < OWN_BIT << np.uint64(1))
        return file, at, *self.members.of_rows(file.row[at])


def build(run: Store, target: Path | str, name: str | None = None) -> dict[str, Any]:
    """Write the index of a finished run into an empty folder; gives its manifest.

    name: what later ledgers call it; absent: the name of the run's recipe. Raises RecipeError, InputError.
    """
    manifest = run.read_json(MANIFEST) if run.exists(MANIFEST) else None
    if manifest is None:
        raise RecipeError("the run is not finished", where=run.root, fix="finish it: the same `gristmill run` goes on")
    with run.folder_on_disk(RECIPE) as folder:
        recipe = load(folder / RECIPE, models=False).recipe
    options = recipe.deduplicate
    if manifest.get("forgotten"):
        fix = f"run a recipe with `deduplicate` over {run.root}/text/ (format: arrow), and build the index of that run"
        raise RecipeError(
            "documents were forgotten from this run, which leaves no fingerprints", where=run.root, fix=fix
        )
    if options is None or (not options.exact and options.minhash is None):
        fix = "run its recipe with `deduplicate`; finished units are not read again"
        raise RecipeError("the run was not deduplicated, so it has no fingerprints", where=run.root, fix=fix)
    with IndexWriter(target, name or recipe.name, options) as writer:
        write_pieces(writer, list(_pieces(run)), decided_by(options))
        origin = {"run": recipe.name, "manifest": run.sha256(MANIFEST)}
        return writer.finish([origin], [index["sha256"] for index in manifest.get("against") or ()])


def _pieces(run: Store) -> Iterator[Piece]:
    """Every fingerprint file of the run. Raises InputError where they are gone."""
    books = (run.read_sealed(STATE) or {})["books"]
    for unit in read_plan(run):
        try:
            scored, decided = (_receipt(run, books[stage], unit.key) for stage in ("score", "duplicates"))
            members = Membership(unpacked(run, decided, MEMBERS, MEMBER))
            for part in scored.of(FINGERPRINTS):
                piece = Piece(run.url(part.path), members)
                check_part(piece.path)
                piece.open()
                yield piece
        except (DamageError, FileNotFoundError, KeyError, ValueError) as error:
            what = f"the run's fingerprints are gone (`gristmill clean`, or damage: {type(error).__name__})"
            raise InputError(what, where=run.root, fix="run its recipe again: what is missing is made again") from error


def _receipt(run: Store, folder: str, unit: str) -> Receipt:
    return read_receipt(run, f"{folder}/{unit}.json")[0]


def write_pieces(writer: IndexWriter, pieces: list[Piece], by: str) -> None:
    """The documents of a run; by: see `decided_by`."""
    numbers, stay = _numbers(pieces)
    orders = _url_orders(pieces, numbers)
    done = 0
    for piece in pieces:
        done += _write(writer, piece, numbers[done:], None if orders is None else orders[done:], stay, by)


def _numbers(pieces: list[Piece]) -> tuple[np.ndarray, Staying]:
    """(number of each document by rank, in the order of the pieces; those that stay).

    Ranks are sorted alone, as few are equal: 80 bytes a document.
    """
    ranks, every_id, ties, stay = [np.zeros(0, np.uint64)], [np.zeros((0, 16), np.uint8)], [np.zeros(0, np.uint32)], []
    for piece in pieces:
        file, at, _, member = piece.open()
        ranks.append(file.rank[at])
        every_id.append(file.doc_id[at])
        ties.append(file.exact[at, 1].astype(np.uint32))
        stay.append(member["dropped"] == 0)
    rank, ids, tie = (np.concatenate(some) for some in (ranks, every_id, ties))
    order = np.argsort(rank, kind="stable")
    same = np.flatnonzero(rank[order][1:] == rank[order][:-1])
    tied = np.union1d(same, same + 1)
    of = order[tied]
    high, low = np.ascontiguousarray(ids[of]).view(">u8").astype(np.uint64).T
    order[tied] = of[np.lexsort((tie[of], low, high, rank[of]))]
    number = np.empty(len(order), np.int64)
    number[order] = np.arange(len(order))
    stays = np.concatenate([np.zeros(0, bool), *stay])
    return number, Staying(ids[stays], number[stays])


def _url_orders(pieces: list[Piece], numbers: np.ndarray) -> np.ndarray | None:
    """uint64: the number of each document by what stays of its address, in the order of the pieces; None without
    addresses. In an index that is one number, as its documents are of no other source's priority any more."""
    ranks, orders = [np.zeros(0, np.uint64)], [np.zeros(0, np.uint64)]
    for piece in pieces:
        file, at, _, _ = piece.open()
        if file.urls is None:
            return None
        ranks.append(file.rank[at])
        orders.append(file.url_order[at])
    found = np.empty(len(numbers), np.uint64)
    priority = np.concatenate(ranks) >> PRIORITY
    found[np.lexsort((numbers, np.concatenate(orders), priority))] = np.arange(len(numbers))
    return found


def _write(
    writer: IndexWriter, piece: Piece, numbers: np.ndarray, orders: np.ndarray | None, stay: Staying, by: str
) -> int:
    """The documents of one piece, batch by batch as they lie in its file: the first of `numbers` and `orders`. Gives
    how many."""
    file, at, listed, member = piece.open()
    lost = member["dropped"] > 0
    elsewhere = lost & (member["index"] > 0)
    here = np.flatnonzero(lost & ~elsewhere)
    winner_rank = np.zeros(len(at), np.uint64)
    winner_rank[here] = stay.ranks(member["winner"][here])
    cluster = np.where(listed[:, None], member["cluster"], file.doc_id[at])
    settled = Settled(member["winner"], winner_rank, member["similarity"], member["lost"], cluster, by)
    flags = np.where(lost, LOST, np.uint64(0)) | np.where(elsewhere, ELSEWHERE, np.uint64(0))
    first = 0
    for batch in file.batches:
        some = slice(*np.searchsorted(at, (first, first + len(batch))).tolist())
        if some.start < some.stop:
            documents = batch.take(pa.array(at[some] - first))
            order = None if orders is None else orders[some]
            writer.add(documents, numbers[some], flags[some], settled.part(some), order)
        first += len(batch)
    return len(at)
