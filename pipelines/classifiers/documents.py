"""The documents of a label: from files, from a run's `text/`, or those that a query over its ledger names."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gristmill.filters.language.identify import identify
from gristmill.filters.quality.feeding import feed_words
from gristmill.pipelines.classifiers.choose import Document
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe.load import LoadedRecipe
from gristmill.pipelines.recipe.sources import Documents, Source
from gristmill.pipelines.run.inputs.plan import plan_source
from gristmill.pipelines.storage.layout import is_ours
from gristmill.pipelines.storage.ledger import Ledger, QueryError
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.store import Store

BATCH = 1000
TAGS = r"<[A-Z]+(_[A-Z]+)*>"
"""What scrubbing leaves in `text/` and no document has when it is scored: it would tell where a text comes from."""


def documents(loaded: LoadedRecipe, name: str, label: str, asked: Documents) -> Iterator[Document]:
    """Every document of a label. Raises RecipeError for a place that names none, or more than one."""
    where = loaded.where("classifiers", name, "train", label)
    if (asked.files is None) == (asked.run is None):
        raise RecipeError(
            "a label needs either `files` or `run`",
            where=where,
            fix="write {files: {format: jsonl, paths: ...}}, or {run: RUN}, or {run: RUN, where: \"lang = 'en'\"}",
        )
    if asked.files is not None:
        if asked.where is not None:
            raise RecipeError("`where` asks the ledger of a run", where=where, fix="name a `run`, or remove `where`")
        yield from _of_files(loaded, f"{name}.{label}", asked.files)
        return
    assert asked.run is not None
    remote = "://" in asked.run
    store = open_run(asked.run if remote else loaded.folder / Path(asked.run).expanduser())
    yield from _of_query(store, asked.where, where) if asked.where else _of_text(store)


def _of_files(loaded: LoadedRecipe, name: str, source: Source) -> Iterator[Document]:
    recipe = loaded.recipe
    for unit in plan_source(name, source, loaded.folder, recipe.plan.unit_bytes):
        for records in read_unit(unit, source, recipe.read, recipe.extract):
            batch = records.batch.filter(records.batch.column("drop").is_null())
            columns = {"text": batch["text"], "url": batch["url"], "lang": batch["declared_language"]}
            yield from _made(pa.table(columns), "")


def text_shards(store: Store) -> list[dict[str, Any]]:
    """The shards of a run's `text/`, as its manifest lists them. Raises InputError where there is none."""
    shards = (store.read_json("manifest.json") or {}).get("datasets", {}).get("text", {}).get("shards", [])
    if not shards:
        fix = "run the recipe to its end, or ask its ledger with `where`"
        raise InputError("the run has no `text/`", where=store.root, fix=fix)
    return list(shards)


def _of_text(store: Store) -> Iterator[Document]:
    for shard in text_shards(store):
        with store.open(shard["path"]) as file:
            yield from _made_of_run(tables_of(file, shard["path"]))


def ask_ledger(store: Store, condition: str, where: str) -> pa.Table:
    """doc_id, lang and cluster of the documents for which a run's ledger says so. Raises RecipeError for a condition
    that is none."""
    with Ledger(store) as ledger:
        try:
            return ledger.table(f"SELECT DISTINCT doc_id, lang, cluster FROM 'ledger/*.parquet' WHERE ({condition})")
        except QueryError as error:
            known = ", ".join(ledger.columns("ledger"))
            what = f"the ledger cannot be asked this: {str(error).splitlines()[0]}"
            raise RecipeError(what, where=where, fix=f"`where` is a condition in SQL on: {known}") from None


def _of_query(store: Store, condition: str, where: str) -> Iterator[Document]:
    """Documents of `text/` and `dropped/` for which the ledger says so."""
    found = ask_ledger(store, condition, where)
    for folder in ("text", "dropped"):
        for path in sorted(f"{folder}/{name}" for name in store.names(folder)):
            if is_ours(path):
                with store.open(path) as file:
                    yield from _made_of_run(_joined(table, found) for table in tables_of(file, path))


def _joined(table: pa.Table, found: pa.Table) -> pa.Table:
    at = pc.index_in(table["doc_id"], found["doc_id"].combine_chunks())
    table, at = table.filter(at.is_valid()), at.drop_null()
    others = [name for name in ("lang", "cluster") if name in table.column_names]
    return (
        table.drop_columns(others)
        .append_column("lang", found["lang"].take(at))
        .append_column("cluster", found["cluster"].take(at))
    )


def tables_of(file: object, path: str) -> Iterator[pa.Table]:
    """The rows of a shard of `text/` or `dropped/`, some at a time."""
    if path.endswith(".parquet"):
        for batch in pq.ParquetFile(file).iter_batches(BATCH):
            yield pa.Table.from_batches([batch])
        return
    reader = pa.ipc.open_file(file)
    for number in range(reader.num_record_batches):
        yield pa.Table.from_batches([reader.get_batch(number)])


def _made_of_run(tables: Iterable[pa.Table]) -> Iterator[Document]:
    for table in tables:
        text = untagged(table["text"])
        yield from _made(table.set_column(table.column_names.index("text"), "text", text), "source")


def untagged(text: pa.ChunkedArray) -> pa.ChunkedArray:
    """Texts of a run, as large_string, without what scrubbing has put into them."""
    return pc.replace_substring_regex(text.cast(pa.large_string()), TAGS, " ")


def _made(table: pa.Table, site: str) -> Iterator[Document]:
    """The documents of a table with text, url, lang and maybe cluster; `site`: the column that stands for a site where
    a document has no url."""
    if not len(table):
        return
    table = table.combine_chunks()
    text = table["text"].combine_chunks() if isinstance(table["text"], pa.ChunkedArray) else table["text"]
    lang = table["lang"].combine_chunks() if isinstance(table["lang"], pa.ChunkedArray) else table["lang"]
    if lang.null_count:
        lang = pc.if_else(lang.is_null(), identify(text)[0], lang)
    cluster = table["cluster"].to_pylist() if "cluster" in table.column_names else [None] * len(table)
    other = table[site].to_pylist() if site else [""] * len(table)
    lines = feed_words(text).to_pylist()
    for line, language, url, group, source in zip(
        lines, lang.to_pylist(), table["url"].to_pylist(), cluster, other, strict=True
    ):
        if line:
            yield Document(line, language, _host(url) or source or "", group)


def _host(url: str | None) -> str:
    try:
        return (urlsplit(url or "").hostname or "").removeprefix("www.")
    except ValueError:
        return ""
