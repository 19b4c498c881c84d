"""Texts of single documents: clean, as extracted, or dropped. No dataset is read as a whole."""

from collections.abc import Iterable, Mapping, Sequence
from typing import IO, TYPE_CHECKING, Any

if TYPE_CHECKING:  # DuckDB, and whoever only shows a finished report does without
    from gristmill.pipelines.storage.ledger import Ledger


def clean_texts(ledger: "Ledger", doc_ids: Iterable[str], unit: str = "") -> dict[str, str]:
    """doc_id -> text, for those that `text/` holds. Of a doc_id that repeats, the first one.

    `unit`: only the parts of this unit are looked at.
    """
    wanted = set(doc_ids)
    if not wanted:
        return {}
    names = ledger.files("text", unit)
    found = _from_parquet(ledger, [name for name in names if name.endswith(".parquet")], wanted)
    for name in names:
        if len(found) == len(wanted):
            break
        if name.endswith(".arrow"):
            with ledger.store.open(name) as file:
                found = _from_arrow(file, wanted - found.keys()) | found
    return found


def dropped_texts(ledger: "Ledger", doc_ids: Iterable[str], unit: str = "") -> dict[str, str]:
    """doc_id -> text, for those that `dropped/` holds. Of a doc_id that repeats, the smallest text.

    `unit`: only the parts of this unit are looked at.
    """
    return _from_parquet(ledger, ledger.files("dropped", unit), set(doc_ids))


def extracted_texts(ledger: "Ledger", rows: Sequence[Mapping[str, Any]], unit: str) -> dict[int, str]:
    """row -> text as it was extracted, of some documents of a unit, where the run still has it: those that the rules
    kept by their `row`, the others by their `doc_id`."""
    wanted = {row["row"] for row in rows}
    found: dict[int, str] = {}
    for name in ledger.files("curated", unit):
        if len(found) == len(wanted):
            break
        with ledger.store.open(name) as file:
            found |= _from_arrow(file, wanted - found.keys(), "row")
    if len(found) < len(wanted):
        by_id = dropped_texts(ledger, {row["doc_id"] for row in rows}, unit)
        missing = [row for row in rows if row["row"] not in found and row["doc_id"] in by_id]
        found |= {row["row"]: by_id[row["doc_id"]] for row in missing}
    return found


def _from_arrow(file: IO[bytes], wanted: set[Any], key: str = "doc_id") -> dict[Any, str]:
    """Texts by a key column. Only that column and the batches of wanted texts are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

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
            for one, text in zip(batch.column(key).to_pylist(), batch.column("text").to_pylist(), strict=True):
                found.setdefault(one, text)
        if len(found) == len(wanted):
            break
    return found


def _from_parquet(ledger: "Ledger", names: list[str], wanted: set[str]) -> dict[str, str]:
    if not names or not wanted:
        return {}
    rows = ledger.rows(
        f"SELECT doc_id, min(text) AS text FROM {ledger.parquet(names)} "
        "WHERE doc_id IN (SELECT unnest(?)) GROUP BY doc_id",
        [sorted(wanted)],
    )
    return {row["doc_id"]: row["text"] or "" for row in rows}
