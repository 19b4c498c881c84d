"""A tool that searches the texts of a run: passages ranked by BM25."""

from collections.abc import Iterable, Iterator
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.trainer.errors import InputError
from gristmill.trainer.evaluate.ranking import Ranking

PASSAGE = 400


class Search:
    """Of a `Tool`: the best passages for a question."""

    definition: ClassVar[dict[str, Any]] = {
        "name": "search",
        "description": "Finds passages of the corpus that have the words of a question.",
        "parameters": {"type": "object", "properties": {"query": {"type": "string"}}, "required": ["query"]},
    }

    def __init__(self, documents: Iterable[tuple[str, str]], best: int = 3):
        """`documents`: (doc_id, text); `best`: passages that a search gives at most."""
        self.best = best
        self.passages = [(doc_id, passage) for doc_id, text in documents for passage in cut(text)]
        self.ranking = Ranking(passage for _, passage in self.passages)

    def __call__(self, arguments: dict[str, Any]) -> str:
        """Of a `Tool`."""
        query = arguments.get("query")
        if not isinstance(query, str):
            raise ValueError("the argument `query` is missing or no text")
        found = self.ranked(query)[: self.best]
        return "\n".join(f"[{doc_id}] {passage}" for doc_id, passage in found) or "no passage has these words"

    def ranked(self, query: str) -> list[tuple[str, str]]:
        """(doc_id, passage) with a word of the query, the best first; of equal ones in the order of the run."""
        score_D = self.ranking.scores(query)
        order = np.argsort(-score_D, kind="stable")
        return [self.passages[number] for number in order[: int((score_D > 0).sum())]]


def search_in(run: Path) -> Search:
    """Over the kept documents of a run. Raises InputError where it has none."""
    files = sorted(path for path in (run / "text").glob("*") if path.suffix in (".arrow", ".parquet"))
    if not files:
        raise InputError("the run has no text/ to search", where=str(run), fix="name a finished run with --run")
    return Search(pair for path in files for pair in _documents(path))


def cut(text: str) -> Iterator[str]:
    """Passages of at most PASSAGE characters: whole lines together, longer lines in parts."""
    held = ""
    for line in text.splitlines():
        for start in range(0, max(1, len(line)), PASSAGE):
            part = line[start : start + PASSAGE].strip()
            if held and len(held) + 1 + len(part) > PASSAGE:
                yield held
                held = ""
            held = f"{held} {part}".strip()
    if held:
        yield held


def _documents(path: Path) -> Iterator[tuple[str, str]]:
    if path.suffix == ".parquet":
        table = pq.read_table(path, columns=["doc_id", "text"])
    else:
        with pa.memory_map(str(path)) as file:
            table = pa.ipc.open_file(file).read_all().select(["doc_id", "text"])
    yield from zip(table.column("doc_id").to_pylist(), table.column("text").to_pylist(), strict=True)
