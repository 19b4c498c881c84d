"""docs/datasets.md: every column of every dataset, from the schemas, and how each is opened."""

from collections.abc import Iterator
from typing import NamedTuple

import pyarrow as pa

from gristmill.pipelines.recipe.columns import ARROW_TYPES, curated_schema, dropped_schema, text_schema
from gristmill.pipelines.recipe.schema import Recipe
from gristmill.pipelines.records import columns
from gristmill.pipelines.stages.text import ledger_schema
from gristmill.tokenizer.shards import format as shards
from gristmill.tokenizer.shards import index, packing

INTRODUCTION = """\
# Datasets

Made from the schemas in the code by `make docs`.

What lies in a run directory, column by column. Parts are named by their content; `manifest.json` lists them with
sha256, and only what it lists is the run's. Join by `doc_id`, or by `unit` and `row`.

TABLE

## How to open them

```python
import datasets  # Hugging Face
import duckdb
import gristmill
import polars
import pyarrow as pa
import pyarrow.dataset

duckdb.sql("SELECT verdict, count(*) FROM 'RUN/ledger/*.parquet' GROUP BY verdict")  # Parquet by path
text = pa.dataset.dataset("RUN/text", format="ipc")
duckdb.sql("SELECT lang, sum(bytes) FROM text GROUP BY lang")  # Arrow files through pyarrow

polars.scan_ipc("RUN/text/*.arrow")  # lazily; read_ipc reads all
polars.scan_parquet("RUN/ledger/*.parquet")

text.to_table(columns=["text", "source"])

datasets.load_dataset("arrow", data_files="RUN/text/*.arrow", split="train")  # streaming=True: without a copy
datasets.load_dataset("parquet", data_files="RUN/ledger/*.parquet", split="train")
datasets.Dataset(text.to_table())  # in memory

gristmill.open_run("RUN").dataset("text").to_table()  # the parts that the manifest lists, and no other file
```

`datasets.Dataset.from_file` maps one file of the Arrow *stream* format, and so opens none of ours: they are files, with
an index at their end, which lets every other reader skip batches and columns. `load_dataset("arrow", ...)` reads them
and keeps streams in its own cache. To make streams yourself:

```python
from pathlib import Path

import pyarrow as pa

for part in sorted(Path("RUN/text").glob("*.arrow")):
    with pa.ipc.open_file(part) as file, pa.ipc.new_stream(f"streams/{part.name}", file.schema) as stream:
        for number in range(file.num_record_batches):
            stream.write_batch(file.get_batch(number))
```

Columns never change their meaning between runs; a newer version may add some.
"""

_PRIVATE = "**yes**; `gristmill clean` removes it"
_SCRUBBED = "no, where the recipe scrubs"
OVERVIEW = (
    ("text", "a kept document, clean", "Arrow files, zstd; or Parquet: `text: {format: parquet}`", _SCRUBBED),
    ("ledger", "a record, whatever became of it", "Parquet", _SCRUBBED),
    ("clusters", "a document that has a duplicate, or is one", "Parquet", "no"),
    ("contamination", "an item of an evaluation set that stands in a document", "Parquet", "no"),
    ("dropped", "a dropped document, whole", "Parquet", _PRIVATE),
    ("dead", "a record that could not be processed", "Parquet", _PRIVATE),
    ("curated", "a document that the rules kept, as extracted, with its edits", "Arrow files, zstd", _PRIVATE),
    (
        "tokens",
        "a document as token ids, in `train/`, `validation/` and `test/`",
        "Arrow files, to be memory-mapped",
        "as `text/`",
    ),
    ("tokens/plan", "a piece of a document in a training row", "Arrow files", "no"),
)
"""Dataset, what one row is, format, whether it may hold personal data."""
HEAD = ("| column | type | null | meaning |", "|---|---|---|---|")


class Row(NamedTuple):
    """A column as the page shows it."""

    name: str
    type: str
    null: str
    meaning: str


def datasets_page() -> str:
    """The whole page."""
    lines = [INTRODUCTION.replace("TABLE", "\n".join(_overview()))]
    for title, schema in schemas().items():
        lines += [f"## {title}", "", *HEAD]
        lines += [
            f"| `{row.name}` | {row.type} | {row.null or 'never'} | {row.meaning} |" for row in _rows(title, schema)
        ]
        if title in ("text", "curated", "dropped"):
            kinds = ", ".join(ARROW_TYPES)
            lines.append(f"| the recipe's `columns` | {kinds} | where a record has none | as the recipe names them |")
        if title == "ledger":
            lines.append(
                "| one for every signal that a rule judges | double | where no rule asks for it | its value, which"
                " [rules.md](rules.md#signals) explains; `__c4` behind a name: of the text after that edit |"
            )
        lines.append("")
    lines += [*_tokens()]
    return "\n".join([*lines, ""])


def schemas() -> dict[str, pa.Schema]:
    """Dataset -> its schema, without typed columns and signals."""
    recipe = Recipe.model_validate({"gristmill": 1, "name": "any", "sources": {"any": {"format": "bundled"}}})
    return {
        "text": text_schema(recipe),
        "ledger": ledger_schema(columns.VERDICTS),
        "clusters": columns.CLUSTERS,
        "contamination": columns.CONTAMINATION,
        "dropped": dropped_schema(recipe),
        "dead": columns.DEAD,
        "curated": curated_schema(recipe),
    }


def _rows(dataset: str, schema: pa.Schema) -> Iterator[Row]:
    for field in schema:
        meaning = columns.meaning_of(dataset, field.name)
        yield Row(field.name, _type(field.type), meaning.null, meaning.text)


def _type(type_: pa.DataType) -> str:
    if pa.types.is_list(type_):
        return f"list of {_type(type_.value_type)}"
    if pa.types.is_struct(type_):
        return "{" + ", ".join(f"{field.name}: {_type(field.type)}" for field in type_) + "}"
    return str(type_)


def _tokens() -> Iterator[str]:
    kinds = {"tokens": "large list of uint16 or uint32", **{k: str(t) for k, t in shards.DOCUMENT_COLUMNS}}
    kinds |= {name: str(type_).replace("<item: ", " of ").rstrip(">") for name, type_ in shards.OPTIONAL_COLUMNS}
    kinds = {name: kind.replace("large_list", "large list") for name, kind in kinds.items()}
    yield from (
        "## tokens",
        "",
        "The schema's metadata name the tokenizer's sha256, its vocabulary and special ids. `kind` in"
        " `tokens/index.json` says what a row is:",
        "",
        *(f"* `{kind}`: {meaning}" for kind, meaning in index.KINDS.items()),
        "",
        *HEAD,
    )
    yield from (f"| `{name}` | {kind} | never | {shards.MEANINGS[name]} |" for name, kind in kinds.items())
    yield from ("", "## tokens/plan", "", "The metadata hold sequence length, seed, rows, padding.", "", *HEAD)
    yield from (f"| `{name}` | int32 | never | {packing.MEANINGS[name]} |" for name in packing.SEGMENT_COLUMNS)


def _overview() -> Iterator[str]:
    yield from ("| dataset | one row is | format | holds personal data |", "|---|---|---|---|")
    for name, row, form, private in OVERVIEW:
        yield f"| [{name}/](#{name.replace('/', '')}) | {row} | {form} | {private} |"
