"""A mixture as files: packed rows of each cell, the order in which they are read, and what vouches for both.

    FOLDER/train.arrow       a pack plan over the training shards of all runs: every row is of one cell
           order.arrow       row, epoch: what is read, from the first row of the training to the last
           validation.arrow  a pack plan over the validation shards of all runs
           mix.json          written last: the mixture, the runs by sha256, cells, figures, the files by sha256

Letters: C cells, R rows of the order, N rows of all cells, each as often as it is read.
"""

import hashlib
import json
import os
import shutil
from collections.abc import Sequence
from dataclasses import dataclass
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa

from gristmill.tokenizer.mixing.amounts import whole_rows
from gristmill.tokenizer.mixing.errors import MixError
from gristmill.tokenizer.mixing.interleave import interleaved, rows_in_order
from gristmill.tokenizer.mixing.outlook import Material, Outlook
from gristmill.tokenizer.mixing.pool import VALIDATION, Pool, Run, sequence_length
from gristmill.tokenizer.mixing.recipe import MixRecipe
from gristmill.tokenizer.sampling import derived_key, shuffled
from gristmill.tokenizer.shards.arrow_file import file_sha256, map_batch, write_batch
from gristmill.tokenizer.shards.packing import (
    ORDER_SALT,
    ROW_SALT,
    Documents,
    Packed,
    PackPlan,
    all_documents,
    ordered,
    pack,
    pack_documents,
)

FORMAT = "gristmill-mix-1"
CARD, PLAN, ORDER, HELD = "mix.json", "train.arrow", "order.arrow", "validation.arrow"
CELL_SALT = 0x63656C6C  # "cell"
CHUNK = 1 << 20


def key_of(runs: Sequence[Run], mix: MixRecipe) -> str:
    """sha256 of what a mixture is made of."""
    said = json.dumps([FORMAT, mix.as_dict(), [run.index_sha256 for run in runs]], sort_keys=True)
    return hashlib.sha256(said.encode()).hexdigest()


def write_mix(folder: Path, material: Material, mix: MixRecipe) -> dict[str, Any]:
    """Plans the mixture and writes its files; the folder appears whole, or is as it was when it holds the same mixture.
    Returns what mix.json says. Raises MixError before anything is written."""
    runs, key = material.runs, key_of(material.runs, mix)
    if (folder / CARD).exists() and read_card(folder)["key"] == key:
        return read_card(folder)
    length = sequence_length(runs, mix.sequence_length)
    outlook = Outlook.of(material, mix)
    outlook.check(length)
    made = plan(material, outlook, length)
    partial = folder.with_name(f".{folder.name}.partial-{os.getpid()}")
    shutil.rmtree(partial, ignore_errors=True)
    partial.mkdir(parents=True)
    try:
        made.rows.write(partial / PLAN)
        _write_order(partial / ORDER, made.row_R, made.epoch_R)
        kind = runs[0].index.kind
        pack(Pool(runs, VALIDATION).shards, length, whole=kind != "text").write(partial / HELD)
        card = _card(material, outlook, made, key, length)
        card["files"] = {name: file_sha256(partial / name) for name in (PLAN, ORDER, HELD)}
        (partial / CARD).write_text(json.dumps(card, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        if folder.exists():
            shutil.rmtree(folder)
        os.rename(partial, folder)
    finally:
        shutil.rmtree(partial, ignore_errors=True)
    return card


@dataclass(frozen=True)
class Made:
    """A planned mixture."""

    rows: PackPlan
    first_C: np.ndarray
    """int64: the first row of each cell."""
    rows_C: np.ndarray
    rows_SC: np.ndarray
    """int64: rows that each stage reads of each cell."""
    row_R: np.ndarray
    """int32."""
    epoch_R: np.ndarray
    """uint16: how often the row was read before."""


def plan(material: Material, outlook: Outlook, length: int) -> Made:
    """Packs the documents of every cell by themselves, and puts the rows in order."""
    mix, cells = outlook.mix, outlook.cells
    packed, used = _packed(material, outlook, length)
    rows_C = np.zeros(len(cells), np.int64)
    rows_C[used] = [one.rows for one in packed]
    first_C = np.cumsum(rows_C) - rows_C
    segments = {
        name: np.concatenate([np.zeros(0, np.int32), *(one.segments[name] for one in packed)])
        for name in ("row", "shard", "doc", "start", "length")
    }
    if packed:
        segments["row"] += np.repeat(first_C[used].astype(np.int32), [len(one.segments["row"]) for one in packed])
    whole = Packed(
        segments,
        int(rows_C.sum()),
        sum(one.documents for one in packed),
        sum(one.split_documents for one in packed),
        sum(one.tokens for one in packed),
    )
    rows = PackPlan(segments, whole.figures(length, mix.seed, 0))
    density_C = np.maximum(cells.tokens_C, 1) / np.maximum(rows_C, 1)
    rows_SC = np.array([whole_rows(tokens_C / density_C) for tokens_C in outlook.amounts.tokens_SC])
    row_R, epoch_R = read_order(rows_SC, rows_C, first_C, mix.seed)
    return Made(rows, first_C, rows_C, rows_SC, row_R, epoch_R)


def _packed(material: Material, outlook: Outlook, length: int) -> tuple[list[Packed], np.ndarray]:
    """(rows of each cell that is read, those cells)."""
    pool, mix, cells = material.train, outlook.mix, outlook.cells
    documents = all_documents(pool.shards, derived_key(ORDER_SALT, mix.seed, 0))
    cell_D = np.where(np.isin(cells.cell_D, np.flatnonzero(outlook.amounts.tokens_SC.sum(0) > 0)), cells.cell_D, -1)
    marked = Documents(documents.shard_D, documents.doc_D, documents.length_D, documents.hash_D)
    place = np.argsort(cell_D, kind="stable")
    edges = np.searchsorted(cell_D[place], np.arange(len(cells) + 1))
    used = np.flatnonzero(np.diff(edges))
    made = []
    for c in used.tolist():
        mine = ordered(marked.take(place[edges[c] : edges[c + 1]]), pool.shards)
        try:
            made.append(
                pack_documents(
                    mine,
                    length,
                    derived_key(ROW_SALT, mix.seed, c),
                    packing=mix.packing,
                    whole=material.runs[0].index.kind != "text",
                )
            )
        except ValueError as error:
            raise MixError(str(error), where="mix", fix="a longer sequence_length, or packing: best_fit") from error
    return made, used


def read_order(
    rows_SC: np.ndarray, rows_C: np.ndarray, first_C: np.ndarray, seed: int
) -> tuple[np.ndarray, np.ndarray]:
    """(row int32, epoch uint16), (R,): stage by stage, cells by their shares, and within a cell all of its rows in an
    order of (seed, cell, epoch) before any comes again."""
    read_C = rows_SC.sum(0)
    start_C = np.cumsum(read_C) - read_C
    total = int(read_C.sum())
    row_N, epoch_N = np.empty(total, np.int32), np.empty(total, np.uint16)
    for c in np.flatnonzero(read_C).tolist():
        key, count = derived_key(CELL_SALT, seed, c), int(rows_C[c])
        for epoch in range(-(-int(read_C[c]) // count)):
            most = min(count, int(read_C[c]) - epoch * count)
            for begin in range(0, most, CHUNK):
                end = min(most, begin + CHUNK)
                at = slice(int(start_C[c]) + epoch * count + begin, int(start_C[c]) + epoch * count + end)
                row_N[at] = int(first_C[c]) + shuffled(key, epoch, np.arange(begin, end), count)
                epoch_N[at] = epoch
    row_R, epoch_R, at_row = np.empty(total, np.int32), np.empty(total, np.uint16), 0
    next_C = start_C.copy()
    for rows in rows_SC:
        mine = slice(at_row, at_row + int(rows.sum()))
        rows_in_order(interleaved(rows), next_C, row_N, epoch_N, row_R[mine], epoch_R[mine])
        at_row = mine.stop
    return row_R, epoch_R


def _write_order(path: Path, row_R: np.ndarray, epoch_R: np.ndarray) -> None:
    arrays = [pa.array(row_R, pa.int32()), pa.array(epoch_R, pa.uint16())]
    write_batch(path, pa.RecordBatch.from_arrays(arrays, names=["row", "epoch"]))


def _card(material: Material, outlook: Outlook, made: Made, key: str, length: int) -> dict[str, Any]:
    cells, mix = outlook.cells, outlook.mix
    listed = [
        {
            "group": cells.groups[cells.group_C[c]],
            "bin": int(cells.bin_C[c]),
            "copies": float(cells.copies_C[c]),
            "documents": int(cells.documents_C[c]),
            "tokens": int(cells.tokens_C[c]),
            "first_row": int(made.first_C[c]),
            "rows": int(made.rows_C[c]),
            "read_rows": made.rows_SC[:, c].tolist(),
        }
        for c in np.flatnonzero(made.rows_C).tolist()
    ]
    return {
        "format": FORMAT,
        "key": key,
        "mix": mix.as_dict(),
        "runs": [{"name": r.name, "index": r.index_sha256, "manifest": r.manifest_sha256} for r in material.runs],
        "tokenizer": material.runs[0].index.tokenizer["sha256"],
        "sequence_length": length,
        "rows": len(made.row_R),
        "packed_rows": len(made.rows),
        "padding": made.rows.figures.padding,
        "left_out": material.leaks,
        "stage_rows": made.rows_SC.sum(1).tolist(),
        "cells": listed,
        "warnings": outlook.warnings(material),
        **outlook.facts(),
    }


def read_card(folder: Path) -> dict[str, Any]:
    """What mix.json says. Raises MixError."""
    try:
        card = json.loads((folder / CARD).read_text(encoding="utf-8"))
        if card["format"] != FORMAT:
            raise ValueError(f"its format is {card['format']!r}")
        return card
    except FileNotFoundError as error:
        raise MixError(
            "there is no mixture", where=str(folder / CARD), fix="make it: gristmill mix write RUN"
        ) from error
    except (OSError, ValueError, KeyError, TypeError) as error:
        raise MixError(
            f"the mixture cannot be read: {error}", where=str(folder / CARD), fix="write it again"
        ) from error


@dataclass(frozen=True)
class Mix:
    """A written mixture, opened."""

    folder: Path
    card: dict[str, Any]
    rows: PackPlan
    validation: PackPlan
    row_R: np.ndarray
    epoch_R: np.ndarray

    def __len__(self) -> int:
        """Rows that a training reads."""
        return len(self.row_R)


def open_mix(folder: Path, runs: Sequence[Run], *, verify: bool = True) -> Mix:
    """The files of a mixture, mapped. Raises MixError where it was made for other shards, or a file is damaged."""
    card = read_card(folder)
    found = [run.index_sha256 for run in runs]
    made_for = [run["index"] for run in card["runs"]]
    if found != made_for:
        said = ", ".join(f"{run['name']} {run['index'][:12]}" for run in card["runs"])
        raise MixError(
            f"the mixture was made for other shards: {said}; these are "
            + ", ".join(f"{run.name} {run.index_sha256[:12]}" for run in runs),
            where=str(folder),
            fix="name the runs that it was made for, or write it again: gristmill mix write RUN...",
        )
    for name, sha256 in card["files"].items():
        path = folder / name
        if not path.exists() or (verify and file_sha256(path) != sha256):
            what = "is missing" if not path.exists() else "has other bytes than its sha256 says"
            raise MixError(
                f"the mixture is damaged: {name} {what}", where=str(folder), fix="remove it, and write it again"
            )
    order = map_batch(folder / ORDER)
    row_R, epoch_R = (order.column(name).to_numpy(zero_copy_only=True) for name in ("row", "epoch"))
    return Mix(folder, card, PackPlan.open(folder / PLAN), PackPlan.open(folder / HELD), row_R, epoch_R)
