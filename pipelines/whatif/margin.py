"""Documents that a change brings in or sends away, nearest to the bound: what the next step of a threshold is about."""

from collections.abc import Iterator
from dataclasses import dataclass

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.filters.judge import Judge
from gristmill.pipelines.report.excerpts import Excerpts, scrubbed_excerpts
from gristmill.pipelines.report.texts import clean_texts, dropped_texts
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.whatif.answer import Counted, Sample
from gristmill.pipelines.whatif.sets import among

EACH = 3
"""Documents shown of each direction and rule."""
RULES = 3
"""Rules of which documents are shown in each direction, those first that change most."""
LOOKED_AT = 512
"""Documents of a rule among which the nearest are looked for: the first of the ledger."""
CHARACTERS = 240


@dataclass(frozen=True)
class _Asked:
    """A rule, and where its number stands in the ledger."""

    name: str
    column: str
    bound: float


def samples(store: Store, counted: Counted, judge: Judge, units: list[str]) -> list[Sample]:
    """A few documents for each rule that brings in or sends away most."""
    before = {
        rule["name"]: _Asked(rule["name"], rule["column"], rule["threshold"])
        for rule in reversed((store.read_json(MANIFEST) or {}).get("rules", []))
    }
    now = {name: _Asked(name, column, rule.threshold) for _, name, column, rule in reversed(judge.placed_rules())}
    documents, names = counted.documents, counted.names
    found: list[Sample] = []
    excerpts = scrubbed_excerpts(store) if counted.gained.any() or counted.lost.any() else None
    for gained, mask, row, rule, named, asked in (
        (True, counted.gained, documents.row_G, documents.rule_G, names.before, before),
        (False, counted.lost, documents.row_F, documents.rule_F, names.now, now),
    ):
        chosen = mask[row]
        counts = np.bincount(rule[chosen], minlength=len(named))
        most = [number for number in np.argsort(-counts, kind="stable").tolist()[:RULES] if counts[number]]
        for number in most:
            if (one := asked.get(named[number])) is not None and excerpts is not None:
                rows = np.unique(row[chosen & (rule == number)])[:LOOKED_AT]
                found += _nearest(store, counted, rows, one, gained, units, excerpts)
    return found


def _nearest(
    store: Store,
    counted: Counted,
    rows: np.ndarray,
    asked: _Asked,
    gained: bool,
    units: list[str],
    excerpts: Excerpts,
) -> Iterator[Sample]:
    """Those of some documents whose numbers are nearest to the bound."""
    documents, names = counted.documents, counted.names
    known = _known(store, documents.place[rows], asked.column, units)
    places = documents.place[rows].tolist()
    far = [np.inf if (value := known[place][1]) is None else abs(value - asked.bound) for place in places]
    nearest = np.argsort(far, kind="stable")[:EACH].tolist()
    texts_of = dropped_texts if gained else clean_texts
    texts: dict[str, str] = {}
    for unit in dict.fromkeys(places[at] >> 32 for at in nearest):
        texts |= texts_of(store, [known[places[at]][0] for at in nearest if places[at] >> 32 == unit], units[unit])
    for at in nearest:
        doc_id, value = known[places[at]]
        shown, cut = excerpts.excerpt(texts.get(doc_id, ""), CHARACTERS)
        source, lang = names.sources[documents.source[rows[at]]], names.langs[documents.lang[rows[at]]]
        yield Sample(gained, asked.name, asked.column, value, asked.bound, doc_id, source, lang, shown, cut)


def _known(store: Store, places: np.ndarray, column: str, units: list[str]) -> dict[int, tuple[str, float | None]]:
    """Place -> doc_id and the number in a column of the ledger, of some documents; row groups without any are not
    read."""
    found: dict[int, tuple[str, float | None]] = {}
    for unit in np.unique(places >> np.uint64(32)).tolist():
        rows = np.sort(places[places >> np.uint64(32) == unit].astype(np.uint32))
        for path in store.parts("ledger", units[unit]):
            with store.open(path) as opened:
                file = pq.ParquetFile(opened)
                there = column in file.schema_arrow.names
                for group in range(file.num_row_groups):
                    if not _may_hold(file.metadata.row_group(group), rows):
                        continue
                    table = file.read_row_group(group, ["row", "doc_id", *([column] if there else [])])
                    table = table.filter(pa.array(among(rows, table["row"].to_numpy())))
                    values = table[column].to_pylist() if there else [None] * len(table)
                    numbers = (unit << 32 | row for row in table["row"].to_pylist())
                    found |= dict(zip(numbers, zip(table["doc_id"].to_pylist(), values, strict=True), strict=True))
    return found


def _may_hold(group: pq.RowGroupMetaData, rows: np.ndarray) -> bool:
    """Whether a row group of the ledger has any of some rows (sorted), by what it says of its rows."""
    columns = (group.column(number) for number in range(group.num_columns))
    told = next(column for column in columns if column.path_in_schema == "row").statistics
    first, last = np.searchsorted(rows, [told.min, told.max + 1])
    return bool(first < last)
