"""Predicts a large training from small ones."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer

from gristmill.trainer.commands.options import RunArgument
from gristmill.trainer.errors import ConfigError, InputError

if TYPE_CHECKING:
    from gristmill.trainer.scaling.asked import Questions


def scaling(
    run: RunArgument,
    sizes: Annotated[str, typer.Option(help="WIDTHxLAYERS of the ladder, with commas")] = "32x2,64x2,96x3,128x4",
    ratios: Annotated[str, typer.Option(help="tokens per parameter, with commas; all for every size")] = "1,3,9",
    target: Annotated[str, typer.Option(help="WIDTHxLAYERS of the run to predict")] = "192x4",
    factor: Annotated[float, typer.Option(help="its FLOPs over those of the largest run", min=1.0)] = 10.0,
    out: Annotated[Path | None, typer.Option(help="folder of the results; default: RUN/scaling")] = None,
    tasks: Annotated[
        str | None, typer.Option(help="what every model is asked, as of eval: scores against compute")
    ] = None,
    shots: Annotated[
        str | None, typer.Option(help="examples in the context, e.g. 0,4; default: as the task says")
    ] = None,
    limit: Annotated[int | None, typer.Option(help="only the first items of each task", min=1)] = None,
    settings: Annotated[
        list[str] | None, typer.Option("--set", metavar="SECTION.NAME=VALUE", help="as of train, for all runs")
    ] = None,
) -> None:
    """Predicts a large run from small ones, then does it. Example: gristmill scaling runs/demo --factor 10."""
    from gristmill.trainer.checkpoint.alone import alone
    from gristmill.trainer.config import preset, with_settings
    from gristmill.trainer.devices.world import join, leave
    from gristmill.trainer.loop.inputs import open_data
    from gristmill.trainer.scaling import experiment, ladder

    base = with_settings(preset("nano"), settings or [])
    questions = _questions(run, tasks, shots, limit) if tasks else None
    world = join()
    try:
        data = open_data(run, world, verify=base.data.verify)
        if data.validation is None:
            raise InputError("the run has no validation split", where=str(run), fix="recipe key tokens.validation")
        planned = ladder.plan(base, data, _sizes(sizes), _numbers(ratios), _sizes(target)[0], factor)
        out, say = out or run / "scaling", _progress if world.first else _quiet
        with alone(out, world):
            result = experiment.run_ladder(base, data, planned, out, world, say, questions)
    finally:
        leave(world)
    if world.first:
        typer.echo("\n".join(experiment.table(result)))


def _questions(run: Path, tasks: str, shots: str | None, limit: int | None) -> "Questions":
    from gristmill.trainer.evaluate.contamination import contamination_of
    from gristmill.trainer.evaluate.requests.text import OwnCodec
    from gristmill.trainer.evaluate.selection import open_tasks, shots_of
    from gristmill.trainer.evaluate.tasks.arms import base_of
    from gristmill.trainer.rollouts.tool_answers import without_tools
    from gristmill.trainer.scaling.asked import Questions

    found, wanted = open_tasks(tasks, run, limit), shots_of(shots)
    without_tools(found)
    manifest = json.loads((run / "manifest.json").read_text("utf-8")) if (run / "manifest.json").exists() else None
    asked = [
        (task, number)
        for task in found
        for number in (wanted if wanted is not None else [task.config.num_fewshot or 0])
    ]
    known = {task.name: contamination_of(base_of(task.name), task.files, [(run.name, manifest)]) for task in found}
    return Questions(asked, OwnCodec(run / "tokenizer"), known)


def _progress(text: str) -> None:
    typer.echo(text, err=True)


def _quiet(text: str) -> None:
    """Of a rank that is not the first."""


def _sizes(text: str) -> list[tuple[int, int]]:
    try:
        pairs = [tuple(int(number) for number in part.split("x")) for part in text.split(",")]
        return [(width, layers) for width, layers in pairs]
    except ValueError:
        raise ConfigError(f"{text!r} is no list of sizes", where="scaling", fix="write e.g. 64x2,96x3") from None


def _numbers(text: str) -> list[float]:
    try:
        return [float(part) for part in text.split(",")]
    except ValueError:
        raise ConfigError(f"{text!r} is no list of numbers", where="scaling", fix="write e.g. 5,20") from None
