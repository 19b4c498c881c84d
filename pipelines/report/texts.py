"""Texts of single documents: clean, as extracted, as compared, or dropped. No dataset is read as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, Any

from gristmill.pipelines.storage.store import Store


def clean_texts(store: Store, doc_ids: Iterable[str], unit: str = "") -> dict[str, str]:
    """doc_id -> text, for those that `text/` holds. Of a doc_id that repeats, the first one.

    `unit`: only the parts of this unit are looked at.
    """
    wanted = set(doc_ids)
    if not wanted:
        return {}
    names = store.parts("text", unit)
    found = _from_parquet(store, [name for name in names if name.endswith(".parquet")], wanted)
    return found | _from_arrow(store, [name for name in names if name.endswith(".arrow")], wanted - found.keys())


def dropped_texts(store: Store, doc_ids: Iterable[str], unit: str = "") -> dict[str, str]:
    """doc_id -> text, for those that `dropped/` holds. Of a doc_id that repeats, the smallest text.

    `unit`: only the parts of this unit are looked at.
    """
    return _from_parquet(store, store.parts("dropped", unit), set(doc_ids))


def extracted_texts(store: Store, rows: Sequence[Mapping[str, Any]], unit: str) -> dict[int, str]:
    """row -> text as it was extracted, of some documents of a unit, where the run still has it: those that the rules
    kept by their `row`, the others by their `doc_id`."""
    wanted = {row["row"] for row in rows}
    found: dict[int, str] = _from_arrow(store, store.parts("curated", unit), wanted, "row")
    if len(found) < len(wanted):
        by_id = dropped_texts(store, {row["doc_id"] for row in rows}, unit)
        missing = [row for row in rows if row["row"] not in found and row["doc_id"] in by_id]
        found |= {row["row"]: by_id[row["doc_id"]] for row in missing}
    return found


def compared_texts(store: Store, doc_ids: Iterable[str], units: Iterable[str] = ("",)) -> dict[str, str]:
    """doc_id -> text as deduplication read it, of documents that the rules kept: what passages, evaluation items and
    personal data took later is still there. After `gristmill clean` what `text/` or `dropped/` has.

    `units`: only the parts of these units are looked at.
    """
    wanted = set(doc_ids)
    found: dict[str, str] = {}
    for unit in units:
        found |= _from_arrow(store, store.parts("curated", unit), wanted - found.keys(), as_edited=True)
        for texts in (clean_texts, dropped_texts):
            found |= texts(store, wanted - found.keys(), unit)
    return found


def _from_arrow(
    store: Store, names: Iterable[str], wanted: set[Any], key: str = "doc_id", as_edited: bool = False
) -> dict[Any, str]:
    """Texts of parts by a key column, of a key that repeats the first; no part is opened beyond those that are
    needed."""
    found: dict[Any, str] = {}
    for name in names:
        if len(found) == len(wanted):
            break
        with store.open(name) as file:
            found |= _of_part(file, wanted - found.keys(), key, as_edited)
    return found


def _of_part(file: IO[bytes], wanted: set[Any], key: str, as_edited: bool) -> dict[Any, str]:
    """Texts by a key column; `as_edited`: with the edits of the rules. Only that column and the batches of wanted texts
    are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    from gristmill.filters.edits import edited

    found: dict[Any, str] = {}
    schema = pa.ipc.open_file(file).schema
    place = schema.get_field_index(key)
    values = pa.array(sorted(wanted), schema.field(place).type)
    ids = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=[place]))
    whole = pa.ipc.open_file(file)
    for number in range(ids.num_record_batches):
        rows = pc.indices_nonzero(pc.is_in(ids.get_batch(number).column(key), value_set=values))
        if len(rows):
            batch = whole.get_batch(number).take(rows)
            texts = edited(batch)[1] if as_edited else batch.column("text")
            for one, text in zip(batch.column(key).to_pylist(), texts.to_pylist(), strict=True):
                found.setdefault(one, text)
        if len(found) == len(wanted):
            break
    return found


def _from_parquet(store: Store, names: list[str], wanted: set[str]) -> dict[str, str]:
    """Texts by doc_id, of one that repeats the smallest. Texts are read of those row groups that hold a wanted one."""
    import pyarrow as pa
    import pyarrow.compute as pc
    import pyarrow.parquet as pq

    found: dict[str, str] = {}
    values = pa.array(sorted(wanted), pa.string())
    for name in names if wanted else ():
        with store.open(name) as opened:
            file = pq.ParquetFile(opened)
            for group in range(file.num_row_groups):
                rows = pc.indices_nonzero(pc.is_in(file.read_row_group(group, ["doc_id"])["doc_id"], value_set=values))
                if len(rows):
                    table = file.read_row_group(group, ["doc_id", "text"]).take(rows)
                    for one, text in zip(table["doc_id"].to_pylist(), table["text"].to_pylist(), strict=True):
                        found[one] = min(found.get(one, text or ""), text or "")
    return found
