"""gristmill semantic: groups of documents that mean alike, from embeddings that the user has."""

from pathlib import Path
from typing import Annotated

import typer

from gristmill.pipelines.cli.terminal.output import note, out
from gristmill.pipelines.errors import InputError, RecipeError


def semantic(
    embeddings: Annotated[list[Path], typer.Argument(help="Parquet files, or folders of them.")],
    target: Annotated[Path, typer.Option("--out", help="A new Parquet file, a row a document.")],
    key: Annotated[str, typer.Option(help="Column that names the document: doc_id, or what the recipe joins.")] = (
        "doc_id"
    ),
    column: Annotated[str, typer.Option(help="Column of the embeddings: a list of numbers.")] = "embedding",
    rank: Annotated[
        str | None, typer.Option(help="Column of numbers: of alike documents the largest stays. [default: first key]")
    ] = None,
    threshold: Annotated[float, typer.Option(help="Cosine from which a document goes.")] = 0.95,
    partition: Annotated[
        int, typer.Option(min=0, help="Documents that are compared with each other, about; 0: all, exactly.")
    ] = 4096,
    seed: Annotated[int, typer.Option(help="Of the partitions.")] = 1,
) -> None:
    """Group documents whose embeddings are alike, and say which of each group stays: labels for a recipe.

    gristmill semantic embeddings/ --out semantic.parquet --threshold 0.95

    Then in the recipe: `labels: {semantic: {paths: semantic.parquet, columns: [duplicate]}}`, and in an entry of
    `decide`: `rules: [{signal: semantic.duplicate, at_most: 0}]` (docs/semantic.md).
    """
    if not 0 < threshold <= 1:
        raise RecipeError(f"{threshold} is no cosine", where="--threshold", fix="more than 0, at most 1: 0.95")
    if target.exists():
        raise RecipeError("the file is there already", where=str(target), fix="name a new one, or remove it")
    if not target.parent.is_dir():
        raise RecipeError("there is no such folder", where=str(target.parent), fix="make it first")
    from gristmill.pipelines.semantic.written import Asked, write_groups

    found = write_groups(Asked(_files(embeddings), key, column, rank, threshold, partition, seed), target)
    out.print(
        f"{found.documents:,} documents in {found.partitions:,} partitions: {found.groups:,} groups, "
        f"{found.duplicates:,} documents go ({found.duplicates / found.documents:.1%})"
    )
    note(f"groups: {target}")


def _files(paths: list[Path]) -> list[Path]:
    files = []
    for path in paths:
        files += sorted(path.glob("**/*.parquet")) if path.is_dir() else [path]
        if not path.exists() or not files:
            raise InputError("there is no Parquet file", where=str(path), fix="name files, or a folder of them")
    return files
