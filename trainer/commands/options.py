"""Arguments and options that several commands have."""

from pathlib import Path
from typing import Annotated

import typer

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="a run directory that holds tokens/")]
CheckpointArgument = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
]
TemperatureOption = Annotated[float, typer.Option(help="0: always the most likely token")]
TopKOption = Annotated[int, typer.Option(help="only the k most likely tokens; 0: all")]
TopPOption = Annotated[float, typer.Option(help="only the likeliest tokens with this probability together")]
MinPOption = Annotated[float, typer.Option(help="only tokens with this share of the likeliest one's probability")]
SeedOption = Annotated[int, typer.Option(help="of the sampling")]
