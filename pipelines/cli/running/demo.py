"""gristmill demo: the main job end to end on what every Python machine has, down to a model that says something."""

import shutil
from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.running.run import supervise
from gristmill.pipelines.cli.terminal.output import note, out
from gristmill.pipelines.cli.training.train import generate_text, start_trainer
from gristmill.pipelines.cli.writing.init import example
from gristmill.pipelines.errors import Exit, RecipeError
from gristmill.pipelines.run.request import Request
from gristmill.pipelines.storage.layout import STATE
from gristmill.pipelines.storage.rundir import check_folder
from gristmill.pipelines.storage.store import Store

PROMPTS = ("This module", "我们")
TRAINING = "demo"


def demo(
    folder: Annotated[Path, typer.Option("--out", help="Run directory.")] = Path("runs/demo"),
    steps: Annotated[int | None, typer.Option(help="Training steps. [default: as the recipe says]")] = None,
) -> None:
    """Run everything once on the embedded default: no input, no network, about three minutes on two cores.

    The corpus is the documentation on this machine and 179 pages that come with Gristmill, in English and Chinese.
    """
    recipe = _recipe_beside(folder)
    note(f"recipe: {recipe}")
    code = supervise(Request(recipe, folder))
    if code == Exit.OK:
        shutil.rmtree(folder / "train" / TRAINING, ignore_errors=True)  # of an earlier demo, on other token shards
    code = code or start_trainer(folder, TRAINING, ["--steps", str(steps)] if steps else [])
    for prompt in PROMPTS if code == Exit.OK else ():
        code = code or generate_text(folder / "train" / TRAINING, prompt, ["--tokens", "60"])
    if code:
        raise typer.Exit(code)
    out.print(f"report: {folder / 'report' / 'index.html'}", soft_wrap=True)


def _recipe_beside(folder: Path) -> Path:
    """Write the demo's recipe beside its run directory. Raises RecipeError where either is somebody else's."""
    store, text = Store.at(folder), example("demo")
    check_folder(store)
    state = store.read_sealed(STATE) or {} if store.exists(STATE) else {}
    if state.get("recipe", "demo") != "demo":
        what = f"'{folder}' holds a run of the recipe '{state['recipe']}'"
        raise RecipeError(what, where=str(folder), fix="give the demo another folder with --out")
    recipe = folder.parent / f"{folder.name}.yaml"
    if recipe.exists() and recipe.read_text(encoding="utf-8", errors="replace") != text:
        fix = "rename it, or give another --out: the demo's recipe is written beside its run directory"
        raise RecipeError(f"'{recipe}' exists, and is not the demo's recipe", where=str(recipe), fix=fix)
    folder.parent.mkdir(parents=True, exist_ok=True)
    recipe.write_text(text, encoding="utf-8")
    return recipe
