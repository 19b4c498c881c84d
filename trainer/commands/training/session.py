"""What every training is surrounded by, whatever it learns from."""

from collections.abc import Iterator
from contextlib import ExitStack, contextmanager
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.trainer.commands.training.stop import Stop, stopped_by_signals

if TYPE_CHECKING:
    from gristmill.trainer.devices.world import World


@contextmanager
def session(run: Path, folder: Path) -> "Iterator[tuple[Stop, World]]":
    """(what Ctrl-C and SIGTERM set, the ranks) of a training into a folder of a run, which nobody else trains into
    meanwhile. Raises ConfigError where somebody does."""
    from gristmill.trainer.checkpoint.alone import alone
    from gristmill.trainer.devices.world import join, leave

    with ExitStack() as ends:
        stop = ends.enter_context(stopped_by_signals())
        world = join()
        ends.callback(leave, world)
        if run.is_dir():  # of one that is not there the inputs say so, and nothing is made of it
            ends.enter_context(alone(folder, world))
        yield stop, world
