"""The scrubber: recognizers on the places that the scan found, overlaps resolved, edits out.

    scrubber = Scrubber()                        # or Scrubber(["EMAIL_ADDRESS", "PHONE_NUMBER"], "mask")
    scrubber.edits(batch["text"])                # Edits: byte ranges, kind = entity type, replacement
    scrubber.scrub("mail zhang@qq.com")          # 'mail <EMAIL_ADDRESS>'

Nothing here logs, or raises with, any text of a document. presidio is loaded for the first text that something could be
found in, not at import.
"""

from bisect import bisect, bisect_left
from collections.abc import Callable, Iterable, Iterator, Mapping, Sequence
from dataclasses import replace
from functools import cache, lru_cache
from typing import NamedTuple

import numpy as np
import pyarrow as pa

from gristmill.filters.batch import text_buffers
from gristmill.filters.edits import Edits
from gristmill.filters.pii import obfuscation, scan
from gristmill.filters.pii.entities import ENTITIES, only_private, resolve
from gristmill.filters.pii.fold import fold
from gristmill.filters.pii.models.named import NamedModel
from gristmill.filters.pii.operators.allow import Allowed
from gristmill.filters.pii.operators.audit import unveiled, values_of
from gristmill.filters.pii.operators.operators import OPERATORS, Operator
from gristmill.filters.pii.operators.policies import KEYED, check_operators

UNREAD = "(not shown: a recognizer of personal data fails on it)"
"""Stands for an excerpt that could not be scrubbed."""


class Finding(NamedTuple):
    """Personal data in a text: characters [start, end), entity type, presidio's score."""

    start: int
    end: int
    entity: str
    score: float


class _Span(NamedTuple):
    """A finding in a batch: bytes [start, end) of a document, and its length in characters."""

    doc: int
    start: int
    end: int
    characters: int
    entity: str
    score: float


class Scrubber:
    """Finds and replaces personal data. Recognizers are loaded once per process; an instance pickles small.

    entities: names from ENTITIES and SETS, None for the default set. operator: a name of OPERATORS, operators: of
    types or sets, key: for those of KEYED. without: types and sets that are left out, allow: values that stay
    (operators/allow.py). models: of a user's own, for PERSON, LOCATION, ...; what they find is looked for.
    Raises ValueError for an unknown name, with the nearest valid one.
    """

    def __init__(
        self,
        entities: Sequence[str] | None = None,
        operator: Operator = "tag",
        *,
        operators: Mapping[str, str] | None = None,
        key: bytes | None = None,
        without: Sequence[str] = (),
        allow: Sequence[str] = (),
        models: Sequence[NamedModel] = (),
    ):
        operators = operators or {}
        check_operators((operator, *operators.values()), key)
        self.models = tuple(models)
        by_models = [name for model in models for name in model.types]
        languages = [code for model in models for code in model.languages]
        self.entities = resolve([*(("patterns",) if entities is None else entities), *by_models], languages)
        self.only_private = only_private(entities)
        if without:
            left_out = {*resolve(without, languages)}
            self.entities = tuple(name for name in self.entities if name not in left_out)
        asked = {name: action for names, action in operators.items() for name in resolve([names], languages)}
        self.operators = {name: action for name, action in asked.items() if name in self.entities}
        self.operator, self._key, self._allowed = operator, key or b"", Allowed(allow)

    def edits(self, text: pa.Array, language: Sequence[str | None] | None = None, stands_alone: bool = False) -> Edits:
        """The personal data of a batch (large_string) as edits, without overlaps.

        `language` (ISO 639-1, one per document) chooses the model, where one is given; patterns look at the characters
        around a value: a Chinese identity number on an English page is no less personal. stands_alone: these are values
        with no text around them (filters/pii/recognizers/alone.py), and no model sees them.
        """
        return self.scored_edits(text, language, stands_alone)[0]

    def scored_edits(
        self, text: pa.Array, language: Sequence[str | None] | None = None, stands_alone: bool = False
    ) -> tuple[Edits, np.ndarray]:
        """edits(), and the score of each, float64[E]."""
        spans = self._spans(text, language or [None] * len(text), stands_alone)
        places = (
            [span.doc for span in spans],
            [span.start for span in spans],
            [span.end for span in spans],
            [span.entity for span in spans],
        )
        if any(self.action(entity) in KEYED for entity in set(places[3])):
            values = values_of(text, Edits.of(len(text), *places))
        else:
            values = ["*" * span.characters for span in spans]  # of no value more than its length is needed
        replaced = cache(self._replaced)  # in a batch few kinds and lengths stand often
        said = [replaced(span.entity, value, span.characters) for span, value in zip(spans, values, strict=True)]
        return Edits.of(len(text), *places, said), np.array([span.score for span in spans])

    def action(self, entity: str) -> str:
        """The operator of a type."""
        return self.operators.get(entity, self.operator)

    def _replaced(self, entity: str, value: str, characters: int) -> str:
        action = self.action(entity)
        return OPERATORS[action](entity, value if action != "mask" else "*" * characters, self._key)

    def lines(self, text: pa.Array, found: Edits) -> Edits:
        """The edits of a batch, those whose operator is `drop_line` from where their line begins to where the next one
        does. They overlap where a line has more than one: merge them."""
        if not len(found) or "drop_line" not in (self.operator, *self.operators.values()):
            return found
        start_E, end_E = found.start_E.copy(), found.end_E.copy()
        dropping = {number for number, kind in enumerate(found.kinds) if self.action(kind) == "drop_line"}
        doc, data = -1, b""
        for e in np.flatnonzero(np.isin(found.kind_E, list(dropping))).tolist():
            if found.doc_E[e] != doc:
                doc = int(found.doc_E[e])
                data = text[doc].as_buffer().to_pybytes()
            start_E[e] = data.rfind(b"\n", 0, int(start_E[e])) + 1
            end_E[e] = data.find(b"\n", int(end_E[e])) + 1 or len(data)
        return replace(found, start_E=start_E, end_E=end_E)

    def suspects(self, text: pa.Array) -> np.ndarray:
        """The documents of a batch (numbers, in order) in which anything could be found at all: a quick look."""
        if self._reads_everything:
            return np.arange(len(text))
        named = np.array([span.doc for span in self._tagged(text)], np.int64)
        return np.union1d(np.union1d(scan.suspects(text), obfuscation.suspects(text)), named)

    @property
    def _reads_everything(self) -> bool:
        return any(ENTITIES[name].anywhere for name in self.entities)

    def find(self, text: str, language: str | None = None) -> list[Finding]:
        """The personal data of one text, in order, without overlaps."""
        column = _column(text)
        return _findings(column[0].as_py(), self._spans(column, [language]))

    def find_everywhere(self, text: str) -> list[Finding]:
        """What find() finds, without a model, by running every recognizer on the whole text: the scan's contract."""
        from gristmill.filters.pii.registry import recognizers

        column, loaded = _column(text), recognizers(self.entities)

        def search(texts: pa.Array) -> Iterator[_Span]:
            yield from self._tagged(texts, everywhere=True)
            yield from _in_whole(loaded, texts)

        return _findings(column[0].as_py(), _without_overlaps(_and_obfuscated(search, column)))

    def scrub(self, text: str) -> str:
        """`text` with its personal data replaced, for excerpts; UNREAD where that raises, for a recognizer of a user's
        own may. Scrub first, then cut the excerpt."""
        pieces, position = [], 0
        try:
            found = self.find(text)
        except Exception:  # the step that scrubs says what it is
            return UNREAD
        for start, end, entity, _ in found:
            value = unveiled(text[start:end]) if self.action(entity) in KEYED else text[start:end]
            pieces += [text[position:start], self._replaced(entity, value, end - start)]
            position = end
        return "".join([*pieces, text[position:]])

    def _spans(self, text: pa.Array, language: Sequence[str | None], stands_alone: bool = False) -> list[_Span]:
        def search(texts: pa.Array) -> Iterator[_Span]:
            yield from self._tagged(texts)
            windows = scan.scan(texts)
            if not windows and not self._reads_everything:
                return
            from gristmill.filters.pii.registry import recognizers  # a quarter of a second, where there is a reason

            loaded = recognizers(self.entities, stands_alone)
            yield from _in_windows(loaded, windows)
            yield from _in_whole([recognizer for recognizer in loaded if recognizer.cue is None], texts)

        spans = _and_obfuscated(search, text)
        if self.models and not stands_alone:
            spans += self._by_models(text, language)
        return self._not_allowed(text, _without_overlaps(spans))

    def _not_allowed(self, text: pa.Array, spans: list[_Span]) -> list[_Span]:
        """Those that the allow-list does not have."""
        if not self._allowed or not spans:
            return spans
        places = ([s.doc for s in spans], [s.start for s in spans], [s.end for s in spans], [s.entity for s in spans])
        values = values_of(text, Edits.of(len(text), *places))
        return [s for s, value in zip(spans, values, strict=True) if not self._allowed(s.entity, value)]

    def _tagged(self, text: pa.Array, everywhere: bool = False) -> Iterator[_Span]:
        """Names and addresses, by our tagger."""
        wanted = [name for name in self.entities if ENTITIES[name].tagged]
        if not wanted:
            return
        from gristmill.filters.pii.names.find import SCORE, find  # loads lists and weights

        data_B, start_D1 = text_buffers(text)  # text[doc] would copy the document for each finding
        for doc, start, end, entity in find(text, everywhere, self.only_private):
            if entity in wanted:
                yield _Span(doc, start, end, _characters(data_B, start_D1[doc], start, end), entity, SCORE)

    def _by_models(self, text: pa.Array, language: Sequence[str | None]) -> Iterator[_Span]:
        from gristmill.filters.pii.models.engines import find

        for model in self.models:
            for doc, code in enumerate(language):
                if code in model.languages and text[doc].is_valid:
                    original = text[doc].as_py()
                    found = [one for one in find(model, original, code) if one[2] in self.entities]
                    yield from _byte_spans(doc, original, sorted(found))


def _and_obfuscated(search: Callable[[pa.Array], Iterator[_Span]], text: pa.Array) -> list[_Span]:
    """What a search finds in a batch as it stands, and what it finds around signs that may hide something, without
    these. Where both find something, the second knows where it begins: `%E7%AE%B1zhang@qq.com` is 箱 and an address."""
    spans, shadow = list(search(text)), obfuscation.shadow_of(text)
    found = list(search(shadow.text)) if shadow else []
    if shadow is None or not found:
        return spans
    places = shadow.to_original(*np.array([span[:3] for span in found], np.int64).T)
    behind = []
    data_B, start_D1 = text_buffers(text)
    for span, doc, start, end, counts in zip(found, *(place.tolist() for place in places), strict=True):
        if counts:
            characters = _characters(data_B, start_D1[doc], start, end)
            behind.append(span._replace(doc=doc, start=start, end=end, characters=characters))
    return behind + _apart_from(behind, spans)


def _characters(data_B: np.ndarray, begin: int, start: int, end: int) -> int:
    """How many characters bytes [start, end) are of the document that begins at byte `begin` of a batch."""
    return len(str(data_B.data[begin + start : begin + end], "utf-8"))


def _apart_from(others: list[_Span], spans: list[_Span]) -> list[_Span]:
    """The spans that overlap none of the others, or are whole: user%40host:pass%3Aword@ is no two addresses."""
    starts: list[tuple[int, int]] = []  # of others that touch, as one
    ends: list[tuple[int, int]] = []
    for doc, start, end in sorted(span[:3] for span in others):
        if ends and (doc, start) <= ends[-1]:
            ends[-1] = max(ends[-1], (doc, end))
        else:
            starts.append((doc, start))
            ends.append((doc, end))

    def overlaps(span: _Span) -> bool:
        place = bisect_left(starts, (span.doc, span.end)) - 1
        return place >= 0 and ends[place] > (span.doc, span.start)

    return [span for span in spans if ENTITIES[span.entity].whole or not overlaps(span)]


def _in_windows(recognizers: Iterable, windows: Mapping[scan.Cue, scan.Windows]) -> Iterator[_Span]:
    """Spans of the recognizers that have a cue."""
    for recognizer in recognizers:
        if recognizer.cue not in windows:
            continue
        found = windows[recognizer.cue]
        for doc, start, end, match in found.located(recognizer.run(found.text)):
            yield _Span(doc, start, end, match[1] - match[0], recognizer.entity, match[2])


def _in_whole(recognizers: Sequence, text: pa.Array) -> Iterator[_Span]:
    """Spans of recognizers that read whole documents."""
    if not recognizers:
        return
    for doc, original in enumerate(text.to_pylist()):
        if original is None:
            continue
        folded = fold(original)
        found = [(*span[:2], r.entity, span[2]) for r in recognizers for span in r.run(folded)]
        yield from _byte_spans(doc, original, sorted(found))


def _byte_spans(doc: int, text: str, found: list[tuple[int, int, str, float]]) -> Iterator[_Span]:
    """Characters -> bytes, in one walk over the text. `found` is sorted by start."""
    characters, bytes_ = 0, 0
    for start, end, entity, score in found:
        bytes_ += len(text[characters:start].encode())
        characters = start
        yield _Span(doc, bytes_, bytes_ + len(text[start:end].encode()), end - start, entity, score)


def _without_overlaps(spans: Iterable[_Span]) -> list[_Span]:
    """Of spans that overlap, the longest stays; then the highest score, then the first in ENTITIES. In text order."""
    kept: list[_Span] = []
    group: list[_Span] = []
    doc, reach = -1, -1
    for span in sorted(set(spans)):
        if span[0] != doc or span[1] >= reach:
            kept += group if len(group) < 2 else _longest(group)
            group, doc, reach = [span], span[0], span[2]
        else:
            group.append(span)
            reach = max(reach, span[2])
    return kept + (group if len(group) < 2 else _longest(group))


@lru_cache(maxsize=2)
def _ranks(_types: int) -> dict[str, tuple[bool, int]]:
    """By type, whether others give way to it, and its place. Types are added, never taken away: their number says which
    these are."""
    return {name: (not entity.whole, place) for place, (name, entity) in enumerate(ENTITIES.items())}


def _longest(group: list[_Span]) -> list[_Span]:
    """Of one chain of overlapping spans, those that stay."""
    rank = _ranks(len(ENTITIES))

    def first(span: _Span) -> tuple:
        yields, place = rank[span.entity]
        return yields, -span.characters, -span.score, place, span.start

    if len(group) == 2:
        return [min(group, key=first)]
    chosen: list[_Span] = []
    for span in sorted(group, key=first):
        place = bisect(chosen, span)
        if (place == 0 or chosen[place - 1].end <= span.start) and (
            place == len(chosen) or chosen[place].start >= span.end
        ):
            chosen.insert(place, span)
    return chosen


def _column(text: str) -> pa.Array:
    """One document. A lone surrogate, which UTF-8 cannot hold, becomes a question mark: one character for one."""
    return pa.array([text.encode("utf-8", "replace").decode()], pa.large_string())


def _findings(text: str, spans: list[_Span]) -> list[Finding]:
    """Bytes -> characters, in one walk over the text."""
    data = text.encode()
    findings, bytes_, characters = [], 0, 0
    for span in spans:
        characters += len(data[bytes_ : span.start].decode())
        bytes_ = span.start
        findings.append(Finding(characters, characters + span.characters, span.entity, span.score))
    return findings
