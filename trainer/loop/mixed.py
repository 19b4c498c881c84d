"""What a mixture decides about a training: how long it is."""

from dataclasses import replace

from gristmill.trainer.config import TrainConfig
from gristmill.trainer.errors import ConfigError
from gristmill.trainer.loop.inputs import TrainingData


def of_mix(config: TrainConfig, data: TrainingData, *, steps_said: bool) -> TrainConfig:
    """The configuration with the mixture's place in it; where nobody has said how many steps, as many as it has whole
    ones. Raises ConfigError for more than that."""
    if data.mix is None:
        return config
    whole = len(data.mix) // config.data.step_rows(data.train.sequence_length)
    config = replace(config, mix=str(data.mix.folder.resolve()))
    if not steps_said:
        config = replace(config, loop=replace(config.loop, steps=whole))
    if not 1 <= config.loop.steps <= whole:
        raise ConfigError(
            f"the mixture has rows for {whole:,} steps, {max(1, config.loop.steps):,} are asked for",
            where=str(data.mix.folder),
            fix="fewer --steps, a smaller data.tokens_per_step, or a mixture of more tokens",
        )
    return config


def said(data: TrainingData, rows: int) -> str:
    """For the first line of a training that reads so many rows of its mixture; "" without one."""
    if data.mix is None:
        return ""
    stages = [stage["stage"] for stage in data.mix.card["stages"]]
    left = len(data.mix) - rows
    short = f", {left:,} of {len(data.mix):,} rows stay unread: it ends before the mixture does" if left > rows else ""
    return f"mixture {data.mix.folder.name} ({', '.join(stages)}){short}; "
