"""Which reasons a report names first. Whoever shows a finished one needs no more of it than its fields."""

from typing import Any


def dropped_most(funnel: Any, number: int) -> list[tuple[str, Any]]:
    """The reasons that dropped most documents, with their steps; `funnel` as a report has it."""
    listed = [(step.name, reason) for step in funnel.steps for reason in step.reasons if reason.first]
    return sorted(listed, key=lambda item: (-item[1].first, item[1].name))[:number]
