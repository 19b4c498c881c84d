"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="a run directory that holds tokens/")]
CheckpointArgument = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
]
