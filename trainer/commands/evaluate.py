"""`evaluate`: how often a model is right on tasks."""

import json
from dataclasses import asdict
from typing import Annotated

import typer

from gristmill.trainer.commands.options import CheckpointArgument, ToolOption, ToolRunOption


def evaluate(
    checkpoint: CheckpointArgument,
    task: Annotated[list[str], typer.Option(help="sort, reverse, add, copy, format, FILE.py:NAME; may be repeated")],
    lang: Annotated[list[str] | None, typer.Option(help="en, zh; may be repeated; default: both")] = None,
    examples: Annotated[int, typer.Option(help="of each task and language", min=1)] = 200,
    samples: Annotated[int, typer.Option(help="responses to each example, beside the greedy one", min=1)] = 1,
    tool: ToolOption = None,
    run: ToolRunOption = None,
    tokens: Annotated[int, typer.Option(help="most tokens of a response", min=1)] = 64,
    temperature: Annotated[float, typer.Option(help="of the samples", min=0.01)] = 1.0,
    seed: Annotated[int, typer.Option(help="of the examples and the sampling: another than training's")] = 1_000_003,
) -> None:
    """Exact match on tasks, one JSON line each. Example: gristmill evaluate runs/demo/train/sft --task sort."""
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.evaluate.sampling import Sampling
    from gristmill.trainer.rollouts.accuracy import accuracy
    from gristmill.trainer.rollouts.encoder import chat_encoder
    from gristmill.trainer.rollouts.tools import ToolReply, open_tools

    opened = Checkpoint.open(checkpoint)
    encoder = chat_encoder(opened.path / "tokenizer")
    tools = ToolReply(encoder, open_tools(tool, run)) if tool else None
    world: World = join()
    model = opened.load_model(world.device)
    ways = {
        "greedy": (Sampling(temperature=0), 1),
        "sampled": (Sampling(temperature=temperature, top_p=1.0, seed=seed), samples),
    }
    for name in task:
        for language in lang or ["en", "zh"]:
            for way, (sampling, count) in ways.items():
                found = accuracy(
                    model, encoder, name, language, examples=examples, seed=seed, sampling=sampling, samples=count,
                    most_tokens=tokens, tools=tools,
                )  # fmt: skip
                typer.echo(json.dumps({"way": way} | asdict(found), ensure_ascii=False))
