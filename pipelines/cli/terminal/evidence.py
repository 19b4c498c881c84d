"""An item of an evaluation set beside the document that it stands in, as a terminal shows it."""

from collections.abc import Iterator

from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from gristmill.pipelines.report.alignment import Side
from gristmill.pipelines.report.contamination.evidence import Evidence

INDENT = (0, 0, 0, 2)


def described(one: Evidence) -> Iterator[RenderableType]:
    """One place: the numbers, then both texts, what differs underlined."""
    head = (f"\n{one.set} {one.item_id}", "bold")
    yield Text.assemble(head, f"  score {one.score:.2f}  ", (_numbers(one), "dim"))
    yield Text(f"  {one.doc_id}  {one.source}, bytes {one.start:,} to {one.end:,}, {one.action}", "dim")
    yield Padding(_spans("item      ", one.item_text), INDENT)
    document = _spans("document  ", one.document_text) if one.document_text else Text(one.text_absent)
    yield Padding(document, INDENT)


def _numbers(one: Evidence) -> str:
    named = {"question": one.question, "answer": one.answer, "choices": one.choices, "passage": one.passage}
    return ", ".join(f"{name} {value:.2f}" for name, value in named.items() if value is not None)


def _spans(head: str, side: Side) -> Text:
    shown = ((span.text, "bold yellow underline" if span.differs else "") for span in side)
    return Text.assemble((head, "dim"), *shown)
