"""The tokenizer: what it is, and how it does on each language."""

from dataclasses import dataclass
from typing import Any

from gristmill.pipelines.report.figures import Figure
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.theme import number

MEASURES = {
    "bytes": "bytes",
    "tokens": "tokens",
    "bytes_per_token": "bytes / token",
    "tokens_per_word": "tokens / word",
    "tokens_per_character": "tokens / character",
    "byte_token_share": "byte tokens",
    "unknown": "unknown",
    "round_trip_errors": "round-trip errors",
}
"""Figures of tokenizer/evaluate.py that are shown, and what the page calls them; the others are parts of the ratios."""

LANGUAGES = 12
"""Rows shown, beside the one for all."""


@dataclass(frozen=True)
class Evaluation:
    """How a tokenizer does on text of a language; the values are in the order of Tokenizer.measures."""

    language: str
    values: list[float]


@dataclass(frozen=True)
class Tokenizer:
    """The tokenizer's figures."""

    kind: str
    vocabulary: int
    sha256: str
    special: list[Figure]
    measures: list[str]
    evaluation: list[Evaluation]
    figures: list[Figure]


def build_tokenizer(material: Material) -> Tokenizer | None:
    """What tokenizer/info.json says; None where no tokenizer was trained."""
    described = material.json("tokenizer/info.json")
    if described is None:
        return None
    evaluation: dict[str, dict[str, Any]] = described["evaluation"]
    from gristmill.tokenizer.evaluate import ALL

    languages = sorted(evaluation, key=lambda name: (name == ALL, -evaluation[name]["bytes"], name))
    shown = [*[name for name in languages if name != ALL][:LANGUAGES], *(name for name in languages if name == ALL)]
    return Tokenizer(
        kind=described["kind"],
        vocabulary=described["vocabulary"],
        sha256=described["sha256"],
        special=_special(described["special_ids"]),
        measures=list(MEASURES.values()),
        evaluation=[Evaluation(name or "unknown", [evaluation[name][m] for m in MEASURES]) for name in shown],
        figures=[*_asked(described), *_figures(described)],
    )


def _asked(described: dict[str, Any]) -> list[Figure]:
    """The vocabulary that the recipe asks for, where the sample did not support it."""
    return [Figure("vocabulary asked for", number(described["asked"]))] if described.get("asked") else []


def _figures(described: dict[str, Any]) -> list[Figure]:
    return [Figure(f"training {name.replace('_', ' ')}", number(value)) for name, value in _training(described)]


def _training(described: dict[str, Any]) -> list[tuple[str, float]]:
    return [(name, value) for name, value in described["training"].items() if isinstance(value, int | float)]


def _special(ids: dict[str, int]) -> list[Figure]:
    """Name and id, by id; a hundred sentinels are one line."""
    ordered = sorted(ids.items(), key=lambda item: item[1])
    figures = [Figure(name, str(number)) for name, number in ordered if not name.startswith("<extra_")]
    if sentinels := [number for name, number in ordered if name.startswith("<extra_")]:
        figures.append(Figure(f"<extra_0> … <extra_{len(sentinels) - 1}>", f"{sentinels[0]}–{sentinels[-1]}"))
    return figures
