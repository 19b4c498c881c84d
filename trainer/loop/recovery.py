"""After a spike: back to the last checkpoint, with the data that follow it (PaLM, section 5.1)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.files import checkpoints_in
from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.data.protocol import Batches
from gristmill.trainer.data.sampler import DataState
from gristmill.trainer.errors import DivergedError
from gristmill.trainer.loop.training import Training


class Recovery:
    """`Training.roll_back` for `guard.spikes=rollback`."""

    def __init__(
        self, folder: Path, most: int, load: Callable[[Checkpoint], None], read_from: Callable[[DataState], Batches]
    ):
        """`load` puts a checkpoint into the training's parts; `read_from` makes a loader."""
        self.folder, self.most, self.load, self.read_from, self.done = folder, most, load, read_from, 0

    def __call__(self, training: Training, state: TrainState) -> TrainState | None:
        """The state to go on from: weights and step of the checkpoint, data after `state`. None before the first
        checkpoint: the step was skipped, which must do. Raises DivergedError after `most` times."""
        if not checkpoints_in(self.folder):
            return None
        if self.done == self.most:
            raise DivergedError(
                f"the training spiked again after going back {self.most} times",
                where=f"step {state.step}",
                fix="look at the documents in forensics/, or lower the rate: --resume --set optim.lr=...",
            )
        self.done += 1
        saved = Checkpoint.open(self.folder, training.world)
        self.load(saved)
        training.loader.close()
        training.loader = self.read_from(state.data)
        if training.metrics is not None:
            training.metrics.truncate_after(saved.state.step)
            training.metrics.write([{"step": saved.state.step, "went_back_from": state.step}])
        training.terminal.say(f"back to step {saved.state.step} ({saved.path}), with the data after step {state.step}")
        training.speed.start(saved.state.tokens)
        return replace(saved.state, data=state.data)
