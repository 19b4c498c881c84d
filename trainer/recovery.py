"""After a spike: back to the last checkpoint, with the data that follow it (PaLM, section 5.1)."""

from collections.abc import Callable
from dataclasses import replace
from pathlib import Path

from trainer.checkpoint import Checkpoint, Checkpoints
from trainer.data import Loader
from trainer.errors import DivergedError
from trainer.loop import Run, State
from trainer.order import Place


class Recovery:
    """`Run.go_back` of `guard.spikes=rollback`."""

    def __init__(
        self, folder: Path, most: int, load: Callable[[Checkpoint], None], read_from: Callable[[Place], Loader]
    ):
        """`load` puts a checkpoint into the run's parts; `read_from` makes a loader."""
        self.folder, self.most, self.load, self.read_from, self.done = folder, most, load, read_from, 0

    def __call__(self, run: Run, state: State) -> State | None:
        """The state to go on from: weights and step of the checkpoint, data after `state`. None before the first
        checkpoint: the step was skipped, which must do. Raises DivergedError after `most` times."""
        if not Checkpoints(self.folder, 1).all():
            return None
        if self.done == self.most:
            raise DivergedError(
                f"the training spiked again after going back {self.most} times",
                where=f"step {state.step}",
                fix="look at the documents in forensics/, or lower the rate: --resume --set optim.lr=...",
            )
        self.done += 1
        saved = Checkpoint.open(self.folder)
        self.load(saved)
        run.loader.close()
        run.loader = self.read_from(state.place)
        if run.metrics is not None:
            run.metrics.back_to(saved.state.step)
            run.metrics.write([{"step": saved.state.step, "went_back_from": state.step}])
        run.terminal.say(f"back to step {saved.state.step} ({saved.path}), with the data after step {state.step}")
        run.speed.start(saved.state.tokens)
        return replace(saved.state, place=state.place)
