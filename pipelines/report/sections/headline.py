"""The run at a glance."""

from dataclasses import dataclass
from datetime import datetime
from typing import Any

from gristmill.pipelines.errors import inert
from gristmill.pipelines.report.figures import Count, share
from gristmill.pipelines.report.material import Material
from gristmill.pipelines.report.sections.funnel import Funnel
from gristmill.pipelines.report.sections.tokens import Tokens


@dataclass(frozen=True)
class Header:
    """The run at a glance. `limits`: what makes it less than a whole run, such as a sample."""

    name: str
    state: str
    limits: list[str]
    reconciles: bool
    records: Count
    kept: Count
    dropped: int
    dead: int
    tokens: int | None
    """Of all splits; `held_out` of them are for validation."""
    held_out: int | None
    share_kept: float | None
    seconds: float | None
    started: str


def build_header(material: Material, funnel: Funnel, tokens: Tokens | None) -> Header:
    """What of the run stands on top of its page."""
    steps = funnel.steps
    records, kept = steps[0].entered, steps[-1].kept
    return Header(
        name=inert(str(material.recipe.get("name", material.store.name))),
        state=str(material.state.get("status", "unknown")),
        limits=_limits(material),
        reconciles=all(check.holds for check in funnel.checks),
        records=records,
        kept=kept,
        dropped=sum(step.dropped.documents for step in steps),
        dead=sum(step.dead.documents for step in steps),
        tokens=tokens.tokens if tokens else None,
        held_out=tokens.held_out if tokens else None,
        share_kept=share(kept.documents, records.documents),
        seconds=_seconds(material.state),
        started=str(material.state.get("started", "")),
    )


def _seconds(state: dict[str, Any]) -> float | None:
    """What the user of the last `gristmill run` waited for, from the command to the report; else what its run took."""
    if "waited" in state:
        return float(state["waited"])
    if not state.get("started") or not state.get("finished"):
        return None
    return (datetime.fromisoformat(state["finished"]) - datetime.fromisoformat(state["started"])).total_seconds()


def _limits(material: Material) -> list[str]:
    until, sample = material.manifest.get("until"), material.manifest.get("sample") or 1.0
    last = "tokens" if material.recipe.get("tokenizer") else "text"
    limits = [f"until {until}"] if until and until != last else []
    return [*limits, f"sample {sample:.3g}"] if sample < 1 else limits
