"""Which records of a run a person means: by address, by the record's own id, by doc_id, by place or by file."""

import re
from collections.abc import Callable
from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.records.elements import Unit
from gristmill.pipelines.storage.ledger import Ledger, QueryError

LISTED = 20
"""Records that are listed where several match; the others are counted."""

_COLUMNS = "unit, row, doc_id, id, url, source, lang, verdict, step, rules"
_ORDER = "doc_id, verdict = 'dropped', unit, row"
_PLACE = re.compile(r"([0-9a-f]{4,32})/(\d{1,10})")

_EXACT = f"""
SELECT how, {_COLUMNS}, count(*) OVER (PARTITION BY how) AS documents
FROM (SELECT {_COLUMNS},
             CASE WHEN url = $asked THEN 'url' WHEN id = $asked THEN 'id' WHEN doc_id = $hex THEN 'doc_id'
                  WHEN starts_with(doc_id, $hex) THEN 'prefix of doc_id'
                  WHEN starts_with(unit, $unit) AND row = $row THEN 'unit/row' END AS how,
             CASE how WHEN 'url' THEN 0 WHEN 'id' THEN 1 WHEN 'doc_id' THEN 2 WHEN 'prefix of doc_id' THEN 3 ELSE 4 END
                  AS place
      FROM 'ledger/*.parquet')
WHERE how IS NOT NULL QUALIFY place = min(place) OVER () ORDER BY {_ORDER} LIMIT {LISTED}"""


def _page(url: str) -> str:
    """SQL for an address without what may be written either way: scheme, www, capitals, %-signs, `/` at the end."""
    plain = f"regexp_replace(lower(url_decode({url})), '^([a-z][a-z0-9+.-]*:)?//|#.*$', '', 'g')"
    return f"rtrim(regexp_replace({plain}, '^www\\.', ''), '/')"


_ALIKE = f"""
SELECT {_COLUMNS}, count(*) OVER () AS documents FROM 'ledger/*.parquet'
WHERE {_page("url")} = {_page("$asked")} OR url = $scrubbed OR id = $scrubbed OR lower(id) = lower(trim($asked))
ORDER BY {_ORDER} LIMIT {LISTED}"""

_OF_FILE = f"""
SELECT {_COLUMNS}, count(*) OVER () AS documents FROM 'ledger/*.parquet'
JOIN (SELECT unnest($units) AS unit, unnest($starts) AS start, unnest($ends) AS stop) USING (unit)
WHERE row >= start AND row < stop
ORDER BY verdict = 'kept', verdict = 'dropped', unit, row LIMIT {LISTED}"""

_NEAREST = """
SELECT max_by(name, likeness) AS name, max(likeness) AS likeness
FROM (SELECT name, jaro_winkler_similarity(name, $asked) AS likeness
      FROM (SELECT unnest([url, id]) AS name FROM 'ledger/*.parquet') WHERE name IS NOT NULL)"""

_LIKE_ENOUGH = 0.85
COMPARED = 2_000_000
"""Rows of a ledger that a name is compared with, in about a second: of a larger one nobody suggests a name."""


@dataclass(frozen=True)
class Matches:
    """Rows of the ledger (some of their columns) that match, the first LISTED of `documents`, and by what they do."""

    by: str
    documents: int
    rows: list[dict[str, Any]]

    @property
    def one(self) -> bool:
        """Whether they are one document: the same record may have been read more than once."""
        names = {row["doc_id"] for row in self.rows}
        return self.documents == 1 or (len(names) == 1 and names != {None} and self.documents == len(self.rows))


Rows = Callable[[Unit, str], range]
"""A unit and one of its files -> the rows of the unit that stand in it."""


def find(ledger: Ledger, asked: str, scrubbed: str, units: list[Unit], rows_of: Rows) -> Matches | None:
    """What `asked` means, the first of these that there is: address, own id, doc_id, its beginning, `unit/row`, input
    file; an address that is written otherwise, or what a run that scrubs made of it (`scrubbed`). None: nothing."""
    place = _PLACE.fullmatch(asked)
    unit, row = (place[1], int(place[2])) if place else ("-", -1)
    rows = ledger.rows(_EXACT, {"asked": asked, "hex": asked.lower(), "unit": unit, "row": row})
    if rows:
        return _matches(rows[0]["how"], rows)
    if rows := _of_file(ledger, asked, units, rows_of):
        return _matches("file", rows)
    rows = ledger.rows(_ALIKE, {"asked": asked, "scrubbed": scrubbed})
    return _matches("an address or id that is written otherwise", rows) if rows else None


def _matches(by: str, rows: list[dict[str, Any]]) -> Matches:
    documents = rows[0]["documents"]
    return Matches(by, documents, [{k: v for k, v in row.items() if k not in ("how", "documents")} for row in rows])


def _of_file(ledger: Ledger, asked: str, units: list[Unit], rows_of: Rows) -> list[dict[str, Any]]:
    """The records of an input file, which is named as it is or by the end of its path."""
    ending = "/" + asked.removeprefix("./")
    found = {(unit, s.path) for unit in units for s in unit.splits if s.path == asked or s.path.endswith(ending)}
    if not found:
        return []
    rows = [(unit.key, rows_of(unit, path)) for unit, path in found]
    names, starts, ends = zip(*((key, some.start, some.stop) for key, some in rows), strict=True)
    return ledger.rows(_OF_FILE, {"units": list(names), "starts": list(starts), "ends": list(ends)})


def nearest(ledger: Ledger, asked: str) -> str | None:
    """The address or id that is most like what was asked for; None where none is, or there are too many to compare."""
    if ledger.row("SELECT count(*) AS documents FROM 'ledger/*.parquet'")["documents"] > COMPARED:
        return None
    try:
        row = ledger.row(_NEAREST, {"asked": asked})
    except QueryError:  # a name that its functions cannot take: no suggestion then
        return None
    return row["name"] if (row["likeness"] or 0) >= _LIKE_ENOUGH else None
