"""The evidence of a run: which item of which set stands in which document, the two texts side by side."""

import io
from collections.abc import Iterator, Sequence
from dataclasses import asdict, dataclass
from typing import Any

import yaml

from gristmill.filters.contamination.index import Index, open_index
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.report.alignment import Side, differing
from gristmill.pipelines.report.excerpts import Excerpts
from gristmill.pipelines.report.texts import extracted_texts
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.store import Store

ACTIONS = {
    "drop": "documents with one were dropped",
    "cut": "they were cut out of the documents",
    "report": "the documents stay as they were",
}
"""What became of what was found, by the recipe's `action`."""
SHOWN = 700
"""Characters of an item, and of the span in the document, that are compared."""
GONE = "the text of the document was removed by `gristmill clean`"
_ROWS = """\
SELECT * FROM 'contamination/*.parquet' {where}
ORDER BY score DESC, set, item, doc_id, start {limit}"""


@dataclass(frozen=True)
class Evidence:
    """An item that stands in a document. Texts are scrubbed; `start` and `end` are bytes of the extracted text."""

    set: str
    item: int
    item_id: str
    doc_id: str
    source: str
    lang: str | None
    start: int
    end: int
    score: float
    question: float
    answer: float | None
    choices: float | None
    passage: float | None
    action: str
    item_text: Side
    document_text: Side
    text_absent: str

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


@dataclass(frozen=True)
class Phrase:
    """An item that more documents say than a leak leaves: it was not counted in these. The text is scrubbed."""

    set: str
    item: int
    item_id: str
    documents: int
    text: str

    def to_json(self) -> dict[str, Any]:
        """As a JSON object."""
        return asdict(self)


class EvidenceReader:
    """Asks a run for the evidence of contamination."""

    def __init__(self, ledger: Ledger, excerpts: Excerpts):
        self.ledger, self._excerpts = ledger, excerpts
        self._texts_of: dict[tuple[int, int, str], int] | None = None

    @property
    def store(self) -> Store:
        """Of the run."""
        return self.ledger.store

    def rates(self) -> dict[str, Any]:
        """`contamination` of the manifest. Raises RecipeError for a run that looked for no evaluation sets."""
        found = (self.store.read_json(MANIFEST) or {}).get("contamination")
        if found is None:
            fix = "add `decontaminate: {sets: {NAME: {paths: FILE}}}` to the recipe and run it again, up to `text`"
            raise RecipeError("no evaluation sets were looked for in this run", where=self.store.root, fix=fix)
        for of in found["sets"].values():
            of.setdefault("phrases", [])  # of a run that an earlier version made
        return found

    def rows(self, name: str | None = None, most: int | None = None) -> list[dict[str, Any]]:
        """Rows of the evidence, the surest first; of one set only, where it is named."""
        if not self.ledger.has("contamination"):
            return []
        where, limit = "WHERE set = ?" if name else "", f"LIMIT {most}" if most is not None else ""
        return self.ledger.rows(_ROWS.format(where=where, limit=limit), [name] if name else [])

    def phrases(self, name: str | None, most: int) -> list[Phrase]:
        """Items of the sets, or of one, that were taken for phrases of the corpus: at most so many, the commonest
        first."""
        sets = {set_: of["phrases"] for set_, of in self.rates()["sets"].items() if name in (None, set_)}
        common = sorted(
            ((set_, one["item"], one["documents"]) for set_, found in sets.items() for one in found),
            key=lambda one: (-one[2], one[0], one[1]),
        )
        if not common:
            return []
        index = self._index()
        places = self._places(index)
        told = []
        for set_, item, documents in common[:most]:
            at = places[index.set_names.index(set_), item]
            text, _ = self._excerpts.excerpt(index.text("question", at), SHOWN)
            told.append(Phrase(set_, item, self._excerpts.name(index.text("id", at) or ""), documents, text))
        return told

    def of_document(self, doc_id: str | None, unit: str, row: int) -> list[Evidence]:
        """What is known of one document."""
        if doc_id is None or not self.ledger.has("contamination"):
            return []
        asked = _ROWS.format(where="WHERE unit = ? AND row = ?", limit="")
        return list(self.explained(self.ledger.rows(asked, [unit, row])))

    def explained(self, rows: Sequence[dict[str, Any]]) -> Iterator[Evidence]:
        """Rows with their texts."""
        index = self._index() if rows else None
        if index is None:
            return
        by_unit: dict[str, list[dict[str, Any]]] = {}
        for row in rows:
            by_unit.setdefault(row["unit"], []).append(row)
        texts = {unit: extracted_texts(self.ledger.store, mine, unit) for unit, mine in by_unit.items()}
        places = self._places(index)
        for row in rows:
            text = texts[row["unit"]].get(row["row"])
            item = places[index.set_names.index(row["set"]), row["item"]]
            asked = index.text("question", item)
            span = "" if text is None else text.encode()[row["start"] : row["end"]].decode("utf-8", "replace")
            ours, theirs = (self._excerpts.excerpt(one, SHOWN)[0] for one in (asked, span))
            item_text, document_text = differing(ours, theirs) if theirs else (differing(ours, ours)[0], [])
            known = {name: row[name] for name in Evidence.__dataclass_fields__ if name in row}
            known |= {"item_id": self._excerpts.name(row["item_id"] or "")}
            absent = "" if text is not None else GONE
            yield Evidence(**known, item_text=item_text, document_text=document_text, text_absent=absent)

    def _index(self) -> Index:
        recipe = yaml.safe_load(self.store.read_bytes(RECIPE)) or {}
        return open_index(io.BytesIO(self.store.read_bytes(recipe["decontaminate"]["kept"])))

    def _places(self, index: Index) -> dict[tuple[int, int], int]:
        """(set, number of the item) -> its place in the index, the first of several."""
        sets, numbers = index.array("set_I").tolist(), index.array("number_I").tolist()
        return {key: at for at, key in reversed(list(enumerate(zip(sets, numbers, strict=True))))}
