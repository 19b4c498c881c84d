"""What all stages that learn from the rows of a corpus do: choose the configuration, check, build, train."""

from collections.abc import Callable, Sequence
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING

from gristmill.trainer.commands.options import with_options
from gristmill.trainer.commands.training.carry_out import carry_out, conclude
from gristmill.trainer.commands.training.session import session
from gristmill.trainer.errors import ConfigError, MismatchError

if TYPE_CHECKING:
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.config import TrainConfig


def train_run(
    run: Path,
    name: str,
    *,
    first: Callable[[], "TrainConfig"] | None = None,
    stage: str = "",
    begin: Path | None = None,
    settings: list[str] | None = None,
    steps: int | None = None,
    resume: bool = False,
    others: Sequence[Path] = (),
    mix: str | None = None,
) -> None:
    """Trains into RUN/train/NAME, on the rows of RUN and `others`, as often as `mix` says. `first`: the configuration
    of a training that begins with random weights; `stage`: the objective of one that begins with a checkpoint's,
    `begin`. Raises what a user can mend."""
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.config import after
    from gristmill.trainer.loop import build
    from gristmill.trainer.loop.inputs import open_data
    from gristmill.trainer.loop.memory import memory_said
    from gristmill.trainer.loop.mixed import of_mix
    from gristmill.trainer.loop.stages.parent import check_begin

    folder = run / "train" / name
    with session(run, folder) as (stop, world):
        checkpoint = build.last_checkpoint(folder, world, resume=resume)
        parent: Checkpoint | None = None
        if checkpoint is not None:
            config = _resumed(checkpoint, stage, begin)
        elif begin is not None:
            parent = Checkpoint.open(begin, world)
            config = after(parent.config, stage or parent.config.objective, str(parent.path.resolve()))
        elif first is not None:
            config = first()
        else:
            raise ConfigError(
                f"{stage} needs a checkpoint to begin from", where="option --from", fix="--from CHECKPOINT"
            )
        config = with_options(config, settings or [], steps)
        if stage and config.objective != stage:
            raise ConfigError(f"this stage is {stage}", where="option objective", fix="leave it out")
        if config.lora.rank and not config.begin:
            raise ConfigError("LoRA adapts a trained model", where="option lora.rank", fix="--from CHECKPOINT")
        config = config if mix is None else replace(config, mix=mix)
        data = open_data(run, world, verify=config.data.verify, others=others, mix=config.mix)
        config = of_mix(config, data, steps_said=steps is not None or checkpoint is not None)
        config = build.complete(config, data)
        if checkpoint is not None:
            checkpoint.origin.check(data.origin, checkpoint.path)
            build.check_same(checkpoint.config, config, checkpoint.path)
        if parent is not None:
            check_begin(parent, config, data)
        folder.mkdir(parents=True, exist_ok=True)
        training, state = build.build(config, data, folder, world, checkpoint, stop, begin=parent)
        said = build.introduction(config, data, training.model, world)
        if stage == "sft" and data.train.kind == "text":
            said += "; the run holds texts, not conversations: all of their tokens are learnt"
        if world.first and (fits := memory_said(config, data, world)):
            said += f"\n{fits}"
        state = carry_out(training, state, said, checkpoint)
    conclude(training, state)


def _resumed(checkpoint: "Checkpoint", stage: str, begin: Path | None) -> "TrainConfig":
    """The configuration of a training that goes on; `begin`: where the checkpoint that it began with is now."""
    config = checkpoint.config
    if stage and config.objective != stage:
        raise MismatchError(
            f"this training is one of {config.objective}, not of {stage}",
            where=str(checkpoint.path),
            fix=f"train {config.objective}, or choose another --name",
        )
    return config if begin is None else replace(config, begin=str(begin.resolve()))
