"""gristmill index build, merge, show, verify: what later runs are deduplicated against."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, print_json
from gristmill.pipelines.errors import Exit, RecipeError


class Action(StrEnum):
    """What is done with an index."""

    build = "build"
    merge = "merge"
    show = "show"
    verify = "verify"


def index(
    action: Annotated[Action, typer.Argument(help="`build`, `merge`, `show` or `verify`.", show_choices=False)],
    paths: Annotated[
        list[str], typer.Argument(help="A finished run (build); indexes (all others).", show_default=False)
    ],
    folder: Annotated[Path | None, typer.Option("--out", help="An empty folder for the index (build, merge).")] = None,
    name: Annotated[
        str | None, typer.Option(help="What ledgers call it. [default: the run's recipe; the folder of a merged one]")
    ] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print its manifest.")] = False,
) -> None:
    """Keep the fingerprints of a finished run, without text, so that later runs drop what repeats its documents.

        gristmill index build runs/crawl-1 --out indexes/crawl-1

        gristmill index merge indexes/crawl-1 indexes/crawl-2 --out indexes/both

    Then in a recipe: `deduplicate: {against: [indexes/crawl-1]}`.
    """
    if action in (Action.build, Action.merge):
        if folder is None:
            raise RecipeError("where is the index to lie?", where="--out", fix="name a new folder with --out FOLDER")
        manifest = _made(action, paths, folder, name)
        _print(manifest, str(folder), as_json)
        return
    from gristmill.pipelines.indexes.written import damaged, open_index

    faults = []
    for path in paths:
        taken, manifest = open_index(path)
        _print(manifest, path, as_json)
        if action is Action.verify:
            faults += [f"{what}: {path}/{file}" for file, what in damaged(taken, manifest)]
    for fault in faults:
        note(fault)
    if faults:
        note("build it again from its run")
        raise typer.Exit(Exit.DAMAGE)
    if action is Action.verify and not as_json:
        out.print("OK: every byte as it was written")


def _made(action: Action, paths: list[str], folder: Path, name: str | None) -> dict[str, Any]:
    if action is Action.merge:
        if len(paths) < 2:
            fix = "name two or more, the one whose documents stay first"
            raise RecipeError("one index is nothing to merge", where="gristmill index merge", fix=fix)
        from gristmill.pipelines.indexes.merge import merge

        return merge(paths, folder, name or folder.name)
    if len(paths) > 1:
        fix = "build one of each, and name all of them in `deduplicate.against`; or merge them"
        raise RecipeError("an index is built from one run", where="gristmill index build", fix=fix)
    from gristmill.pipelines.indexes.build import build
    from gristmill.pipelines.storage.rundir import open_run

    return build(open_run(paths[0]), folder, name)


def _print(manifest: dict[str, Any], place: str, as_json: bool) -> None:
    if as_json:
        print_json(manifest)
        return
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    size = sum(file["bytes"] for file in manifest["files"])
    origins = ", ".join(one.get("run") or one["index"] for one in manifest["made_from"])
    told = {
        "index": manifest["name"],
        "made from": origins,
        "documents": f"{manifest['documents']:,}, of which {manifest['kept']:,} stay",
        "compared by": manifest["minhash"],
        "size": human_bytes(size),
        "lies in": place,
    }
    for key, value in told.items():
        table.add_row(key, value)
    out.print(table)
