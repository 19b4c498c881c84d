"""A tool that searches the texts of a run: passages ranked by BM25 (Robertson and Zaragoza 2009).

Words of Latin and other scripts are terms in lower case; of Chinese, Japanese and Korean the pairs of characters, which
need no word boundaries.

Letters: D passages, P postings.
"""

import math
import re
import unicodedata
from collections import Counter
from collections.abc import Iterable, Iterator
from itertools import pairwise
from pathlib import Path
from typing import Any, ClassVar

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.trainer.errors import InputError

K1, B = 1.2, 0.75  # the usual values
PASSAGE = 400
_CJK = "\u3040-\u30ff\u3400-\u4dbf\u4e00-\u9fff\uac00-\ud7af\uf900-\ufaff"
_TERMS = re.compile(rf"[{_CJK}]+|[^\W{_CJK}]+")


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
        counts = [Counter(terms(passage)) for _, passage in self.passages]
        self.length_D = np.array([sum(count.values()) for count in counts], np.float64)
        self.postings: dict[str, list[tuple[int, int]]] = {}
        for number, count in enumerate(counts):
            for term, times in count.items():
                self.postings.setdefault(term, []).append((number, times))

    def __call__(self, arguments: dict[str, Any]) -> str:
        """Of a `Tool`."""
        query = arguments.get("query")
        if not isinstance(query, str):
            raise ValueError("the argument `query` is missing or no text")
        found = self.ranked(query)[: self.best]
        return "\n".join(f"[{doc_id}] {passage}" for doc_id, passage in found) or "no passage has these words"

    def ranked(self, query: str) -> list[tuple[str, str]]:
        """(doc_id, passage) with a word of the query, the best first; of equal ones in the order of the run."""
        count, score_D = len(self.passages), np.zeros(len(self.passages))
        for term in sorted(set(terms(query)) & self.postings.keys()):
            index_P, times_P = np.array(self.postings[term]).T
            weight = math.log(1 + (count - len(index_P) + 0.5) / (len(index_P) + 0.5))
            norm_P = K1 * (1 - B + B * self.length_D[index_P] / self.length_D.mean())
            score_D[index_P] += weight * times_P * (K1 + 1) / (times_P + norm_P)
        order = np.argsort(-score_D, kind="stable")
        return [self.passages[number] for number in order[: int((score_D > 0).sum())]]


def search_in(run: Path) -> Search:
    """Over the kept documents of a run. Raises InputError where it has none."""
    files = sorted(path for path in (run / "text").glob("*") if path.suffix in (".arrow", ".parquet"))
    if not files:
        raise InputError("the run has no text/ to search", where=str(run), fix="name a finished run with --run")
    return Search(pair for path in files for pair in _documents(path))


def terms(text: str) -> Iterator[str]:
    """What a text is found by."""
    for run in _TERMS.findall(unicodedata.normalize("NFKC", text).lower()):
        if re.match(rf"[{_CJK}]", run) and len(run) > 1:
            yield from ("".join(two) for two in pairwise(run))
        else:
            yield run


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
