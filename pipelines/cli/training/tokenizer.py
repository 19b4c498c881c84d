"""gristmill tokenizer train | evaluate | compare: a tokenizer of one's own, measured against any others."""

import shutil
from enum import StrEnum
from pathlib import Path
from typing import TYPE_CHECKING, Annotated, Any

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, print_json
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.layout import MANIFEST
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files

if TYPE_CHECKING:
    from gristmill.pipelines.storage.drawn import Sample

MB = 1_000_000
SHOWN_GROUPS = 12


class Action(StrEnum):
    """What is done with tokenizers."""

    train = "train"
    evaluate = "evaluate"
    compare = "compare"


class Model(StrEnum):
    """The kinds that are trained."""

    bpe = "bpe"
    unigram = "unigram"


def tokenizer(
    action: Annotated[Action, typer.Argument(help="`train`, `evaluate`, `compare`.", show_choices=False)],
    tokenizers: Annotated[
        list[str] | None, typer.Argument(help="Runs, folders, tokenizer.json or SentencePiece .model files.")
    ] = None,
    on: Annotated[str, typer.Option("--on", help="The run whose text is read.")] = "",
    megabytes: Annotated[
        float | None, typer.Option("--mb", min=0.001, help="Text to read, MB. [default: 10; to train on, 25 to 50]")
    ] = None,
    width: Annotated[int, typer.Option(min=1, help="Of the model whose head is priced.")] = 768,
    folder: Annotated[Path | None, typer.Option("--out", help="New folder for the tokenizer that is trained.")] = None,
    vocabulary: Annotated[int, typer.Option(min=512, max=2**20, help="Ids, special ones and bytes included.")] = 8192,
    model: Annotated[Model, typer.Option(help="What is trained.")] = Model.bpe,
    seed: Annotated[int, typer.Option(help="Of the choice of texts.")] = 0,
    json: Annotated[bool, typer.Option("--json", help="Print JSON instead of tables.")] = False,
) -> None:
    """Train a tokenizer on a run's text, or measure tokenizers on it: bytes per token, fertility, Renyi efficiency.

    gristmill tokenizer train --on runs/my-corpus --vocabulary 32768 --out my-tokenizer

    gristmill tokenizer evaluate my-tokenizer --on runs/my-corpus

    gristmill tokenizer compare runs/my-corpus my-tokenizer llama/tokenizer.json qwen/tokenizer.json --on runs/other
    """
    if not on:
        raise RecipeError("say whose text is read", where=f"gristmill tokenizer {action}", fix="--on RUN")
    named = tokenizers or []
    if action == Action.train:
        _train(named, on, megabytes, folder, vocabulary, model, seed, json)
        return
    wanted = "one tokenizer" if action == Action.evaluate else "two tokenizers or more"
    if (len(named) == 1) != (action == Action.evaluate) or not named:
        fix = f"gristmill tokenizer {action} TOKENIZER{'' if action == Action.evaluate else ' TOKENIZER'} --on {on}"
        raise RecipeError(f"{action} takes {wanted}", where="gristmill tokenizer", fix=fix)
    from gristmill.tokenizer.compare import measure
    from gristmill.tokenizer.opened import UnknownTokenizerError, open_tokenizer

    try:
        opened = [open_tokenizer(name) for name in named]
    except UnknownTokenizerError as error:
        fix = "name a run, a folder with tokenizer.model or tokenizer.json, or one of these files"
        raise RecipeError(str(error), where="gristmill tokenizer", fix=fix) from error
    sample = _sample(on, (megabytes or 10) * MB, seed)
    found = [measure(one, sample.texts, sample.languages, sample.sources, width) for one in opened]
    if json:
        print_json({"width": width, "seed": seed, "tokenizers": found})
        return
    _print(found, width)


def _sample(run: str, wanted: float, seed: int) -> "Sample":
    from gristmill.pipelines.storage.drawn import draw

    store = open_run(run)
    listed = (store.read_json(MANIFEST) or {}).get("datasets", {}).get("text", {}).get("shards", [])
    check_files(store, "text")
    sample = draw(store, [part["path"] for part in listed], int(wanted), seed)
    size = sum(len(text.encode()) for text in sample.texts)
    if not size:
        raise RecipeError("this run has no text", where=run, fix="finish it with `gristmill run`")
    note(f"{len(sample.texts):,} documents, {human_bytes(size)}, chosen by hash of their ids")
    return sample


def _train(
    named: list[str], run: str, megabytes: float | None, folder: Path | None, vocabulary: int, model: Model,
    seed: int, json: bool,
) -> None:  # fmt: skip
    from gristmill.pipelines.storage.drawn import enough_to_train
    from gristmill.tokenizer.encode import Encoder
    from gristmill.tokenizer.huggingface import write_huggingface
    from gristmill.tokenizer.train import TokenizerOptions, train

    if named or folder is None:
        fix = f"gristmill tokenizer train --on {run} --out FOLDER"
        raise RecipeError("train takes a run and a folder", where="gristmill tokenizer", fix=fix)
    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise RecipeError("the folder is not empty", where=str(folder), fix="name a new one, or remove this one")
    wanted = megabytes * MB if megabytes else enough_to_train(vocabulary)
    sample = _sample(run, wanted, seed)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    try:
        info = train(sample.texts, TokenizerOptions(model.value, vocabulary), partial)
    except ValueError as error:
        shutil.rmtree(partial, ignore_errors=True)
        raise RecipeError(str(error), where=f"the text of {run}", fix="change --vocabulary or --mb") from error
    write_huggingface(Encoder(partial), partial)
    folder.parent.mkdir(parents=True, exist_ok=True)
    if folder.exists():
        folder.rmdir()
    partial.rename(folder)
    if json:
        print_json(info.as_dict())
    else:
        out.print(f"{folder}: {info.kind}, {info.vocabulary:,} ids; in a recipe `tokenizer: {{from: {folder}}}`",
                  soft_wrap=True)  # fmt: skip


def _print(found: list[dict[str, Any]], width: int) -> None:
    """A column a tokenizer: everything, then bytes per token by language and by source."""
    names = [one["tokenizer"] for one in found]
    table = _table("", *names)
    rows = {
        "kind": lambda one: one["kind"],
        "ids": lambda one: f"{one['vocabulary']:,}",
        "ids that occur": lambda one: f"{one['all']['ids_used']:,}",
        "bytes per token": lambda one: _number(one["all"]["bytes_per_token"]),
        "tokens per word": lambda one: _number(one["all"]["tokens_per_word"]),
        "tokens per character": lambda one: _number(one["all"]["tokens_per_character"], 3),
        "Renyi efficiency": lambda one: _number(one["all"]["renyi_efficiency"], 4),
        "parts of characters": lambda one: _number(100 * (one["all"]["byte_fallback_share"] or 0)) + " % of tokens",
        "head": lambda one: f"{one['all']['head_parameters'] / 1e6:.1f} M, {one['all']['head_layers']:.2f} layers",
        "head, a byte of text": lambda one: f"{(one['all']['head_flop_per_byte'] or 0) / 1e6:.2f} MFLOP",
    }
    for name, shown in rows.items():
        table.add_row(name, *map(shown, found))
    out.print(table)
    note(f"head: of a model of width {width}; tokens per word say little where words are not spaced")
    for kind, title in (("languages", "language"), ("sources", "source")):
        table = _table(f"bytes per token by {title}", *names, "MB")
        groups = sorted(found[0][kind], key=lambda name: -found[0][kind][name]["bytes"])
        for name in groups[:SHOWN_GROUPS]:
            size = f"{found[0][kind][name]['bytes'] / MB:.2f}"
            table.add_row(name, *(_number(one[kind][name]["bytes_per_token"]) for one in found), size)
        out.print()
        out.print(table)
        if len(groups) > SHOWN_GROUPS:
            note(f"and {len(groups) - SHOWN_GROUPS} more: --json")


def _table(*columns: str) -> Table:
    table = Table(*columns, box=None, header_style="dim")
    for column in table.columns:
        column.overflow = "fold"
    for column in table.columns[1:]:
        column.justify = "right"
    return table


def _number(value: float | None, digits: int = 2) -> str:
    return "" if value is None else f"{value:.{digits}f}"
