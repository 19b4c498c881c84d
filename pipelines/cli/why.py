"""gristmill why RUN DOC_ID: what was decided about one document, and every rule that fired."""

from typing import Annotated

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import out
from gristmill.pipelines.errors import RecipeError, inert
from gristmill.pipelines.report.sections.samples import SENTENCES
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files

SHOWN = 5
DOCUMENT = f"""
SELECT * FROM 'ledger/*.parquet' WHERE starts_with(doc_id, ?) OR id = ?
ORDER BY doc_id, verdict = 'dropped', unit, row LIMIT {SHOWN + 1}
"""


def why(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    document: Annotated[str, typer.Argument(help="doc_id, or the first characters of it; or the record's own id.")],
) -> None:
    """Say why a document was kept or dropped: its verdict, the rules that fired, its signals, its duplicate.

    gristmill why runs/my-corpus 3f2a
    """
    store = open_run(run)
    check_files(store, "ledger")
    manifest = store.read_json("manifest.json") or {}
    with Ledger(store) as ledger:
        rows = ledger.rows(DOCUMENT, [document, document]) if ledger.has("ledger") else []
    if not rows:
        fix = "list some: duckdb -c \"SELECT doc_id, verdict, rules FROM 'RUN/ledger/*.parquet' LIMIT 20\""
        raise RecipeError(f"no document '{document}' in the ledger", where=str(run), fix=fix)
    sentences = SENTENCES | {rule["name"]: rule["sentence"] for rule in manifest.get("rules", ())}
    for row in rows[:SHOWN]:
        _show(row, sentences)
    if len(rows) > SHOWN:
        out.print("... and more documents; give more characters")


def _show(document: dict, sentences: dict[str, str]) -> None:
    table = Table(box=None, show_header=False, padding=(0, 2))
    for key, value in document.items():
        if key == "rules":
            for name in value or ():
                table.add_row("rule fired", f"{name}: {sentences.get(name, 'see docs/rules.md')}")
        elif key == "edits":
            table.add_row("edits", f"{len(value or ())}")
        elif value is not None:
            table.add_row(key, f"{value:.4g}" if isinstance(value, float) else inert(str(value)))
    out.print(table)
    out.print()
