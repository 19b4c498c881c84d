"""Continues a text with a checkpoint."""

import sys
from typing import Annotated

import typer

from gristmill.trainer.commands.options import (
    CheckpointArgument,
    ChoiceOption,
    MinPOption,
    RegexOption,
    SchemaOption,
    SeedOption,
    TemperatureOption,
    TopKOption,
    TopPOption,
    structure_of,
    wanted_of,
)


def generate(
    checkpoint: CheckpointArgument,
    prompt: Annotated[str, typer.Argument(metavar="PROMPT")],
    tokens: Annotated[int, typer.Option(help="most tokens to add", min=1)] = 128,
    temperature: TemperatureOption = 0.8,
    top_k: TopKOption = 0,
    top_p: TopPOption = 0.95,
    min_p: MinPOption = 0.0,
    seed: SeedOption = 0,
    stop: Annotated[list[str] | None, typer.Option(help="end before this text; may be repeated")] = None,
    choice: ChoiceOption = None,
    regex: RegexOption = None,
    json_schema: SchemaOption = None,
) -> None:
    """Continues a text. Example: gristmill generate runs/demo/train/main "The sea" --tokens 50."""
    from gristmill.tokenizer.foreign.encoder import open_encoder
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.errors import ConfigError
    from gristmill.trainer.evaluate.generate import stream
    from gristmill.trainer.evaluate.sampling import Sampling

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed)
    wanted = wanted_of(choice, regex, json_schema)
    if wanted is not None and stop:
        raise ConfigError("--stop would cut what is wanted", where="the options", fix="leave --stop out")
    opened = Checkpoint.open(checkpoint)
    world: World = join()
    model = opened.load_model(world.device)
    encoder = open_encoder(opened.path / "tokenizer")
    structure = structure_of(wanted, encoder, (encoder.eos,))
    written = stream(model, encoder, prompt, tokens, sampling, stop or [], structure)
    first = next(written, "")  # what cannot be written is an error, and nothing is
    sys.stdout.write(prompt + first)
    for piece in written:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
