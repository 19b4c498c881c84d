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
    ToolOption,
    ToolRunOption,
    TopKOption,
    TopPOption,
    print_said,
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
    tool: ToolOption = None,
    run: ToolRunOption = None,
) -> None:
    """Continues a text; with --tool it answers it as a user's turn, and may call tools before.

    Example: gristmill generate runs/demo/train/main "The sea" --tokens 50."""
    from gristmill.tokenizer.foreign.encoder import open_encoder
    from gristmill.tokenizer.special_ids import END, EOS
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.errors import ConfigError
    from gristmill.trainer.evaluate.generate import stream
    from gristmill.trainer.evaluate.sampling import Sampling
    from gristmill.trainer.rollouts.conversation import Conversation
    from gristmill.trainer.rollouts.encoder import chat_encoder
    from gristmill.trainer.rollouts.tools import ToolReply, open_tools

    sampling = Sampling(temperature=temperature, top_k=top_k, top_p=top_p, min_p=min_p, seed=seed)
    wanted = wanted_of(choice, regex, json_schema)
    if (wanted is not None or tool) and stop:
        raise ConfigError("--stop would cut what ends by itself", where="the options", fix="leave --stop out")
    opened = Checkpoint.open(checkpoint)
    world: World = join()
    model = opened.load_model(world.device)
    if tool:
        speaker = chat_encoder(opened.path / "tokenizer")
        tools = ToolReply(speaker, open_tools(tool, run))
        structure = structure_of(tools.or_call(wanted), speaker, (END, EOS))
        print_said(Conversation(model, speaker, sampling, tokens, "", tools, structure).ask(prompt))
        sys.stdout.write("\n")
        return
    encoder = open_encoder(opened.path / "tokenizer")
    structure = structure_of(wanted, encoder, (encoder.eos,))
    written = stream(model, encoder, prompt, tokens, sampling, stop or [], structure)
    first = next(written, "")  # what cannot be written is an error, and nothing is
    sys.stdout.write(prompt + first)
    for piece in written:
        sys.stdout.write(piece)
        sys.stdout.flush()
    sys.stdout.write("\n")
