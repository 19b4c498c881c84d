"""The documents of a run under other rules: its ledger, unit by unit, judged again by the numbers in it."""

from concurrent.futures import ThreadPoolExecutor
from contextlib import ExitStack
from dataclasses import dataclass, fields
from functools import partial
from itertools import product

import numpy as np
import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

from gristmill.filters.judge import Judge
from gristmill.filters.measured import Measured, admitting
from gristmill.filters.plan import IDENTIFIED
from gristmill.pipelines.records.accounts import CONTAMINATED, DEAD, EMPTIED, KEPT, PERSONAL, is_later
from gristmill.pipelines.storage.store import Store

THREADS = 4
"""Parts of the ledger that are read at once: Arrow lets go of Python's lock meanwhile."""
CHUNK = 16
"""Parts that are judged together."""
STRINGS = ("source", "lang", "script", "verdict", "step", "rules")
FIXED = (*STRINGS, "row", "bytes", "judged")


@dataclass(frozen=True)
class Documents:
    """D documents that the rules decided about, in the order of the ledger, before and after.

    place: uint64, `unit << 32 | row`; size: int64, bytes of the extracted text; source, lang: numbers in `sources` and
    `langs`. kept, passed: in `text/`, and whether no rule fired, before; passes: whether none fires now; dead: it died
    when it was scrubbed; emptied: it went for the passages that it lost. row_F, rule_F: of every rule that fires now
    the document and its number in `Rules.now`; row_G, rule_G: as it was before, in `Rules.before`.
    """

    place: np.ndarray
    size: np.ndarray
    source: np.ndarray
    lang: np.ndarray
    kept: np.ndarray
    passed: np.ndarray
    passes: np.ndarray
    dead: np.ndarray
    emptied: np.ndarray
    row_F: np.ndarray
    rule_F: np.ndarray
    row_G: np.ndarray
    rule_G: np.ndarray


@dataclass(frozen=True)
class Rules:
    """Names by number: of rules that fire now, of those that fired before, of sources and of languages."""

    now: list[str]
    before: list[str]
    sources: list[str]
    langs: list[str]


def judge_ledger(
    store: Store, parts: list[tuple[int, str]], judge: Judge, measured: Measured
) -> tuple[Documents, Rules]:
    """Every decided document of the ledger's parts, (number of the unit, path) each.

    Raises LackingError where a rule asks for a number that the ledger lacks.
    """
    chunks = [parts[first : first + CHUNK] for first in range(0, len(parts), CHUNK)]
    tables: dict[str, dict[str, int]] = {"before": {}, "sources": {}, "langs": {}}
    found, done = [], 0
    with ThreadPoolExecutor(THREADS) as threads:
        for piece, names in threads.map(partial(_judged, store, judge, measured), chunks):
            for field, table, own in (("source", "sources", 0), ("lang", "langs", 1), ("rule_G", "before", 2)):
                known = tables[table]
                numbers = [known.setdefault(name, len(known)) for name in names[own]]
                piece[field] = np.array(numbers, np.int64)[piece[field]]
            piece["row_F"], piece["row_G"] = piece["row_F"] + done, piece["row_G"] + done
            done += len(piece["place"])
            found.append(piece)
    joined = {one.name: np.concatenate([piece[one.name] for piece in found]) for one in fields(Documents)}
    return Documents(**joined), Rules(judge.all_rules, *(list(tables[name]) for name in ("before", "sources", "langs")))


def _judged(
    store: Store, judge: Judge, measured: Measured, parts: list[tuple[int, str]]
) -> tuple[dict[str, np.ndarray], tuple[list[str], list[str], list[str]]]:
    """The fields of Documents of some parts, and the names of their sources, languages and rules."""
    with ExitStack() as stack:
        chunk = _Chunk(store, parts, stack)
        (source, sources), (lang, langs), (script, scripts) = map(chunk.coded, ("source", "lang", "script"))
        fired = chunk.table.column("rules").combine_chunks()
        rule_G, names = _coded(pc.list_flatten(fired))
        row_G = pc.list_parent_indices(fired).to_numpy().astype(np.int64)
        emptied = np.zeros(len(fired), bool)
        gone = [name in (EMPTIED, CONTAMINATED) or name.startswith(PERSONAL) for name in names]
        emptied[row_G[np.array(gone, bool)[rule_G]]] = True
        by_rules = np.array([not is_later(name) for name in names], bool)[rule_G]
        row_G, rule_G = row_G[by_rules], rule_G[by_rules]

        kinds = _Kinds(judge, measured, sources, langs, scripts)
        pair_D = kinds.pairs[(source * len(langs) + lang) * len(scripts) + script]
        still: list[tuple[np.ndarray, np.ndarray]] = []
        for pair in np.flatnonzero(np.bincount(pair_D)).tolist():
            row_P = np.flatnonzero(pair_D == pair)
            number, entry = divmod(pair, len(measured.asked))
            turn = judge.turn(number, measured, entry, [langs[one] for one in np.flatnonzero(np.bincount(lang[row_P]))])
            for rule_number, rule, column in turn.asked:
                row = row_P[rule.fires(chunk.numbers(column)[row_P])]
                still.append((row, np.full(len(row), rule_number)))
            if turn.always is not None:
                still.append((row_P, np.full(len(row_P), turn.always)))
            now = np.array([judge.all_rules.index(name) if name in turn.same else -1 for name in names], np.int64)
            same = (pair_D[row_G] == pair) & (now[rule_G] >= 0)
            still.append((row_G[same], now[rule_G[same]]))
        none = (np.zeros(0, np.int64), np.zeros(0, np.int64))
        row_F, rule_F = (np.concatenate(one) for one in zip(none, *still, strict=True))
    passes = np.ones(len(pair_D), bool)
    passes[row_F] = False
    verdict, verdicts = chunk.coded("verdict")
    step, steps = chunk.coded("step")
    piece = {
        "place": chunk.place,
        "size": chunk.table.column("bytes").to_numpy(),
        "source": source,
        "lang": lang,
        "kept": _is(verdict, verdicts, KEPT),
        "dead": _is(verdict, verdicts, DEAD),
        "passed": ~_is(step, steps, "decide"),
        "passes": passes,
        "emptied": emptied,
        "row_F": row_F,
        "rule_F": rule_F,
        "row_G": row_G,
        "rule_G": rule_G,
    }
    return piece, (sources, langs, names)


class _Chunk:
    """Some parts of the ledger: rows of decided documents, and numbers in other columns where they are asked for."""

    def __init__(self, store: Store, parts: list[tuple[int, str]], stack: ExitStack):
        strings = [name for name in STRINGS if name != "rules"] + ["rules.list.element"]
        # Of a store only the columns are fetched that are read; a local file is mapped.
        local = store.local
        files = [local / path if local else stack.enter_context(store.open(path)) for _, path in parts]
        self._files = [pq.ParquetFile(file, read_dictionary=strings, memory_map=local is not None) for file in files]
        tables = [file.read(list(FIXED), use_threads=False) for file in self._files]
        judged = [table.column("judged").is_valid().combine_chunks() for table in tables]
        self._judged = judged
        unit = np.repeat([number for number, _ in parts], [table.num_rows for table in tables]).astype(np.uint64)
        whole = pa.concat_tables(tables).unify_dictionaries()
        place = (unit << np.uint64(32)) | whole.column("row").to_numpy().astype(np.uint64)
        mask = pa.chunked_array(judged)
        self.table = whole.filter(mask).combine_chunks()
        self.place = place[mask.to_numpy()]
        self._numbers: dict[str, np.ndarray] = {}

    def coded(self, name: str) -> tuple[np.ndarray, list[str]]:
        """Numbers and names of a column of strings; a null is ""."""
        return _coded(self.table.column(name).combine_chunks())

    def numbers(self, column: str) -> np.ndarray:
        """float64 of a signal, NaN where there is none."""
        if column not in self._numbers:
            stored = "lang_score" if column == IDENTIFIED else column
            read = [
                self._column(file, stored).filter(judged)
                for file, judged in zip(self._files, self._judged, strict=True)
            ]
            self._numbers[column] = np.concatenate([one.to_numpy().astype(np.float64) for one in read])
        return self._numbers[column]

    def _column(self, file: pq.ParquetFile, name: str) -> pa.ChunkedArray:
        """A unit without a decided document has no numbers, and nobody asks for any."""
        if name not in file.schema_arrow.names:
            return pa.chunked_array([pa.nulls(file.metadata.num_rows, pa.float64())])
        return file.read([name], use_threads=False).column(name)


class _Kinds:
    """Documents of one source, language and script are judged alike.

    pairs: of each kind `number of the entry now * entries before + number of the entry before`.
    """

    def __init__(self, judge: Judge, measured: Measured, sources: list[str], langs: list[str], scripts: list[str]):
        every = list(product(sources, langs, scripts))
        source, lang, script = (pa.array([one[n] for one in every], pa.string()) for n in range(3))
        now = admitting(judge.entries, lang, script, source, len(every))
        before = admitting(measured.entries, lang, script, source, len(every))
        self.pairs = now * len(measured.asked) + before


def _coded(column: pa.Array) -> tuple[np.ndarray, list[str]]:
    """int64 numbers and their names; a null is ""."""
    if not pa.types.is_dictionary(column.type):
        column = column.dictionary_encode()
    names = column.dictionary.to_pylist()
    return pc.fill_null(column.indices, len(names)).to_numpy().astype(np.int64), [*names, ""]


def _is(number: np.ndarray, names: list[str], name: str) -> np.ndarray:
    return number == (names.index(name) if name in names else -1)
