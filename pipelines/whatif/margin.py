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
from gristmill.pipelines.storage.ledger import Ledger
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
    excerpts = scrubbed_excerpts() if counted.gained.any() or counted.lost.any() else None
    with Ledger(store) as ledger:
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
                    found += _nearest(ledger, counted, rows, one, gained, units, excerpts)
    return found


def _nearest(
    ledger: Ledger,
    counted: Counted,
    rows: np.ndarray,
    asked: _Asked,
    gained: bool,
    units: list[str],
    excerpts: Excerpts,
) -> Iterator[Sample]:
    """Those of some documents whose numbers are nearest to the bound."""
    documents, names = counted.documents, counted.names
    known = _values(ledger, documents.place[rows], asked.column, units)
    numbers = [known.get(place, ("", None))[1] for place in documents.place[rows].tolist()]
    far = [np.inf if value is None else abs(value - asked.bound) for value in numbers]
    for at in np.argsort(far, kind="stable")[:EACH].tolist():
        row, place = rows[at], int(documents.place[rows[at]])
        doc_id, value = known.get(place, ("", None))
        texts = dropped_texts if gained else clean_texts
        text = texts(ledger, [doc_id], units[place >> 32]).get(doc_id, "") if doc_id else ""
        shown, cut = excerpts.excerpt(text, CHARACTERS)
        source, lang = names.sources[documents.source[row]], names.langs[documents.lang[row]]
        yield Sample(gained, asked.name, asked.column, value, asked.bound, doc_id, source, lang, shown, cut)


def _values(ledger: Ledger, places: np.ndarray, column: str, units: list[str]) -> dict[int, tuple[str, float | None]]:
    """Place -> doc_id and the number in a column of the ledger."""
    found: dict[int, tuple[str, float | None]] = {}
    for unit in np.unique(places >> np.uint64(32)).tolist():
        mine = np.sort(places[places >> np.uint64(32) == unit])
        for path in ledger.files("ledger", units[unit]):
            with ledger.store.open(path) as file:
                table = pq.ParquetFile(file)
                there = column in table.schema_arrow.names
                read = table.read(["row", "doc_id", *([column] if there else [])])
            place = np.uint64(unit << 32) | read["row"].to_numpy().astype(np.uint64)
            wanted = among(mine, place)
            read = read.filter(pa.array(wanted))
            values = read.column(column).to_pylist() if there else [None] * read.num_rows
            known = zip(read["doc_id"].to_pylist(), values, strict=True)
            found |= dict(zip(place[wanted].tolist(), known, strict=True))
    return found
