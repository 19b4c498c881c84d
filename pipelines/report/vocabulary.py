"""The tokenizer: what it is, and how it does on each language."""

from typing import Any

from pipelines.report.figures import Figure
from pipelines.report.material import Material
from pipelines.report.sections import Evaluation, Tokenizer
from pipelines.report.theme import number

_PARTS = ("characters", "words", "byte_tokens")
"""Counts of tokenizer.evaluate.Figures that only its ratios are made of."""


def build_tokenizer(material: Material) -> Tokenizer | None:
    """What tokenizer/tokenizer.json says; None where no tokenizer was trained."""
    described = material.json("tokenizer/tokenizer.json")
    if described is None:
        return None
    evaluation: dict[str, dict[str, Any]] = described.get("evaluation") or {}
    measures = [
        name for name in dict.fromkeys(n for values in evaluation.values() for n in values) if name not in _PARTS
    ]
    numeric = [name for name in measures if all(_is_number(values.get(name)) for values in evaluation.values())]
    return Tokenizer(
        kind=str(described.get("kind", "")),
        vocabulary=described.get("vocabulary"),
        sha256=described["sha256"],
        special=_special(described.get("special_ids") or {}),
        measures=[name.replace("_", " ") for name in numeric],
        evaluation=[
            Evaluation(language, [values.get(name) for name in numeric]) for language, values in evaluation.items()
        ],
        figures=[
            Figure(f"training {name.replace('_', ' ')}", number(value))
            for name, value in (described.get("training") or {}).items()
            if _is_number(value)
        ],
    )


def _is_number(value: Any) -> bool:
    return value is None or (isinstance(value, int | float) and not isinstance(value, bool))


def _special(ids: dict[str, int]) -> list[Figure]:
    """Name and id; a hundred sentinels are one line."""
    sentinels = [number for name, number in ids.items() if name.startswith("<extra_")]
    figures = [Figure(name, str(number)) for name, number in ids.items() if not name.startswith("<extra_")]
    if sentinels:
        figures.append(Figure(f"<extra_0> … <extra_{len(sentinels) - 1}>", f"{min(sentinels)}–{max(sentinels)}"))
    return figures
