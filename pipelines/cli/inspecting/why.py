"""gristmill why RUN DOCUMENT: what was decided about one document, by which numbers, and what would have kept it."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.output import out, print_json
from gristmill.pipelines.cli.terminal.record import listing, story
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.report.explain.explanation import Explainer
from gristmill.pipelines.report.explain.matching import Matches
from gristmill.pipelines.storage.layout import RECIPE
from gristmill.pipelines.storage.rundir import is_run, open_run
from gristmill.pipelines.storage.store import Store
from gristmill.pipelines.storage.verification import check_files

CHARACTERS = 1_000
READ = ("ledger", "contamination", "dropped", "dead", "text", RECIPE)
"""What is read of a run."""


def why(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    document: Annotated[
        str,
        typer.Argument(
            help="Its URL, its own id, its doc_id or the first characters of it; else unit/row, or an input file."
        ),
    ],
    characters: Annotated[int, typer.Option(min=0, help="How much of the text is shown.")] = CHARACTERS,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/why.md).")] = False,
) -> None:
    """Say why a document was kept or dropped: the rules that fired with value and bound, its text without personal
    data, where it was read, the document that it repeats, and the smallest change of the recipe that would keep it.

        gristmill why runs/my-corpus https://example.org/page

        gristmill why runs/my-corpus 3f2a --json
    """
    store = _open(run, document)
    check_files(store, *READ)
    with Explainer(store, scrubbed_excerpts(store)) as explainer:
        found = _find(explainer, run, document)
        explained = [explainer.explain(row, characters) for row in found.rows] if found.one else []
        listed = [] if found.one else [explainer.listed(row) for row in found.rows]
    if json:
        print_json(
            {
                "asked": document,
                "matched_by": found.by,
                "documents": found.documents,
                "explained": [one.to_json() for one in explained],
                "listed": listed,
            }
        )
        return
    if listed:
        out.print(listing(found.by, found.documents, listed))
    for one in explained:
        out.print(story(one))


def _open(run: str, document: str) -> Store:
    try:
        return open_run(run)
    except RecipeError as error:
        if Path(document).is_dir() and is_run(Store.at(document)):
            fix = f"the run comes first: gristmill why {document} {run}"
            raise RecipeError(error.what, where=run, fix=fix) from None
        raise


def _find(explainer: Explainer, run: str, document: str) -> Matches:
    if not explainer.ledger.has("ledger"):
        fix = "finish it: the same `gristmill run` without --until goes on from there"
        raise RecipeError("the run has no ledger: it stopped before `text`", where=run, fix=fix)
    found = explainer.find(document.strip()) if document.strip() else None
    if found is not None:
        return found
    near = explainer.nearest(document)
    fix = f"did you mean '{near}'?" if near else "give a URL, an id of the input, a doc_id, or an input file"
    if not near and explainer.ledger.has("dead"):
        fix += "; a record that could not be read has no id: the input file lists it"
    if explainer.sampled:
        fix += "; the run took a sample, and this document may not be in it"
    raise RecipeError(f"no record '{document}' in the ledger", where=run, fix=fix)
