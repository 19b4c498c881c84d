"""A training: its parts, as the loop, the report and the recovery see them."""

from collections.abc import Callable, Mapping
from dataclasses import dataclass, field
from pathlib import Path

from gristmill.trainer.checkpoint.state import TrainState
from gristmill.trainer.config import LoopConfig
from gristmill.trainer.data.protocol import Batches, Order
from gristmill.trainer.devices.world import World
from gristmill.trainer.evaluate.validation import Evaluation
from gristmill.trainer.loop.reports.metrics import Metrics
from gristmill.trainer.loop.reports.speed import Speed
from gristmill.trainer.loop.reports.terminal import Terminal
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.objectives.protocol import Learns
from gristmill.trainer.optim.guard import Guard


@dataclass
class Training:
    """What a training consists of; each part is chosen once, in `build.py`."""

    config: LoopConfig
    world: World
    model: Model
    objective: Learns
    sampler: Order
    loader: Batches
    guard: Guard
    evaluate: Callable[[Model], Evaluation] | None
    save: Callable[[TrainState, Evaluation | None], None]
    metrics: Metrics | None
    terminal: Terminal
    speed: Speed
    sources: list[str]
    folder: Path
    """RUN/train/NAME."""
    limits: Mapping[str, float] = field(default_factory=dict)
    """Of the objective."""
    round_steps: int = 1
    """It may be interrupted only after a multiple of so many steps."""
    roll_back: Callable[["Training", TrainState], TrainState | None] = lambda training, state: None
    """After a skipped step: the state to go on from, or None to go on as it is. Raises DivergedError."""
    interrupted: Callable[[], bool] = lambda: False
    """Asked after every step; with several ranks only every `report_every` steps, because they must agree."""

    def __enter__(self) -> "Training":
        return self

    def __exit__(self, *_: object) -> None:
        """Ends the loader's thread and closes the files; the terminal is as it was."""
        self.loader.close()
        if self.metrics is not None:
            self.metrics.close()
        self.terminal.close()
