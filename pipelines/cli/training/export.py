"""gristmill export: a run's shards as the files of other trainers, or a checkpoint as a folder for transformers."""

from enum import StrEnum
from pathlib import Path
from typing import Annotated, Any

import typer

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, print_json
from gristmill.pipelines.cli.training.train import COPY_HELP, call_trainer, finished, on_this_machine
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.storage.layout import INDEX, MANIFEST, STATE
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files


class To(StrEnum):
    """What reads the export: the keys of `FORMATS` (tokenizer/shards/exports), and transformers for checkpoints."""

    megatron = "megatron"
    nanogpt = "nanogpt"
    llmc = "llmc"
    mds = "mds"
    hf = "hf"
    webdataset = "webdataset"
    transformers = "transformers"


class Content(StrEnum):
    """What of a run is exported: the keys of `CONTENTS`."""

    documents = "documents"
    rows = "rows"
    text = "text"


def export(
    what: Annotated[str, typer.Argument(metavar="RUN|CHECKPOINT", help="A finished run, or a trained model.")],
    folder: Annotated[Path | None, typer.Argument(help="New folder for the files; or --out.")] = None,
    to: Annotated[To | None, typer.Option(help="Of a run: who reads it. Of a checkpoint: transformers.")] = None,
    out_folder: Annotated[Path | None, typer.Option("--out", help="New folder for the files.")] = None,
    content: Annotated[
        Content, typer.Option(help="Of a run: documents' tokens, training rows, or text.")
    ] = Content.documents,
    mix: Annotated[str, typer.Option("--mix", help="Rows of a mixture that was written into RUN/mix/NAME.")] = "",
    also: Annotated[
        list[str] | None, typer.Option("--also", help="With --mix: another run that it is of. May be repeated.")
    ] = None,
    copy: Annotated[Path | None, typer.Option(help=COPY_HELP)] = None,
    json: Annotated[bool, typer.Option("--json", help="Print the export's manifest instead of a line.")] = False,
) -> None:
    """Write a run's token shards as other trainers read them, or a model as transformers, vLLM and others do.

    gristmill export runs/my-corpus --to megatron --out exports/my-corpus

    gristmill export runs/web --mix first --also runs/books --to mds --out exports/first

    gristmill export runs/my-corpus/train/main mill-hf

    Formats: megatron, nanogpt, llmc (also modded-nanogpt), mds, hf (with a card), webdataset (docs/exports.md). An
    export that was killed goes on when it is called again.
    """
    target = _target(folder, out_folder)
    if to in (None, To.transformers) and not Path(what, STATE).exists():
        if code := call_trainer(["export", what, str(target)]):
            raise typer.Exit(code)
        return
    if to in (None, To.transformers):
        others = ", ".join(one for one in To if one != To.transformers)
        raise RecipeError("say who is to read this run", where="gristmill export", fix=f"--to one of {others}")
    if also and not mix:
        raise RecipeError("several runs are exported as a mixture of them", where="--also", fix="--mix NAME")
    if mix and content is Content.text:
        raise RecipeError("a mixture is of rows", where="--content", fix="leave it out")
    manifest = _export_run(what, to, target, Content.rows if mix else content, copy, mix, also or [])
    if json:
        print_json(manifest)
    else:
        size = sum(file["bytes"] for file in manifest["files"])
        out.print(f"{target}: {len(manifest['files'])} files, {human_bytes(size)}", soft_wrap=True)


def _target(folder: Path | None, option: Path | None) -> Path:
    if (folder is None) == (option is None):
        raise RecipeError("say once where the files go", where="gristmill export", fix="--out FOLDER")
    return folder or option  # type: ignore[return-value]


def _export_run(
    run: str, to: To, target: Path, content: Content, copy: Path | None, mix: str, also: list[str]
) -> dict[str, Any]:
    from gristmill.pipelines.run.published.exported import exported_mixture, exported_text, exported_tokens
    from gristmill.tokenizer.mixing.errors import MixError
    from gristmill.tokenizer.shards.exports.asked import UnfitError
    from gristmill.tokenizer.shards.exports.formats import VERSION, outputs_of
    from gristmill.tokenizer.shards.exports.writing import ForeignFolderError, check_folder, write_export

    store = open_run(run)
    if content == Content.text:
        check_files(store, "text")
        exported = exported_text(store)
    else:
        if not store.exists(MANIFEST) or not store.exists(INDEX):
            fix = "finish it with `gristmill run`; the recipe needs a `tokenizer`, or export --content text"
            raise RecipeError("this run has no token shards yet", where=run, fix=fix)
        folder = on_this_machine(run, store, copy)
        try:
            others = [on_this_machine(one, finished(one), None) for one in also]
            exported = (
                exported_mixture([folder, *others], mix, f"{store.name}-{mix}")
                if mix
                else exported_tokens(folder, store.name, content)
            )
        except MixError as error:
            raise RecipeError(error.what, where=error.where, fix=error.fix) from error
    asked = exported.asked
    splits = {split.name: {"documents": split.documents, "tokens": split.tokens} for split in asked.splits}
    about = {"gristmill_export": VERSION, "to": str(to), "content": str(content), "kind": asked.kind, "run": asked.name,
             "splits": splits, **exported.about}  # fmt: skip
    try:
        outputs = outputs_of(to, asked)
        check_folder(target, about)
        note(f"writes {len(outputs)} files to {target}")
        return write_export(target, about, outputs)
    except UnfitError as error:
        raise RecipeError(str(error), where=run, fix=error.fix) from error
    except ForeignFolderError as error:
        fix = "name a new folder, or remove this one"
        raise RecipeError(f"the folder is no place for this export: {error}", where=str(target), fix=fix) from error
