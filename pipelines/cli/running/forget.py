"""gristmill forget RUN: a new version of a run without some documents and values, and the proof that they are gone."""

import sys
from pathlib import Path
from typing import Annotated, Any

import typer
from rich.table import Table

from gristmill.pipelines.cli.terminal.output import note, out, print_json
from gristmill.pipelines.errors import InputError, RecipeError
from gristmill.pipelines.forget.asked import Asked, Entry, entries_of, matched_entry

STDIN = "-"
SHOWN = 12
"""Shards and checkpoints that are named on the terminal; `--json` names all."""
DELIVERED = ("text/", "tokens/")
"""What others may have copies of stands first."""
Texts = list[str] | None


def forget(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    out_folder: Annotated[
        str | None, typer.Option("--out", help="Where the new version goes: a new or empty folder, or an address.")
    ] = None,
    domain: Annotated[Texts, typer.Option(help="Documents at a domain or below it. May be repeated.")] = None,
    url: Annotated[Texts, typer.Option(help="The document at an address. May be repeated.")] = None,
    own_id: Annotated[Texts, typer.Option("--id", help="Documents of an id of the input. May be repeated.")] = None,
    doc_id: Annotated[Texts, typer.Option(help="Documents of a doc_id. May be repeated.")] = None,
    match: Annotated[Texts, typer.Option(help="The same as domain:TEXT, url:TEXT, id:TEXT, doc_id:TEXT.")] = None,
    value: Annotated[
        Texts, typer.Option(help="A file with values to mask wherever they stand, one a line; `-`: the standard input.")
    ] = None,
    value_hash: Annotated[
        Texts, typer.Option(help="A value by its hash in the ledger's `findings`; needs --key. May be repeated.")
    ] = None,
    key: Annotated[Path | None, typer.Option(help="The file that the recipe's `scrub.key` named.")] = None,
    listed: Annotated[
        Texts, typer.Option("--list", help="A file with an entry a line: `domain: example.com`, `value: ...`.")
    ] = None,
    duplicates: Annotated[
        bool, typer.Option("--duplicates", help="Forget the duplicates of these documents, too.")
    ] = False,
    checkpoints: Annotated[
        list[Path] | None,
        typer.Option(help="A folder of trainings, exports, mixtures to look through."),
    ] = None,
    dry_run: Annotated[bool, typer.Option("--dry-run", help="Only say what would go. Nothing is written.")] = False,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Make a new version of a finished run without some documents and values, name the shards and checkpoints that
    held them, and prove that nothing of them is left (docs/forget.md). The old version stays as it is.

        gristmill forget runs/my-corpus --domain example.com --out runs/my-corpus-2

        gristmill forget runs/my-corpus --list optout.txt --dry-run

        pass show request | gristmill forget runs/my-corpus --value - --out runs/my-corpus-2
    """
    named = (
        ("--domain", "domain", domain),
        ("--url", "url", url),
        ("--value-hash", "value_hash", value_hash),
        ("--id", "id", own_id),
        ("--doc-id", "doc_id", doc_id),
    )
    entries = [Entry(kind, text, option) for option, kind, texts in named for text in texts or ()]
    entries += [matched_entry(text) for text in match or ()]
    entries += [entry for file in value or () for entry in _values(file)]
    entries += [entry for file in listed or () for entry in entries_of(_read(file, "--list"), file)]
    asked = Asked.of(entries)
    if out_folder is None and not dry_run:
        fix = "name a new folder with --out, or look first: --dry-run"
        raise RecipeError("where is the new version to lie?", where="gristmill forget", fix=fix)
    from gristmill.pipelines.forget.hashes import resolved
    from gristmill.pipelines.forget.make import look, make
    from gristmill.pipelines.forget.version import open_version
    from gristmill.pipelines.recipe.files.keys import read_key

    version = open_version(run)
    secret = read_key(key.expanduser(), "--key") if key is not None else None
    asked = resolved(version, asked, secret)
    found = look(version, asked, duplicates, checkpoints or ())
    unmatched = sum((entry.kind, entry.text) not in found.matched.entries for entry in asked.entries)
    figures = {"run": run, "dry_run": dry_run, "meant_nothing": unmatched, **found.figures()}
    if not dry_run:
        assert out_folder is not None
        made = make(version, asked, found, out_folder, duplicates, note, secret)
        figures |= {"out": made.root}
    if as_json:
        print_json(figures)
        return
    _show(figures, version.cleaned)


def _values(file: str) -> list[Entry]:
    where = "--value" if file == STDIN else file
    return [
        Entry("value", line, f"{where}:{number}", must_match=False)
        for number, line in enumerate(_read(file, "--value").removeprefix("\ufeff").splitlines(), 1)
        if line.strip()
    ]


def _read(file: str, option: str) -> str:
    """A file that a person gives. Raises InputError."""
    try:
        raw = sys.stdin.buffer.read() if file == STDIN else Path(file).expanduser().read_bytes()
        return raw.decode("utf-8")
    except UnicodeDecodeError:
        raise InputError("the file is not UTF-8", where=f"{option} {file}", fix="convert it with iconv") from None
    except OSError as error:
        # What stands in place of a file's name may be the very value.
        what = f"{option} names no file that can be read ({error.strerror})"
        raise InputError(what, where=option, fix="put it into a file, one a line, or give it as `-`") from None


def _show(figures: dict[str, Any], cleaned: tuple[str, ...]) -> None:
    goes = "would go" if figures["dry_run"] else "gone"
    table = Table(box=None, show_header=False)
    table.add_row(f"documents {goes}", f"{figures['documents']:,}")
    table.add_row(f"rows of the ledger {goes}", f"{figures['records']:,}")
    for name, one in figures["masked"].items():
        masked = "would be masked" if figures["dry_run"] else "masked"
        table.add_row(f"values {masked} in {name}/", f"{one['values']:,} in {one['documents']:,} documents")
    out.print(table)
    if figures["meant_nothing"]:
        note(f"{figures['meant_nothing']:,} of the entries mean nothing in this run")
    paths = [shard["path"] for shard in figures["shards"]]
    _list("shards of this run that hold it", sorted(paths, key=lambda path: not path.startswith(DELIVERED)))
    _list(
        "checkpoints that were trained on it",
        [one["path"] + (" (through its parent)" if one["through_parent"] else "") for one in figures["checkpoints"]],
    )
    if figures["copies"]:
        _list("exports and mixtures of it", [f"{one['path']} ({one['kind']})" for one in figures["copies"]])
    if cleaned:
        note(f"{', '.join(cleaned)} of this run are cleaned: ids and addresses were compared as they are published")
    if figures["dry_run"]:
        note("nothing was written")
        return
    out.print(f"new version: {figures['out']}", soft_wrap=True)
    note(
        f"{figures['run']} and its copies still hold it: remove them, and retire the checkpoints, once the new one is"
        " in use"
    )


def _list(title: str, names: list[str]) -> None:
    out.print(f"{title}: {len(names):,}")
    for name in names[:SHOWN]:
        out.print(f"  {name}", soft_wrap=True)
    if len(names) > SHOWN:
        out.print(f"  and {len(names) - SHOWN:,} more (--json names all)")
