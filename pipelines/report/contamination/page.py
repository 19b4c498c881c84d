"""The evidence as one page that needs nothing else."""

from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gristmill.pipelines.report.contamination.evidence import Evidence

ACTIONS = {
    "drop": "documents with one were dropped",
    "cut": "they were cut out of the documents",
    "report": "the documents stay as they were",
}


def page(name: str, rates: dict[str, Any], shown: Sequence[Evidence], places: int) -> str:
    """HTML. `places`: how many there are in all."""
    from jinja2 import Environment  # not at the start of a command

    template = Environment(autoescape=True, trim_blocks=True, lstrip_blocks=True).from_string(
        Path(__file__).with_name("page.html").read_text(encoding="utf-8")
    )
    return template.render(name=name, rates=rates, shown=shown, all=places, said=ACTIONS[rates["action"]])
