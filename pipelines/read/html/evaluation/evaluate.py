"""Engines on pages -> scores a page, and their means a group of pages."""

import time
from collections.abc import Callable, Iterable
from dataclasses import dataclass, field
from itertools import combinations
from statistics import fmean

from gristmill.pipelines.errors import BadRecordError
from gristmill.pipelines.read.html.charset import decode_page
from gristmill.pipelines.read.html.evaluation.gold import LabelledPage
from gristmill.pipelines.read.html.evaluation.rouge import CHARACTERS, Overlap, rouge, squeezed, words
from gristmill.pipelines.read.html.evaluation.structures import STRUCTURES, kept, structures

RUN = 5
"""Words of a run: ROUGE-5, which WebMainBench ranks by. It needs the order and unbroken text."""

Engine = Callable[[bytes], str]
"""The bytes of a page -> its text. Raises BadRecordError."""


@dataclass(slots=True)
class Score:
    """What one engine made of one page."""

    seconds: float
    """CPU time."""
    error: str = ""
    empty: bool = False
    words: Overlap | None = None
    runs: Overlap | None = None
    wanted: tuple[int, int] = (0, 0)
    """Snippets that are there, of how many; so for all pairs."""
    unwanted: tuple[int, int] = (0, 0)
    structures: dict[str, tuple[int, int]] = field(default_factory=dict)


@dataclass(frozen=True, slots=True)
class Scored:
    """A page with the scores of every engine; `apart`: 1 - ROUGE-5 F1 between the texts of two engines."""

    page: LabelledPage
    scores: dict[str, Score]
    apart: dict[tuple[str, str], float]


@dataclass(frozen=True, slots=True)
class Summary:
    """Means over the pages that have what is measured; None where none has it."""

    pages: int
    empty: int
    errors: int
    precision: float | None
    recall: float | None
    f1: float | None
    word_f1: float | None
    wanted: float | None
    """Share of the snippets that are there."""
    unwanted: float | None
    snippet_f1: float | None
    """trafilatura's measure: of all snippets together."""
    structures: dict[str, float | None]
    milliseconds: float
    """CPU time a page."""


def evaluate(page: LabelledPage, engines: dict[str, Engine]) -> Scored:
    """One page through every engine."""
    html = page.html()
    results = {name: _extract(engine, html) for name, engine in engines.items()}
    pieces = structures(decode_page(html, None)[0], page.text) if page.text else {}
    scores = {name: _score(page, pieces, *result) for name, result in results.items()}
    cut = {name: CHARACTERS.findall(text) for name, (text, _, _) in results.items()}
    apart = {(a, b): 1 - rouge(cut[a], cut[b], RUN).f1 for a, b in combinations(engines, 2)}
    return Scored(page, scores, apart)


def summarize(scores: Iterable[Score]) -> Summary:
    """Pages with equal weight; snippets and structures by their sums."""
    all_scores = list(scores)
    runs = [score.runs for score in all_scores if score.runs]
    there, of_wanted = _sums(score.wanted for score in all_scores)
    leaked, of_unwanted = _sums(score.unwanted for score in all_scores)
    counted = {kind: _sums(score.structures.get(kind, (0, 0)) for score in all_scores) for kind in STRUCTURES}
    return Summary(
        len(all_scores),
        sum(score.empty for score in all_scores),
        sum(bool(score.error) for score in all_scores),
        _mean([run.precision for run in runs]),
        _mean([run.recall for run in runs]),
        _mean([run.f1 for run in runs]),
        _mean([score.words.f1 for score in all_scores if score.words]),
        _share(there, of_wanted),
        _share(leaked, of_unwanted),
        _share(2 * there, there + leaked + of_wanted) if of_wanted and of_unwanted else None,
        {kind: _share(*sums) for kind, sums in counted.items()},
        1000 * (_mean([score.seconds for score in all_scores]) or 0.0),
    )


def _extract(engine: Engine, html: bytes) -> tuple[str, float, str]:
    began = time.process_time()
    try:
        text, error = engine(html), ""
    except BadRecordError as bad:
        text, error = "", str(bad)
    return text, time.process_time() - began, error


def _score(page: LabelledPage, pieces: dict[str, list[str]], text: str, seconds: float, error: str) -> Score:
    score = Score(seconds, error, not text.strip())
    if page.text is not None:
        gold, found = words(page.text, page.language), words(text, page.language)
        score.words, score.runs = rouge(gold, found, 1), rouge(gold, found, RUN)
    flat = squeezed(text)
    score.wanted = sum(squeezed(snippet) in flat for snippet in page.wanted), len(page.wanted)
    score.unwanted = sum(squeezed(snippet) in flat for snippet in page.unwanted), len(page.unwanted)
    score.structures = {kind: (len(found), len(pieces[kind])) for kind, found in kept(pieces, text).items()}
    return score


def _sums(pairs: Iterable[tuple[int, int]]) -> tuple[int, int]:
    first, second = 0, 0
    for a, b in pairs:
        first, second = first + a, second + b
    return first, second


def _mean(values: list[float]) -> float | None:
    return fmean(values) if values else None


def _share(part: int, whole: int) -> float | None:
    return part / whole if whole else None
