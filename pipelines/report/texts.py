"""Texts of single documents, from the clean text dataset and from the dropped ones, without reading all of either."""

from collections.abc import Iterable
from typing import IO

from gristmill.pipelines.report.material import Material
from gristmill.pipelines.storage.layout import is_ours


def clean_texts(material: Material, doc_ids: Iterable[str]) -> dict[str, str]:
    """doc_id -> text, for those that `text/` holds. Of a doc_id that repeats, the first one."""
    wanted = set(doc_ids)
    if not wanted:
        return {}
    names = [path for name in material.store.names("text") if is_ours(path := f"text/{name}")]
    found = _from_parquet(material, [name for name in names if name.endswith(".parquet")], wanted)
    for name in names:
        if len(found) == len(wanted):
            break
        if name.endswith(".arrow"):
            with material.store.open(name) as file:
                found = _from_arrow(file, wanted - found.keys()) | found
    return found


def dropped_texts(material: Material, doc_ids: Iterable[str]) -> dict[str, str]:
    """doc_id -> text, for those that `dropped/` holds. Of a doc_id that repeats, the smallest text."""
    wanted = sorted(set(doc_ids))
    if not wanted or not material.ledger.has("dropped"):
        return {}
    rows = material.ledger.rows(
        "SELECT doc_id, min(text) AS text FROM 'dropped/*.parquet' WHERE doc_id IN (SELECT unnest(?)) GROUP BY doc_id",
        [wanted],
    )
    return {row["doc_id"]: row["text"] or "" for row in rows}


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


def _from_parquet(material: Material, names: list[str], wanted: set[str]) -> dict[str, str]:
    if not names:
        return {}
    rows = material.ledger.rows(
        f"SELECT doc_id, min(text) AS text FROM {material.ledger.parquet(names)} "
        "WHERE doc_id IN (SELECT unnest(?)) GROUP BY doc_id",
        [sorted(wanted)],
    )
    return {row["doc_id"]: row["text"] for row in rows}
