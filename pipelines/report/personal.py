"""Documents that went for too much personal data: the count that a rule of `scrub.drop_above` judged, and its bound."""

from collections.abc import Mapping
from typing import Any, NamedTuple

from gristmill.filters.pii.operators.bounds import counted
from gristmill.pipelines.records.accounts import PERSONAL


class Counted(NamedTuple):
    """So many findings where no more than `most` may be (None: the recipe does not say it any more)."""

    findings: int
    most: int | None


def counted_by(rule: str, row: Mapping[str, Any], recipe: Mapping[str, Any]) -> Counted | None:
    """What a rule counted in a row of the ledger; None for a rule about something else. recipe: as a run keeps it."""
    if not rule.startswith(PERSONAL):
        return None
    name, scrub = rule.removeprefix(PERSONAL), recipe.get("scrub") or {}
    own = ((scrub.get("sources") or {}).get(row["source"]) or {}).get("drop_above")
    bounds = scrub.get("drop_above") if own is None else own
    return Counted(counted((one["type"] for one in row.get("findings") or ()), name), (bounds or {}).get(name))


def sentence(rule: str) -> str:
    """What a rule means, "" for one about something else."""
    if not rule.startswith(PERSONAL):
        return ""
    name = rule.removeprefix(PERSONAL)
    return f"Its text holds more personal data ({name}) than `scrub.drop_above` allows."
