"""What all stages of training do when their parts are made: say so, train, say how it ended."""

import json
from typing import TYPE_CHECKING

import typer

from gristmill.trainer.errors import Exit

if TYPE_CHECKING:
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.checkpoint.state import TrainState
    from gristmill.trainer.loop.training import Training


def carry_out(
    training: "Training", state: "TrainState", introduction: str, resumed: "Checkpoint | None"
) -> "TrainState":
    """Trains to the end, or until interrupted; where it stands then."""
    from gristmill.trainer.loop.fit import fit

    with training:
        training.terminal.say(introduction)
        if resumed is not None:
            training.terminal.say(f"continues from step {state.step} ({resumed.path})")
        if training.metrics is not None and training.metrics.damaged:
            training.terminal.say(f"metrics.jsonl: {training.metrics.damaged} lines that are no JSON were left out")
        return fit(training, state)


def conclude(training: "Training", state: "TrainState") -> None:
    """Says how it ended: JSON on stdout with the checkpoint, or exit code 130 where it was interrupted."""
    config = training.config
    if state.stale(config.patience):
        training.terminal.say(f"stopped after step {state.step}: no better validation in {config.patience} evaluations")
    elif state.step < config.steps:
        training.terminal.say(f"interrupted after step {state.step}; continue with --resume")
        raise typer.Exit(Exit.INTERRUPTED)
    if training.world.first:
        path = training.folder / f"step-{state.step:06d}"
        typer.echo(json.dumps({"checkpoint": str(path), "val_loss": state.best}))
