"""`eval CHECKPOINT|FOLDER --tasks ...`: what a model can do; `eval compare A B`: whether one can do more."""

import json
from pathlib import Path
from typing import Annotated

import typer

from gristmill.trainer.commands.groups import DefaultGroup
from gristmill.trainer.commands.options import SeedOption

SCORES = "scores"
"""Beside the checkpoints of a training: where `gristmill report` finds results."""
SubjectArgument = Annotated[
    Path,
    typer.Argument(
        metavar="CHECKPOINT|FOLDER", help="a checkpoint, RUN/train/NAME for its last, or a folder of transformers"
    ),
]


class _Commands(DefaultGroup):
    default = "run"


def run(
    subject: SubjectArgument,
    tasks: Annotated[
        str,
        typer.Option(
            help="names of bundled tasks, `en`, `zh`, `all`; TASK.yaml; SHAPE=FILE[+EXAMPLES]; separated by commas"
        ),
    ],
    out: Annotated[
        Path | None,
        typer.Option(help="new folder of the results; default: RUN/train/NAME/scores/STEP of a checkpoint"),
    ] = None,
    every: Annotated[
        bool, typer.Option("--checkpoints", help="every checkpoint of RUN/train/NAME, each to OUT/STEP, once")
    ] = False,
    shots: Annotated[
        str | None, typer.Option(help="examples in the context, e.g. 0,1,4; default: as the task says")
    ] = None,
    sampler: Annotated[
        str | None, typer.Option(help="which examples: default (drawn), first_n, similar, balanced; else the task's")
    ] = None,
    samples: Annotated[
        int | None, typer.Option(help="continuations of each prompt, in place of the task's `repeats`", min=1)
    ] = None,
    temperature: Annotated[
        float | None,
        typer.Option(help="of what is written, in place of the task's: above 0 for --samples, 0 greedy", min=0.0),
    ] = None,
    most_tokens: Annotated[
        int | None, typer.Option("--max-tokens", help="of a continuation, in place of the task's max_gen_toks", min=1)
    ] = None,
    limit: Annotated[int | None, typer.Option(help="only the first items of each task", min=1)] = None,
    texts: Annotated[
        bool, typer.Option("--texts", help="samples hold items and continuations, not only scores")
    ] = False,
    corpus: Annotated[
        Path | None,
        typer.Option("--run", metavar="RUN", help="whose held-out texts are asked; default: the checkpoint's"),
    ] = None,
    compute: Annotated[str, typer.Option(help="float32, bfloat16: of the matrix products")] = "float32",
    seed: SeedOption = 1234,
) -> None:
    """Scores on tasks. Example: gristmill eval runs/demo/train/main --tasks en --shots 0,4 --out scores."""
    from gristmill.trainer.checkpoint.subject import open_subject
    from gristmill.trainer.devices.world import World, join
    from gristmill.trainer.evaluate.compare import compare_arms
    from gristmill.trainer.evaluate.contamination import contamination_of
    from gristmill.trainer.evaluate.examine import examine
    from gristmill.trainer.evaluate.results import holds, write_results
    from gristmill.trainer.evaluate.selection import open_tasks, shots_of
    from gristmill.trainer.evaluate.table import comparison, table
    from gristmill.trainer.evaluate.tasks.arms import base_of
    from gristmill.trainer.rollouts.tool_answers import tools_of

    places = _places(subject, out, every)
    wanted = shots_of(shots)
    world: World = join()
    for path, folder in places:
        opened = open_subject(path, world.device, compute)
        found = open_tasks(tasks, corpus or opened.run, limit, sampler, temperature)
        asked = [
            (task, number)
            for task in found
            for number in (wanted if wanted is not None else [task.config.num_fewshot or 0])
        ]
        facts = opened.facts | {"seed": seed, "limit": limit, "samples": samples, "max_tokens": most_tokens}
        facts |= {} if sampler is None else {"sampler": sampler}
        facts |= {} if temperature is None else {"temperature": temperature}
        if every and holds(folder, facts, asked):
            typer.echo(f"{folder}: asked before", err=True)
            continue
        _must_be_new(folder)
        known = {task.name: contamination_of(base_of(task.name), task.files, opened.manifests) for task in found}
        tools = {task.name: tools_of(task, opened.model, opened.codec, corpus or opened.run) for task in found}
        examined = []
        for task, number in asked:
            typer.echo(f"{task.name}, {number} examples: {len(task.items)} items", err=True)
            examined.append(
                examine(
                    opened.model,
                    opened.codec,
                    task,
                    number,
                    seed=seed,
                    samples=samples,
                    most_tokens=most_tokens,
                    tools=tools[task.name],
                )
            )
        arms = compare_arms(examined)
        write_results(folder, examined, facts, known, texts=texts, arms=[one.facts() for one in arms])
        typer.echo(table(examined, known))
        if arms:
            typer.echo("\nprompts, B against A on the same items:\n" + comparison(arms))
        typer.echo(f"results: {folder}", err=True)


def _places(subject: Path, out: Path | None, every: bool) -> list[tuple[Path, Path]]:
    """Who is asked, and where what it says goes. Raises ConfigError, InputError."""
    from gristmill.trainer.checkpoint.files import checkpoints_in, locate
    from gristmill.trainer.checkpoint.subject import CONFIG
    from gristmill.trainer.errors import ConfigError

    if not every and out is not None:
        _must_be_new(out)
        return [(subject, out)]
    if (subject / CONFIG).exists():
        raise ConfigError("a folder of transformers has no place for results", where="--out", fix="--out FOLDER")
    last = locate(subject)
    kept = out or last.parent / SCORES
    if not every:
        _must_be_new(kept / last.name)
        return [(last, kept / last.name)]
    if last == subject:
        raise ConfigError("this is one checkpoint", where="--checkpoints", fix=f"name the training: {last.parent}")
    return [(one, kept / one.name) for one in checkpoints_in(subject)]


def compare(
    first: Annotated[Path, typer.Argument(metavar="A", help="a folder that `eval` wrote")],
    second: Annotated[Path, typer.Argument(metavar="B", help="another one, of the same tasks")],
    pair: Annotated[
        list[str] | None,
        typer.Option(help="TASK=OTHER of the same items, or TASK:METRIC=OTHER:METRIC; may be repeated; A may be B"),
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="a JSON line for each metric")] = False,
) -> None:
    """B against A, item by item. Example: gristmill eval compare scores-a scores-b."""
    from gristmill.trainer.evaluate.compare import compare as compared
    from gristmill.trainer.evaluate.table import comparison

    found = compared(first, second, pair or ())
    if as_json:
        for one in found:
            typer.echo(json.dumps(one.facts(), ensure_ascii=False))
    else:
        typer.echo(comparison(found))


def write(
    tasks: Annotated[
        str | None, typer.Option(help="names of bundled tasks, `en`, `zh`, `all`; without them the names are listed")
    ] = None,
    out: Annotated[Path | None, typer.Option(help="new folder, where they are written")] = None,
    corpus: Annotated[Path | None, typer.Option("--run", metavar="RUN", help="whose held-out texts are asked")] = None,
) -> None:
    """Lists the bundled tasks, or writes some as YAML and JSONL, for lm-evaluation-harness or to change them."""
    from gristmill.trainer.errors import ConfigError
    from gristmill.trainer.evaluate.selection import groups, open_tasks, write_task

    if tasks is None and out is None:
        for name, members in groups().items():
            typer.echo(f"{name}: {', '.join(members)}")
        return
    if tasks is None or out is None:
        missing = "--tasks" if tasks is None else "--out"
        raise ConfigError(
            f"{missing} is missing", where="eval tasks", fix="--tasks NAMES --out FOLDER; neither: a list"
        )
    _must_be_new(out)
    for task in open_tasks(tasks, corpus, None):
        typer.echo(write_task(task, out))


def _must_be_new(folder: Path) -> None:
    from gristmill.trainer.errors import ConfigError

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError("the folder is not empty", where=str(folder), fix="name a new one, or remove this one")


evaluation = typer.Typer(cls=_Commands, subcommand_metavar="CHECKPOINT|FOLDER [OPTIONS]")
evaluation.command(_Commands.default)(run)
evaluation.command()(compare)
evaluation.command("tasks")(write)
