"""gristmill clean RUN: remove the folders that hold raw text."""

from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.output import note
from gristmill.pipelines.storage.rundir import clean as remove_raw_text
from gristmill.pipelines.storage.rundir import locked, open_run


def clean(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    break_lock: Annotated[
        bool,
        typer.Option("--break-lock", help="Take the lock of a run on an object store, whoever holds it."),
    ] = False,
) -> None:
    """Remove raw text: curated/, dropped/, dead/, _work/. Text, tokens, ledger and report stay.

    A later `gristmill run` starts from the inputs again.

        gristmill clean runs/my-corpus
    """
    store = open_run(run)
    with locked(store, break_lock=break_lock):
        removed, left = remove_raw_text(store)
    note(f"removed {', '.join(removed) or 'nothing'} from {run}")
    if left:
        note(f"left in place, since no run made them: {', '.join(left)}")
