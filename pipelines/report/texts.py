"""Texts of single documents, from the clean text dataset and from the dropped ones, without reading all of either."""

from collections.abc import Iterable
from typing import IO, TYPE_CHECKING

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


def _from_arrow(file: IO[bytes], wanted: set[str]) -> dict[str, str]:
    """Only doc_id columns and the batches of wanted texts are read."""
    import pyarrow as pa
    import pyarrow.compute as pc

    found: dict[str, str] = {}
    values = pa.array(sorted(wanted), pa.string())
    place = pa.ipc.open_file(file).schema.get_field_index("doc_id")
    ids = pa.ipc.open_file(file, options=pa.ipc.IpcReadOptions(included_fields=[place]))
    whole = pa.ipc.open_file(file)
    for number in range(ids.num_record_batches):
        rows = pc.indices_nonzero(pc.is_in(ids.get_batch(number).column("doc_id"), value_set=values))
        if len(rows):
            batch = whole.get_batch(number).take(rows)
            for doc_id, text in zip(batch.column("doc_id").to_pylist(), batch.column("text").to_pylist(), strict=True):
                found.setdefault(doc_id, text)
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
