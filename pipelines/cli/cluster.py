"""gristmill cluster: hands over to `python -m infra.cluster`, which this package may not import."""

import os
import sys
from typing import Annotated

import typer


def cluster(
    engine: Annotated[str, typer.Argument(help="spark or flink.")],
    action: Annotated[str, typer.Argument(help="prepare, up, down or status.")],
) -> None:
    """Prepare a job server for Spark or Flink, or run a small cluster on this machine to try a recipe on.

    gristmill cluster spark up
    gristmill run recipe.yaml --runner spark
    gristmill cluster spark down
    """
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "infra.cluster", engine, action])
