"""A file that grows, shrinks or is replaced while it is read: its unit fails and names it, and is no mixture."""

import gzip
import os
from collections.abc import Callable, Iterator
from pathlib import Path

import fsspec
import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.errors import InputError
from gristmill.pipelines.processes.isolation import Guard
from gristmill.pipelines.read.unit import read_unit
from gristmill.pipelines.recipe import schema
from gristmill.pipelines.run.inputs.plan import plan_source

TEXTS = [f"第{number}页 page {number} " * 30 for number in range(200)]
TABLE = pa.table({"text": TEXTS})
LINES = "".join(f'{{"text": "{text}"}}\n' for text in TEXTS).encode()


def write_arrow(file: Path) -> None:
    with pa.ipc.new_file(file, TABLE.schema) as writer:
        writer.write_table(TABLE, max_chunksize=20)


WRITE: dict[str, tuple[str, Callable[[Path], object]]] = {
    "jsonl": ("jsonl", lambda file: file.write_bytes(LINES)),
    "gzipped": ("jsonl", lambda file: file.write_bytes(gzip.compress(LINES, 1))),
    "text": ("text", lambda file: file.write_text("".join(TEXTS), encoding="utf-8")),
    "html": ("html", lambda file: file.write_text(f"<p>{TEXTS[0]}</p>", encoding="utf-8")),
    "parquet": ("parquet", lambda file: pq.write_table(TABLE, file, row_group_size=20)),
    "arrow": ("arrow", write_arrow),
}


def grow(file: Path) -> None:
    with file.open("ab") as opened:
        opened.write(b'{"text": "more"}\n')


def rewrite_in_place(file: Path) -> None:
    """The same length: only the time tells."""
    raw = file.read_bytes()
    file.write_bytes(raw[:-1] + bytes([raw[-1] ^ 1]))
    os.utime(file, ns=(0, file.stat().st_mtime_ns + 1))


def replace_unnoticed(file: Path) -> None:
    """Another file of the same length and time, as `cp -p` and `mv` leave it."""
    before, other = file.stat(), file.with_name("other")
    other.write_bytes(file.read_bytes()[::-1])
    os.utime(other, ns=(before.st_atime_ns, before.st_mtime_ns))
    other.replace(file)


CHANGES = {
    "grows": grow,
    "is rewritten": rewrite_in_place,
    "is replaced": replace_unnoticed,
    "is gone": lambda file: file.unlink(),
}


class Meddling(Guard):
    """Changes the file once its first thing has been read."""

    def __init__(self, change: Callable[[], object]):
        super().__init__()
        object.__setattr__(self, "change", change)

    def each(self, read: Callable[[], Iterator], rest: Callable) -> Iterator:
        for number, thing in enumerate(read()):
            if number == 0:
                self.change()
            yield thing


@pytest.mark.parametrize("change", CHANGES)
@pytest.mark.parametrize("kind", WRITE)
def test_changed_while_it_is_read__the_unit_fails_and_names_the_file(tmp_path, kind, change):
    form, write = WRITE[kind]
    file = tmp_path / ("新闻.jsonl.gz" if kind == "gzipped" else f"新闻.{form}")
    write(file)
    source = schema.Source(format=form, paths=[str(file)])
    units = plan_source("web", source, tmp_path, 20_000)
    guard = Meddling(lambda: CHANGES[change](file))
    with pytest.raises(InputError, match="run again: planning takes the files as they are now") as caught:
        list(read_unit(units[0], source, schema.Read(), schema.Extract(), guard=guard))
    assert caught.value.where == str(file)


def test_shrinks_while_it_is_read__no_dead_letter_but_an_error(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(LINES * 40)
    source = schema.Source(format="jsonl", paths=[str(file)])
    (unit,) = plan_source("web", source, tmp_path, 1 << 30)
    guard = Meddling(lambda: os.truncate(file, 100_000))
    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract(), guard=guard))


def test_an_error_that_comes_of_the_change__is_the_change(tmp_path):
    file = tmp_path / "a.jsonl"
    file.write_bytes(LINES)
    source = schema.Source(format="jsonl", paths=[str(file)])
    (unit,) = plan_source("web", source, tmp_path, 1 << 30)

    def break_off() -> None:
        grow(file)
        raise ValueError("the reader stumbled")

    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract(), guard=Meddling(break_off)))


def test_on_a_store__the_tag_tells(tmp_path):
    memory = fsspec.filesystem("memory")
    memory.pipe_file("/changing/a.jsonl", LINES)
    source = schema.Source(format="jsonl", paths=["memory://changing/a.jsonl"])
    (unit,) = plan_source("web", source, tmp_path, 1 << 30)
    assert list(read_unit(unit, source, schema.Read(), schema.Extract()))
    guard = Meddling(lambda: memory.pipe_file("/changing/a.jsonl", LINES[::-1]))
    with pytest.raises(InputError, match="changed since it was planned"):
        list(read_unit(unit, source, schema.Read(), schema.Extract(), guard=guard))
