"""Tells what a checkpoint was made from."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gristmill.trainer.commands.options import CheckpointArgument


def explain(
    checkpoint: CheckpointArgument,
    run: Annotated[Path | None, typer.Option(metavar="RUN", help="its run directory, if moved")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Tells what a checkpoint was made from. Example: gristmill explain runs/demo/train/main."""
    from gristmill.trainer.checkpoint.explain import as_text
    from gristmill.trainer.checkpoint.explain import explain as facts_of

    facts = facts_of(checkpoint, run)
    typer.echo(json.dumps(facts, ensure_ascii=False) if as_json else as_text(facts))
