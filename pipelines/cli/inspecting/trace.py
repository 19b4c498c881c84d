"""gristmill trace RUN TEXT: which documents of a run hold a passage."""

import sys
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.text import Text

from gristmill.pipelines.cli.terminal.output import human_bytes, note, out, print_json
from gristmill.pipelines.errors import InputError, RecipeError, inert
from gristmill.pipelines.storage.rundir import open_run

if TYPE_CHECKING:
    from gristmill.pipelines.report.trace.search import FoundDocument, Trace
    from gristmill.pipelines.storage.store import Store

LISTED = 20
CHARACTERS = 200
STYLES = {"kept": "bold green", "dropped": "bold yellow", "dead": "bold red"}


def trace(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    text: Annotated[str | None, typer.Argument(help="The passage; `-` reads it from stdin.")] = None,
    file: Annotated[Path | None, typer.Option(help="A file of UTF-8 text instead.")] = None,
    index: Annotated[bool, typer.Option("--index", help="Make the index first, or what it lacks.")] = False,
    limit: Annotated[int, typer.Option(min=1, help="How many documents are listed.")] = LISTED,
    characters: Annotated[int, typer.Option(min=0, help="How much of each span is shown.")] = CHARACTERS,
    json: Annotated[bool, typer.Option("--json", help="Print one JSON object (docs/trace.md).")] = False,
) -> None:
    """Say which documents of a run hold a passage, word for word: a model's output, a quotation, a leak. Of each the
    maximal spans of 24 tokens or more, where it comes from, and whether it was kept, or dropped by which rule.

        gristmill trace runs/my-corpus --index

        gristmill trace runs/my-corpus 'It was the best of times, it was the worst of times, ...'

        gristmill generate runs/my-corpus/train/main 'The mill' | gristmill trace runs/my-corpus - --json
    """
    passage = _passage(text, file, index)
    store = open_run(run)
    if index:
        _make(store)
    if passage is None:
        return
    from gristmill.pipelines.report.excerpts import scrubbed_excerpts
    from gristmill.pipelines.report.trace.search import trace as find

    answer = find(store, scrubbed_excerpts(store), passage, limit, characters)
    if json:
        print_json(answer.to_json())
        return
    for document in answer.listed:
        _show(document)
    _sum_up(answer)


def _passage(text: str | None, file: Path | None, index: bool) -> str | None:
    """What is looked for; None where only the index is wanted."""
    if text is not None and file is not None:
        raise RecipeError("a passage and a file are given", where="gristmill trace", fix="give one of them")
    if text is None and file is None:
        if index:
            return None
        fix = "give a passage, --file NAME, or `-` for stdin; --index alone makes the index"
        raise RecipeError("there is no passage to look for", where="gristmill trace", fix=fix)
    try:
        data = sys.stdin.buffer.read() if text == "-" else file.read_bytes() if file is not None else None
    except OSError as error:
        reason = error.strerror or "cannot be read"
        raise InputError(
            f"the passage cannot be read: {reason.lower()}", where=str(file), fix="name a file of UTF-8 text"
        ) from None
    try:
        return text if data is None else data.decode()
    except UnicodeDecodeError:
        raise InputError("the passage is not UTF-8", where=str(file or "stdin"), fix="give UTF-8 text") from None


def _make(store: "Store") -> None:
    from gristmill.pipelines.report.trace.index import FOLDER, build, missing, prune, searched_parts

    parts = searched_parts(store)
    lacking = missing(store, parts)
    size = sum(build(store, part) for part in lacking)
    prune(store, parts)
    note(f"{len(lacking):,} of {len(parts):,} parts indexed, {human_bytes(size)}, in {store.url(FOLDER)}")


def _show(document: "FoundDocument") -> None:
    how = f" at step {document.step}: {', '.join(document.rules)}" if document.step else ""
    head = Text.assemble((document.doc_id, "bold"), "  ", (document.verdict, STYLES[document.verdict]), inert(how))
    out.print(head)
    out.print(Text(inert(f"  {document.url or document.id or '(no address)'}"), overflow="fold"))
    out.print(
        Text(inert(f"  {document.source}, {document.lang or 'no language'}, {document.unit[:16]}/{document.row}"))
    )
    for span in document.spans:
        gone = ", ".join(f"{size:,} bytes {kind}" for kind, size in span.gone.items())
        cut = f"; cut from it: {gone}" if gone else ""
        place = f"bytes {span.begin:,} to {span.end:,} as {document.searched}"
        out.print(Text(inert(f"  {span.tokens:,} tokens, {place}{cut}"), "dim"))
        out.print(Text(inert("    " + " ".join(span.text.split())), overflow="fold"))


def _sum_up(answer: "Trace") -> None:
    if not answer.found:
        note(f"no document holds {answer.least} tokens in a row of these {answer.tokens:,}")
        return
    listed = f", {len(answer.listed):,} listed" if len(answer.listed) < answer.found else ""
    unread = f"; up to {answer.unread:,} more were not read" if answer.unread else ""
    kept = f"{answer.kept:,} of them kept, {answer.delivered:,} with some of it in text/"
    some = "1 document holds" if answer.found == 1 else f"{answer.found:,} documents hold"
    note(f"{some} some of it, {kept}{listed}{unread}")
