"""gristmill contamination RUN: which items of evaluation sets stand in documents of a run."""

from collections.abc import Sequence
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.console import Group, RenderableType
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.cli.terminal.evidence import described
from gristmill.pipelines.cli.terminal.output import note, out, print_json
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.report.contamination.evidence import ACTIONS, Evidence, EvidenceReader, Phrase
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.storage.layout import MANIFEST, RECIPE
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files

READ = ("contamination", "dropped", "curated", RECIPE)
"""What is read of a run."""
PLACES, ON_PAGE = 10, 500


def contamination(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    only: Annotated[str | None, typer.Option("--set", help="Only this evaluation set.")] = None,
    places: Annotated[
        int | None, typer.Option(min=0, help="How many places are shown, the surest first (10; of --html 500).")
    ] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page to this file.")] = None,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/decontamination.md).")] = False,
) -> None:
    """Say which items of evaluation sets stand in documents of a run: the rate of each set, then the places, item and
    document side by side, without personal data.

        gristmill contamination runs/my-corpus

        gristmill contamination runs/my-corpus --set gsm8k --html contamination.html
    """
    store = open_run(run)
    check_files(store, *READ)
    with Ledger(store) as ledger:
        reader = EvidenceReader(ledger, scrubbed_excerpts(store))
        rates = reader.rates()
        if only is not None and only not in rates["sets"]:
            known = ", ".join(rates["sets"])
            raise RecipeError(f"no evaluation set '{only}' in this run", where=run, fix=f"it has {known}")
        rows = reader.rows(only)
        most = places if places is not None else ON_PAGE if html is not None else PLACES
        shown, phrases = list(reader.explained(rows[:most])), reader.phrases(only, most)
    if html is not None:
        from gristmill.pipelines.report.drawing.render import render_contamination  # jinja: not at the start

        recipe = (store.read_json(MANIFEST) or {})["recipe"]
        html.write_text(render_contamination(shown, len(rows), rates, phrases, recipe), encoding="utf-8")
        note(f"the page is {html}")
    if json:
        found = {"rates": rates, "places": len(rows), "shown": [one.to_json() for one in shown]}
        found["phrases"] = [one.to_json() for one in phrases]
        print_json(found)
    elif html is None:
        out.print(story(rates, shown, len(rows), phrases))


def story(rates: dict[str, Any], shown: Sequence[Evidence], places: int, phrases: Sequence[Phrase]) -> RenderableType:
    """What a terminal shows."""
    table = Table(box=None, pad_edge=False, padding=(0, 3, 0, 0))
    table.add_column("set")
    for name in ("items", "found", "rate", "in documents", "left in text", "too short", "phrases"):
        table.add_column(name, justify="right")
    for name, of in rates["sets"].items():
        numbers = (of["items"], of["contaminated"], of["documents"], of["left"], of["too_short"], len(of["phrases"]))
        items, found, documents, left, short, common = (f"{number:,}" for number in numbers)
        table.add_row(name, items, found, f"{of['rate']:.2%}", documents, left, short, common)
    head = Text(f"{ACTIONS[rates['action']]}; threshold {rates['threshold']:g}", "dim")
    parts: list[RenderableType] = [table, head]
    if shown:
        parts.append(Text(f"\n{len(shown):,} of {places:,} places, the surest first", "bold"))
    for one in shown:
        parts += described(one)
    if phrases:
        count = sum(len(of["phrases"]) for of in rates["sets"].values())
        parts.append(Text(f"\n{len(phrases):,} of {count:,} items that were taken for phrases of the corpus", "bold"))
    for phrase in phrases:
        parts.append(Text(f"  {phrase.set} {phrase.item_id}, in {phrase.documents:,} documents: {phrase.text}"))
    return Group(*parts, Text(""))
