"""Arguments and options that several commands have."""

import sys
from dataclasses import replace
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

if TYPE_CHECKING:
    from collections.abc import Iterable

    from gristmill.tokenizer.encode import Encoder
    from gristmill.trainer.config import TrainConfig
    from gristmill.trainer.evaluate.structure.expressions import Expression
    from gristmill.trainer.evaluate.structure.mask import Structure
    from gristmill.trainer.rollouts.conversation import Said

RunArgument = Annotated[Path, typer.Argument(metavar="RUN", help="a run directory that holds tokens/")]
RunsArgument = Annotated[
    list[Path], typer.Argument(metavar="RUN", help="run directories that hold tokens/; results go to the first")
]
MixOption = Annotated[
    str | None,
    typer.Option(metavar="MIX", help="what is read how often: a written mixture's name in RUN, or a YAML file"),
]
CheckpointArgument = Annotated[
    Path, typer.Argument(metavar="CHECKPOINT", help="a checkpoint, or RUN/train/NAME for its last")
]
TemperatureOption = Annotated[float, typer.Option(help="0: always the most likely token")]
TopKOption = Annotated[int, typer.Option(help="only the k most likely tokens; 0: all")]
TopPOption = Annotated[float, typer.Option(help="only the likeliest tokens with this probability together")]
MinPOption = Annotated[float, typer.Option(help="only tokens with this share of the likeliest one's probability")]
SeedOption = Annotated[int, typer.Option(help="of the sampling")]
ToolOption = Annotated[list[str] | None, typer.Option(help="calculator, search, FILE.py:FUNCTION; may be repeated")]
ToolRunOption = Annotated[Path | None, typer.Option(metavar="RUN", help="run directory whose texts `search` reads")]
ChoiceOption = Annotated[list[str] | None, typer.Option(help="what is written is one of these texts; may be repeated")]
RegexOption = Annotated[str | None, typer.Option(help="what is written matches this as a whole, as in Python's re")]
SchemaOption = Annotated[
    Path | None, typer.Option("--json-schema", metavar="FILE", help="what is written is JSON that is valid under this")
]
SettingsOption = Annotated[
    list[str] | None,
    typer.Option("--set", metavar="SECTION.NAME=VALUE", help="any other option, e.g. optim.lr=0.002"),
]
FromOption = Annotated[
    Path | None,
    typer.Option("--from", metavar="CHECKPOINT", help="what it begins with; or RUN/train/NAME for its last"),
]
NameOption = Annotated[str, typer.Option(help="results go to RUN/train/NAME")]
ResumeOption = Annotated[bool, typer.Option("--resume", help="continue from the last checkpoint")]


def with_options(config: "TrainConfig", settings: list[str], steps: int | None) -> "TrainConfig":
    """The configuration with the options of the command line."""
    from gristmill.trainer.config import with_settings

    config = with_settings(config, settings)
    return config if steps is None else replace(config, loop=replace(config.loop, steps=steps))


def print_said(answer: "Iterable[Said]") -> None:
    """An answer to stdout as it is written; what tools gave in between to stderr."""
    for said in answer:
        if said.kind == "tool":
            typer.echo(f"\ntool: {said.text}", err=True)
        else:
            sys.stdout.write(said.text)
            sys.stdout.flush()


def wanted_of(choice: list[str] | None, regex: str | None, schema: Path | None) -> "Expression | None":
    """What is to be written, where an option says so. Raises ConfigError, InputError."""
    from gristmill.trainer.errors import ConfigError
    from gristmill.trainer.evaluate.structure.wanted import expression_of, read_schema

    given = {"choices": choice or None, "regex": regex, "json_schema": None if schema is None else read_schema(schema)}
    wanted = {kind: value for kind, value in given.items() if value is not None}
    if len(wanted) > 1:
        raise ConfigError(
            "what is written can be wanted in one way", where="the options", fix="--choice, --regex or --json-schema"
        )
    return expression_of(wanted, "the options") if wanted else None


def structure_of(wanted: "Expression | None", encoder: "Encoder", ends: tuple[int, ...]) -> "Structure | None":
    """The same for a tokenizer; `ends`: ids that end what is written. Raises ConfigError."""
    from gristmill.trainer.evaluate.requests.text import pieces_of
    from gristmill.trainer.evaluate.structure.mask import Pieces, Structure

    return None if wanted is None else Structure(wanted, Pieces(pieces_of(encoder), ends), "the options")
