"""Texts of single documents, from the clean text dataset and from the dropped ones, without reading all of either."""

from collections.abc import Iterable
from pathlib import Path

import duckdb
import pyarrow as pa
import pyarrow.compute as pc

from pipelines.ledger import literal
from pipelines.report.material import Material


def clean_texts(material: Material, doc_ids: Iterable[str]) -> dict[str, str]:
    """doc_id -> text, for those that `text/` holds. Of a doc_id that repeats, the first one."""
    wanted, folder = set(doc_ids), material.run / "text"
    if not wanted:
        return {}
    found = _from_parquet(sorted(folder.glob("*.parquet")), wanted)
    for file in sorted(folder.glob("*.arrow")):
        if len(found) == len(wanted):
            break
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


def _from_arrow(file: Path, wanted: set[str]) -> dict[str, str]:
    """Only doc_id columns and the pages of wanted texts are touched: the file is mapped, not read."""
    found: dict[str, str] = {}
    values = pa.array(sorted(wanted), pa.string())
    with pa.memory_map(str(file)) as source, pa.ipc.open_file(source) as reader:
        for number in range(reader.num_record_batches):
            batch = reader.get_batch(number)
            rows = pc.indices_nonzero(pc.is_in(batch.column("doc_id"), value_set=values))
            for row in rows.to_pylist():
                found.setdefault(batch.column("doc_id")[row].as_py(), batch.column("text")[row].as_py())
            if len(found) == len(wanted):
                break
    return found


def _from_parquet(files: list[Path], wanted: set[str]) -> dict[str, str]:
    if not files:
        return {}
    paths = ", ".join(literal(str(file)) for file in files)
    with duckdb.connect() as connection:
        rows = connection.execute(
            f"SELECT doc_id, min(text) FROM read_parquet([{paths}]) WHERE doc_id IN (SELECT unnest(?)) GROUP BY doc_id",
            [sorted(wanted)],
        ).fetchall()
    return dict(rows)
