"""gristmill cluster: hands over to `python -m gristmill.infra.cluster`, which this package may not import."""

import os
import sys
from typing import Annotated

import typer

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import RecipeError

ENGINES, ACTIONS = ("spark", "flink"), ("prepare", "up", "down", "status")


def cluster(
    engine: Annotated[str, typer.Argument(help="spark or flink.")],
    action: Annotated[str, typer.Argument(help="prepare, up, down or status.")],
) -> None:
    """Prepare a job server for Spark or Flink, or run a small cluster on this machine to try a recipe on.

    gristmill cluster spark up

    gristmill run recipe.yaml --runner spark

    gristmill cluster spark down
    """
    if engine in ACTIONS and action in ENGINES:
        fix = f"the engine comes first: gristmill cluster {action} {engine}"
        raise RecipeError(f"'{engine}' is no engine", where="gristmill cluster", fix=fix)
    for name, valid in ((engine, ENGINES), (action, ACTIONS)):
        if name not in valid:
            raise RecipeError(f"'{name}' is unknown", where="gristmill cluster", fix=nearest(name, valid))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gristmill.infra.cluster", engine, action])
