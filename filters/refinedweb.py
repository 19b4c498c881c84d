"""RefinedWeb's rules on lines as DCLM reproduces them, as edits.

Whose: mlfoundations/dclm at 361714b, baselines/baselines_configs/dclm_baseline_refinedweb.yaml and
baselines/mappers/modifiers.py. Left out: its removal of addresses, which acts only on texts that begin like a top-level
domain (modifiers.py:692 matches at the start), and its other filters, which have presets of their own.
"""

import re

import numpy as np
import pyarrow as pa

from gristmill.filters.counters import Counters, classes
from gristmill.filters.edits import Edits, apply
from gristmill.filters.kernels.line_counts import MAY_COUNT, MAY_HOLD_PHRASE, count_lines, packed_beginning
from gristmill.filters.kernels.text.items import EACH
from gristmill.filters.kernels.text.lines import stripped_ends

MAX_UPPER, MAX_DIGITS, MIN_WORDS, PHRASE_WORDS = 0.5, 0.999999, 2, 10
"""uppercase_ratio_line_modifier, numeric_ratio_line_modifier, line_length_modifier, substring_line_modifier."""

COUNTER = re.compile(
    r"^\W*\d(?:,|\.|\d)*(?:K|k|M|m|B|b)?\s+(?:likes|shares|comments|retweets|reposts|quotes|bookmarks|upvotes|downvotes"
    r"|downloads|views|followers)\W*$"
)
PHRASES = (
    re.compile(r"\s?(?:items in cart)", re.I),
    re.compile(r"\s?(?:read more...)$", re.I),  # as DCLM compiles it: the full stops are not escaped
    re.compile(r"^(?:sign-in)\s?", re.I),
)
BEGINNINGS = ("items in cart", "read more", "sign-in")
KINDS = {
    "blank": "refinedweb_newlines",
    "upper": "refinedweb_capitals",
    "digits": "refinedweb_digits",
    "counter": "refinedweb_counter",
    "short": "refinedweb_short_line",
    "phrase": "refinedweb_phrase",
    "ends": "refinedweb_white_space",
}


def edit_refinedweb(text: pa.Array) -> tuple[Edits, dict[str, np.ndarray]]:
    """(edits, signals) of a large_string column: apply(text, edits) is the page that DCLM's line modifiers leave.

    Signal, float64 per document: refinedweb_removed_words, the share of words (runs of letters and digits) that goes;
    1 where nothing is left.
    """
    counters = Counters(text)
    lines = counters.pieces(EACH)
    doc_I = np.repeat(np.arange(len(text)), lines.count_D)
    counts = [np.empty(len(doc_I), np.int64) for _ in range(6)]
    begun = np.array([packed_beginning(phrase) for phrase in BEGINNINGS])
    count_lines(counters.data_B, lines.begin_I, lines.end_I, classes(), begun, PHRASE_WORDS, *counts)
    chars_I, upper_I, digits_I, words_I, letters_I, may_I = counts
    empty_I = chars_I == 0
    blank_I = empty_I & np.r_[False, empty_I[:-1] & (doc_I[1:] == doc_I[:-1])][: len(doc_I)]
    judged = [
        ("blank", blank_I),
        ("upper", upper_I > MAX_UPPER * chars_I),
        ("digits", digits_I > MAX_DIGITS * chars_I),
        ("counter", _counters(counters, lines.begin_I, lines.end_I, may_I & MAY_COUNT)),
        ("short", ~empty_I & (words_I < MIN_WORDS)),
    ]
    kind_I = np.select([is_so for _, is_so in judged], np.arange(1, len(judged) + 1), 0)
    zero_I, stop_I = counters.start_D1[doc_I], counters.start_D1[doc_I + 1]
    gone = np.flatnonzero(kind_I)
    line_doc, line_start = doc_I[gone], (lines.begin_I - zero_I)[gone]
    line_end = (np.minimum(lines.end_I + 1, stop_I) - zero_I)[gone]
    doc, start, end = [], [], []
    removed_D = np.bincount(doc_I[gone], letters_I[gone], len(text))
    candidates = np.flatnonzero((kind_I == 0) & (may_I & MAY_HOLD_PHRASE != 0))
    for x in candidates.tolist():
        line = counters.data_B[lines.begin_I[x] : lines.end_I[x]].tobytes().decode()
        for first, last in _phrases(line):
            cut_to = int(np.minimum(lines.end_I[x] + 1, stop_I[x])) if (first, last) == (0, len(line)) else None
            at = lines.begin_I[x] - zero_I[x]
            doc.append(doc_I[x])
            start.append(at + len(line[:first].encode()))
            end.append(cut_to - zero_I[x] if cut_to is not None else at + len(line[:last].encode()))
            removed_D[doc_I[x]] += len(re.findall(r"[^\W_]+", line[first:last]))
    doc_E, start_E, end_E = (
        np.concatenate([of_line, np.array(of_phrase, np.int64)])
        for of_line, of_phrase in ((line_doc, doc), (line_start, start), (line_end, end))
    )
    kind_E = np.concatenate([kind_I[gone] - 1, np.full(len(doc), len(judged))]).astype(np.int32)
    kinds = (*(KINDS[name] for name, _ in judged), KINDS["phrase"])
    filled = end_E > start_E  # the last line of a page may be empty
    doc_E, start_E, end_E, kind_E = (field[filled] for field in (doc_E, start_E, end_E, kind_E))
    made = Edits(len(text), doc_E, start_E, end_E, kind_E, np.zeros(len(doc_E), np.int32), kinds)
    words_D = np.bincount(doc_I, letters_I, len(text))
    edits = made.then(_ends(apply(text, made)))
    share_D = np.divide(removed_D, words_D, out=np.ones(len(text)), where=words_D > 0)
    return edits, {"refinedweb_removed_words": share_D}


def _counters(counters: Counters, begin_I: np.ndarray, end_I: np.ndarray, may_I: np.ndarray) -> np.ndarray:
    """Lines such as `3 likes`."""
    is_counter_I = np.zeros(len(begin_I), bool)
    for x in np.flatnonzero(may_I).tolist():
        line = counters.data_B[begin_I[x] : end_I[x]].tobytes().decode()
        is_counter_I[x] = COUNTER.search(line.lower()) is not None
    return is_counter_I


def _phrases(line: str) -> list[tuple[int, int]]:
    """What DCLM's three phrases take of a line; all of it where nothing but white space would be left."""
    spans = [match.span() for match in PHRASES[0].finditer(line)]
    left = PHRASES[0].sub("", line)
    if spans and (not left or left.isspace()):
        return [(0, len(line))]
    if match := PHRASES[1].search(line):
        spans.append(match.span())
    if match := PHRASES[2].search(line):
        spans.append(match.span())
    covered = {place for first, last in spans for place in range(first, last)}
    if spans and all(place in covered or line[place].isspace() for place in range(len(line))):
        return [(0, len(line))]
    return spans


def _ends(text: pa.Array) -> Edits:
    """White space at both ends of the pages."""
    counters = Counters(text)
    begin_D, end_D = np.empty(len(text), np.int64), np.empty(len(text), np.int64)
    stripped_ends(counters.data_B, counters.start_D1, classes(), begin_D, end_D)
    zero_D, stop_D = counters.start_D1[:-1], counters.start_D1[1:]
    front, back = np.flatnonzero(begin_D > zero_D), np.flatnonzero((end_D < stop_D) & (end_D > begin_D))
    doc_E = np.concatenate([front, back])
    start_E = np.concatenate([np.zeros(len(front), np.int64), (end_D - zero_D)[back]])
    end_E = np.concatenate([(begin_D - zero_D)[front], (stop_D - zero_D)[back]])
    return Edits.of(len(text), doc_E, start_E, end_E, [KINDS["ends"]] * len(doc_E))
