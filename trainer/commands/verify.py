"""Compares checkpoints with the sha256 of their files."""

import json
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.trainer.errors import InputError, TrainerError


def verify(
    checkpoint: Annotated[
        Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for all that it keeps")
    ],
    as_json: Annotated[bool, typer.Option("--json", help="print JSON")] = False,
) -> None:
    """Compares a checkpoint's files with their sha256.

    Example: python -m gristmill.trainer verify runs/demo/train/main.
    """
    from gristmill.trainer.checkpoint.files import checkpoints_in, locate
    from gristmill.trainer.checkpoint.files import verify as verified

    found: list[dict[str, Any]] = []
    damaged: list[TrainerError] = []
    last = locate(checkpoint)
    for path in [last] if last == checkpoint else checkpoints_in(checkpoint):
        try:
            files = len(verified(path))
            found.append({"checkpoint": str(path), "files": files, "fault": None})
            said = f"OK: {files} files ({path})"
        except InputError as error:
            damaged.append(error)
            found.append({"checkpoint": str(path), "files": None, "fault": error.what})
            said = f"error: {error}"
        if not as_json:
            typer.echo(said, err=said.startswith("error"))
    if as_json:
        typer.echo(json.dumps({"checkpoints": found}, ensure_ascii=False))
    if damaged:
        raise typer.Exit(damaged[0].exit_code)
