"""How well personal data is found: precision and recall on labelled texts.

    scores = evaluate([Labelled("mail a@b.org", ((5, 12, "EMAIL_ADDRESS"),))], Scrubber())

A finding counts where it overlaps a label of its type, and a label is found where a finding does: what of a name is
masked is no name any more. What is labelled ANY may be found or not.
"""

from collections import Counter
from collections.abc import Iterable, Sequence
from dataclasses import dataclass

import pyarrow as pa

from gristmill.filters.pii.engine import Scrubber

ANY = "?"
"""Label of what may be found or not: a pseudonym, a character of a novel."""
Range = tuple[int, int, str]


@dataclass(frozen=True)
class Labelled:
    """A text and the personal data in it: (start, end, type) in characters; language for the table."""

    text: str
    spans: tuple[Range, ...]
    language: str = ""


@dataclass(frozen=True)
class Score:
    """Of one type in one language: labels, how many of them were found; findings, how many of them are right."""

    labels: int = 0
    found: int = 0
    findings: int = 0
    right: int = 0

    @property
    def precision(self) -> float | None:
        """Share of the findings that are right."""
        return self.right / self.findings if self.findings else None

    @property
    def recall(self) -> float | None:
        """Share of the labels that were found."""
        return self.found / self.labels if self.labels else None

    def f(self, beta: float = 1.0) -> float | None:
        """F-score; 2 weighs recall twice as much as precision (van Rijsbergen 1979)."""
        precision, recall = self.precision, self.recall
        if precision is None or recall is None or precision + recall == 0:
            return None
        return (1 + beta**2) * precision * recall / (beta**2 * precision + recall)


def evaluate(samples: Sequence[Labelled], scrubber: Scrubber) -> dict[tuple[str, str], Score]:
    """(type, language) -> score, in order of their names; of the types that the scrubber looks for."""
    texts = pa.array([sample.text for sample in samples], pa.large_string())
    edits = scrubber.edits(texts, [sample.language or None for sample in samples])
    found: list[list[Range]] = [[] for _ in samples]
    for doc, start, end, kind in zip(edits.doc_E, edits.start_E, edits.end_E, edits.kind_E, strict=True):
        data = samples[int(doc)].text.encode()
        first = len(data[:start].decode())
        found[int(doc)].append((first, first + len(data[start:end].decode()), edits.kinds[kind]))
    counts: dict[tuple[str, str], Counter[str]] = {}
    for sample, findings in zip(samples, found, strict=True):
        for span in sample.spans:
            if span[2] in scrubber.entities:
                count = counts.setdefault((span[2], sample.language), Counter())
                count["labels"] += 1
                count["found"] += _meets(span, findings)
        for span in findings:
            right = _meets(span, sample.spans)
            if right or not _meets((*span[:2], ANY), sample.spans):
                count = counts.setdefault((span[2], sample.language), Counter())
                count["findings"] += 1
                count["right"] += right
    return {key: Score(**counts[key]) for key in sorted(counts)}


def _meets(span: Range, others: Iterable[Range]) -> bool:
    """Whether a range overlaps one of its own type."""
    return any(start < span[1] and span[0] < end and entity == span[2] for start, end, entity in others)
