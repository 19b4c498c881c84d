"""The columns of every dataset that the stages write, and how a batch is put together from them."""

from collections.abc import Mapping
from typing import Any, NamedTuple

import numpy as np
import pyarrow as pa

from gristmill.filters.pii.finding import FINDING
from gristmill.pipelines.errors import utf8_text
from gristmill.pipelines.records.elements import DeadLetter

SPANS = pa.list_(pa.struct([("start", pa.int64()), ("end", pa.int64()), ("kind", pa.string())]))
"""Edits as the ledger shows them: without the replaced or replacing text."""

FINDINGS = pa.list_(FINDING)
"""What was found in a text: see filters/pii/operators/audit.py."""

IDENTITY = [("doc_id", pa.string()), ("id", pa.string()), ("source", pa.string()), ("url", pa.string())]
LANGUAGE = [("lang", pa.string()), ("lang_score", pa.float32()), ("script", pa.string())]
VERDICT = [("verdict", pa.string()), ("judged", pa.bool_()), ("step", pa.string()), ("rules", pa.list_(pa.string()))]
"""verdict: kept, dropped or dead. judged: an entry of `decide` admitted the document; null where it never got there.
step: what dropped it, or where it died. rules: all that fired."""
CLUSTER = [
    ("cluster", pa.string()),
    ("duplicate_of", pa.string()),
    ("duplicate_in", pa.string()),
    ("similarity", pa.float32()),
    ("lost", pa.float32()),
]
WEIGHT = [("cluster_size", pa.int32()), ("weight", pa.float32())]

VERDICTS = pa.schema([*IDENTITY, ("row", pa.uint32()), *LANGUAGE, ("bytes", pa.int64()), *VERDICT])
"""What stage A knows of every record of a unit, dead ones included; signal columns follow."""
DROPPED = pa.schema(
    [
        *IDENTITY,
        ("text", pa.large_string()),
        ("lang", pa.string()),
        ("step", pa.string()),
        ("rules", pa.list_(pa.string())),
        ("duplicate_of", pa.string()),
        ("meta", pa.large_string()),
    ]
)
CLUSTERS = pa.schema(
    [
        ("cluster", pa.string()),
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("similarity", pa.float32()),
        ("lost", pa.float32()),
        ("duplicate_of", pa.string()),
        ("duplicate_in", pa.string()),
        ("kept", pa.bool_()),
    ]
)
CONTAMINATION = pa.schema(
    [
        ("set", pa.string()),
        ("item", pa.uint32()),
        ("item_id", pa.string()),
        ("doc_id", pa.string()),
        ("source", pa.string()),
        ("lang", pa.string()),
        ("unit", pa.string()),
        ("row", pa.uint32()),
        ("start", pa.int64()),
        ("end", pa.int64()),
        ("score", pa.float32()),
        ("question", pa.float32()),
        ("answer", pa.float32()),
        ("choices", pa.float32()),
        ("passage", pa.float32()),
        ("action", pa.string()),
    ]
)
"""The evidence: an item of an evaluation set that stands in a document, and where."""
DEAD = pa.schema(
    [
        ("source", pa.string()),
        ("file", pa.string()),
        ("offset", pa.int64()),
        ("length", pa.int64()),
        ("row", pa.uint32()),
        ("step", pa.string()),
        ("error", pa.string()),
        ("sha256", pa.string()),
        ("first_bytes", pa.binary()),
    ]
)

CONTENT: dict[str, tuple[str, ...]] = {
    "text": ("doc_id", "text", "meta", "cluster"),
    "dropped": ("doc_id", "text", "rules"),
    "dead": ("sha256", "error"),
    "ledger": ("doc_id", "verdict", "rules", "cluster"),
    "clusters": ("doc_id", "cluster", "duplicate_of"),
    "contamination": ("doc_id", "set", "item_id", "action"),
}
"""What the order-independent digest of a dataset covers."""


class Meaning(NamedTuple):
    """What a column says, and when it is null ("": never). Kept beside the schemas, not in them: no file's bytes depend
    on how it is described."""

    text: str
    null: str = ""


MEANINGS: dict[str, Meaning] = {
    "doc_id": Meaning(
        "128-bit hash of source, own id and the record's bytes, as hex: the key for joins. It repeats where the same"
        " record was read twice",
        "of records that died while they were read",
    ),
    "id": Meaning("the record's own id (the source's `id`), scrubbed where the recipe scrubs", "where it has none"),
    "source": Meaning("name of the source in the recipe"),
    "url": Meaning("the page's address (the source's `url`), scrubbed where the recipe scrubs", "where it has none"),
    "row": Meaning("position of the record in its unit, from 0"),
    "unit": Meaning("key of the unit that read the record; `_plan/units.arrow` says which files it reads"),
    "lang": Meaning(
        "ISO 639-1 code, else 639-3: declared by the source, or identified; also `und` (no letter), `noise` (hardly "
        "words), `mixed` (two languages)",
        "before it is known",
    ),
    "lang_score": Meaning("confidence of the identification, 0 to 1; 1 where it was declared", "before it is known"),
    "script": Meaning("ISO 15924 code of most of its letters, such as Latn or Hani", "before it is known"),
    "bytes": Meaning("UTF-8 bytes of the text; of a dead letter the length of its record"),
    "verdict": Meaning("`kept`, `dropped` or `dead`"),
    "judged": Meaning("whether an entry of `decide` admitted it", "where it never got there"),
    "step": Meaning(
        "what dropped it, or where it died: read, extract, decide, deduplicate, decontaminate, scrub",
        "of kept documents",
    ),
    "rules": Meaning("every rule that fired, in the recipe's order; empty where none did"),
    "cluster": Meaning(
        "doc_id of the best document of its duplicate cluster; its own where it has no duplicate",
        "of records that died while they were read",
    ),
    "duplicate_of": Meaning(
        "doc_id of the better document that it repeats, or that stays for its address",
        "where it repeats none, or is the same record once more",
    ),
    "duplicate_in": Meaning(
        "the index of `deduplicate.against` that holds `duplicate_of`, by name", "where that is of this run, or none"
    ),
    "similarity": Meaning(
        "exact Jaccard similarity of shingles to that document; 1 where the texts are equal",
        "where it repeats none, or only has its address",
    ),
    "lost": Meaning(
        "share of its shingles that the document which it repeats lacks: what goes with it",
        "where it repeats none, or only has its address",
    ),
    "cluster_size": Meaning(
        "how many documents of its duplicate cluster the rules kept in this run, itself included, one of each address"
    ),
    "weight": Meaning(
        "how often to repeat it in training, by `cluster_size` and `deduplicate.weights`", "where it was not kept"
    ),
    "kept": Meaning("whether it is in `text/`"),
    "text": Meaning("the text, UTF-8"),
    "meta": Meaning("all fields of the record that are no column, as one JSON object"),
    "edits": Meaning(
        "byte ranges of the extracted text that were changed, and by what (`kind`): line rules, entity types"
    ),
    "findings": Meaning(
        "personal data found in the text of a document that was scrubbed: byte range of the extracted text, entity"
        " type, score from 0 to 1, what was done (`action`), and where `scrub.key` is given a keyed hash of the value;"
        " never a value"
    ),
    "set": Meaning("name of the evaluation set in the recipe"),
    "item": Meaning("number of the item among those of its set that have a question, from 0"),
    "item_id": Meaning("the item's own id; its record's number where it has none"),
    "start": Meaning("where it begins in the extracted text, in bytes"),
    "end": Meaning("where it ends"),
    "score": Meaning("how sure it is that the item stands there, 0.6 to 1 (docs/decontamination.md)"),
    "question": Meaning("share of the item's question that stands there, by rarity of words"),
    "answer": Meaning("share of its answer that stands near by", "where it has none of its own"),
    "choices": Meaning("share of its choices that stand near by", "where it has none, or they are looked for with it"),
    "passage": Meaning("share of its passage that stands near by", "where it has none"),
    "action": Meaning(
        "what became of it, by whatever step: the document went (`drop`), the span (`cut`), nothing (`report`)"
    ),
    "file": Meaning("the input file, scrubbed where the recipe scrubs"),
    "offset": Meaning("where the record begins: byte of the (decompressed) file; row of a table"),
    "length": Meaning("bytes of the record; of what cannot be read on, of the rest"),
    "error": Meaning("`Type: message`, without text of the document"),
    "sha256": Meaning("of the whole record, as hex; empty where its bytes could not be had"),
    "first_bytes": Meaning("its first 4,096 bytes, not scrubbed: `gristmill clean` removes them"),
}
"""By column; a column means the same in every dataset, except as DIFFERING says."""

DIFFERING: dict[str, dict[str, Meaning]] = {
    "text": {
        "doc_id": MEANINGS["doc_id"]._replace(null=""),
        "text": Meaning("the clean text: extracted, edited, scrubbed"),
        "bytes": Meaning("UTF-8 bytes of the clean text"),
        "lang": MEANINGS["lang"]._replace(null=""),
        "lang_score": MEANINGS["lang_score"]._replace(null=""),
        "script": MEANINGS["script"]._replace(null=""),
        "cluster": MEANINGS["cluster"]._replace(null=""),
    },
    "curated": {
        "doc_id": MEANINGS["doc_id"]._replace(null=""),
        "id": Meaning("the record's own id", "where it has none"),
        "url": Meaning("the page's address", "where it has none"),
        "text": Meaning("the text as extracted, before edits and scrubbing"),
        "bytes": Meaning("UTF-8 bytes of the extracted text"),
        "lang": MEANINGS["lang"]._replace(null=""),
        "lang_score": MEANINGS["lang_score"]._replace(null=""),
        "script": MEANINGS["script"]._replace(null=""),
        "edits": Meaning("changes of editing presets: bytes [start, end) become `text`, `kind` says by which rule"),
    },
    "dropped": {
        "doc_id": MEANINGS["doc_id"]._replace(null=""),
        "id": Meaning("the record's own id", "where it has none"),
        "url": Meaning("the page's address", "where it has none"),
        "text": Meaning(
            "the text as extracted, not scrubbed: `gristmill clean` removes it", "where none was taken out"
        ),
        "step": Meaning("what dropped it: read, extract, decide, deduplicate, decontaminate, scrub"),
    },
    "dead": {"step": Meaning("where it died: read, extract, decide, scrub")},
    "contamination": {
        "doc_id": MEANINGS["doc_id"]._replace(null=""),
        "lang": MEANINGS["lang"]._replace(null=""),
        "row": Meaning("position of the document in its unit, from 0"),
        "unit": Meaning("key of the unit that read the document"),
    },
    "clusters": {name: MEANINGS[name]._replace(null="") for name in ("doc_id", "cluster")},
}
"""Dataset -> columns that mean something else there, or are never null there."""


def meaning_of(dataset: str, column: str) -> Meaning:
    """Raises KeyError for a column that nobody has described."""
    return DIFFERING.get(dataset, {}).get(column) or MEANINGS[column]


def assemble(schema: pa.Schema, rows: int, columns: Mapping[str, Any]) -> pa.RecordBatch:
    """A batch of a schema: a missing column is null, a plain value stands in every row, arrays are cast."""
    return pa.record_batch([_column(columns.get(field.name), field.type, rows) for field in schema], schema=schema)


def _column(value: Any, type_: pa.DataType, rows: int) -> pa.Array:
    if value is None:
        return pa.nulls(rows, type_)
    if isinstance(value, pa.Array):
        return value if value.type == type_ else value.cast(type_)
    if isinstance(value, str | int | float | bool):
        return pa.repeat(pa.scalar(value, type_), rows)
    return pa.array(value, type_)


def chosen(batch: pa.RecordBatch, rows_D: np.ndarray) -> pa.RecordBatch:
    """The rows (bool[D]) of a batch; itself where these are all, as a filter copies every text."""
    return batch if rows_D.all() else batch.filter(pa.array(rows_D))


def dead_batch(source: str, letters: list[DeadLetter]) -> pa.RecordBatch:
    """Dead letters of a source as rows of the `dead` dataset."""
    rows = [
        {
            "source": source,
            "file": utf8_text(letter.file),
            "offset": letter.offset,
            "length": letter.length,
            "row": letter.row,
            "step": letter.step,
            "error": letter.error,
            "sha256": letter.sha256,
            "first_bytes": letter.first_bytes,
        }
        for letter in letters
    ]
    return pa.RecordBatch.from_pylist(rows, schema=DEAD)
