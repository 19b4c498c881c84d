"""gristmill dataflow: hands over to `python -m gristmill.infra.dataflow`, which this package may not import."""

import os
import sys
from typing import Annotated

import typer

from gristmill.filters.names import nearest
from gristmill.pipelines.errors import RecipeError

ACTIONS = ("build", "template", "submit", "cost")
DATAFLOW_ARGS = {"allow_extra_args": True, "ignore_unknown_options": True}
"""What stands behind the action is for it."""


def dataflow(
    context: typer.Context,
    action: Annotated[
        str, typer.Argument(help="build, template, submit or cost; what follows is for it (docs/dataflow.md).")
    ],
) -> None:
    """Make the image and the Flex Template of Google Dataflow, launch it, say what a job costs. Jobs of your own
    terminal: `gristmill run --runner dataflow`.

    gristmill dataflow cost recipe.yaml
    """
    if action not in ACTIONS:
        raise RecipeError(f"'{action}' is unknown", where="gristmill dataflow", fix=nearest(action, ACTIONS))
    sys.stdout.flush()
    os.execv(sys.executable, [sys.executable, "-m", "gristmill.infra.dataflow", action, *context.args])
