"""gristmill demo: the main job end to end on what every Python machine has, down to a model that says something."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from pipelines.cli.init import example
from pipelines.cli.output import note, out
from pipelines.cli.run import supervise
from pipelines.cli.train import generate_text, start_trainer
from pipelines.errors import Exit
from pipelines.run.request import Request

PROMPTS = ("This module", "我们")
TRAINING = "demo"


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Run directory.")] = Path("runs/demo"),
    steps: Annotated[int | None, typer.Option(help="Training steps. [default: as the recipe says]")] = None,
) -> None:
    """Run everything once on the embedded default: no input, no network, about three minutes on two cores.

    The corpus is the documentation on this machine and 179 pages that come with Gristmill, in English and Chinese.
    """
    folder.mkdir(parents=True, exist_ok=True)
    recipe = folder.parent / f"{folder.name}.yaml"
    recipe.write_text(example("demo"), encoding="utf-8")
    note(f"recipe: {recipe}")
    code = supervise(Request(recipe, folder))
    shutil.rmtree(folder / "train" / TRAINING, ignore_errors=True)  # of an earlier demo, on other token shards
    code = code or start_trainer(folder, TRAINING, ["--steps", str(steps)] if steps else [])
    for prompt in PROMPTS if code == Exit.OK else ():
        code = code or generate_text(folder / "train" / TRAINING, prompt, ["--tokens", "60"])
    if code:
        raise typer.Exit(code)
    out.print(f"report: {folder / 'report' / 'index.html'}", soft_wrap=True)
