"""gristmill extract show|evaluate: what extraction makes of a page, and how well, on labelled pages."""

import json
from collections.abc import Iterator
from dataclasses import asdict
from pathlib import Path
from typing import Annotated

import typer
from rich.progress import track
from rich.table import Table
from rich.text import Text

from gristmill.filters.names import nearest
from gristmill.pipelines.cli.terminal.output import err, interactive, note, out
from gristmill.pipelines.errors import BadRecordError, InputError, RecipeError
from gristmill.pipelines.read.html.engines.registry import ENGINES
from gristmill.pipelines.read.html.evaluation.evaluate import Engine, Scored, Summary, evaluate, summarize
from gristmill.pipelines.read.html.evaluation.gold import LabelledPage, find_pages
from gristmill.pipelines.read.html.evaluation.structures import STRUCTURES
from gristmill.pipelines.read.html.extract import read_page
from gristmill.pipelines.recipe.sources import Extract

ACTIONS = ("show", "evaluate")
COLUMNS = {"F1": "f1", "prec": "precision", "rec": "recall", "with": "wanted", "w/o": "unwanted"}
"""Titles of the table: ROUGE-5, then the shares of the snippets `with` and `without` that the text has."""
GROUPS = {"language": "language", "type": "kind"}
"""What the table is told apart by: attributes of a labelled page."""


def extract(
    action: Annotated[str, typer.Argument(help="show or evaluate.")],
    path: Annotated[Path, typer.Argument(help="A page, or a folder of pages.")],
    engine: Annotated[list[str] | None, typer.Option(help="An engine; repeat it to compare.")] = None,
    markdown: Annotated[bool, typer.Option("--markdown", help="As Markdown instead of text.")] = False,
    worst: Annotated[int, typer.Option(min=0, help="List so many pages that came out worst.")] = 0,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the text that is extracted from a page, or score engines on a folder of labelled pages.

    A folder holds `gold.jsonl`, a line a page: `id`, `text` (the main content) or `with` and `without` (snippets),
    `lang`, `type`; and the page as `html/ID.html` or `html/ID.html.gz`. Of pages without labels it says how far two
    engines are apart.

        gristmill extract show page.html

        gristmill extract evaluate labelled --engine gristmill --engine resiliparse
    """
    if action not in ACTIONS:
        raise RecipeError(f"'{action}' is unknown", where="gristmill extract", fix=nearest(action, ACTIONS))
    names = list(dict.fromkeys(engine or ([*ENGINES][:1] if action == "show" else ["gristmill", "resiliparse"])))
    for name in names:
        if name not in ENGINES:
            raise RecipeError(f"unknown engine '{name}'", where="--engine", fix=nearest(name, ENGINES))
    engines = {name: _engine(name, markdown) for name in names}
    if action == "show":
        _show(path, engines)
    else:
        _evaluate(path, engines, worst, as_json)


def _engine(name: str, markdown: bool) -> Engine:
    options = Extract(engine=name, output="markdown" if markdown else "text")
    return lambda page: read_page(page, None, options).text.decode()


def _show(path: Path, engines: dict[str, Engine]) -> None:
    page = LabelledPage(path.name, path).html()
    for name, engine in engines.items():
        if len(engines) > 1:
            note(f"{name}:")
        try:
            out.print(Text(engine(page)), soft_wrap=True)
        except BadRecordError as error:
            raise InputError(str(error), where=str(path), fix="a run makes it a dead letter") from None


def _evaluate(folder: Path, engines: dict[str, Engine], worst: int, as_json: bool) -> None:
    pages = find_pages(folder)
    evaluate(pages[0], engines)  # compiled code is loaded here, not in the first page's time
    shown = track(pages, "extracting", console=err, disable=not interactive(), transient=True)
    scored = [evaluate(page, engines) for page in shown]
    groups = dict(_groups(scored))
    if as_json:
        told = {name: {key: asdict(one) for key, one in group.items()} for name, group in groups.items()}
        record = {"folder": str(folder), "groups": told, "pages": [_record(one) for one in scored]}
        out.print(Text(json.dumps(record, ensure_ascii=False, indent=1)), soft_wrap=True)
        return
    out.print(_table(groups))
    _tell_apart(scored, worst)
    if worst:
        _tell_worst(scored, worst)


def _groups(scored: list[Scored]) -> Iterator[tuple[str, dict[str, Summary]]]:
    """All pages, then those of every language and type, where there is more than one; labelled ones only."""
    labelled = [one for one in scored if one.page.text is not None or one.page.wanted or one.page.unwanted]
    if labelled:
        yield "all", _summaries(labelled)
    for title, attribute in GROUPS.items():
        values = {getattr(one.page, attribute) for one in labelled}
        for value in sorted(values) if len(values) > 1 else ():
            yield f"{title} {value or '?'}", _summaries([p for p in labelled if getattr(p.page, attribute) == value])


def _summaries(scored: list[Scored]) -> dict[str, Summary]:
    return {name: summarize(one.scores[name] for one in scored) for name in scored[0].scores}


def _table(groups: dict[str, dict[str, Summary]]) -> Table:
    table = Table(box=None, padding=(0, 1, 0, 0))
    for title in ("", *COLUMNS, *STRUCTURES, "ms"):
        table.add_column(title, justify="right" if title else "left", no_wrap=True)
    for group, summaries in groups.items():
        table.add_row(Text(f"{group}, {next(iter(summaries.values())).pages:,} pages", "bold"))
        for name, one in summaries.items():
            figures = [_figure(getattr(one, attribute)) for attribute in COLUMNS.values()]
            figures += [_figure(one.structures[kind]) for kind in STRUCTURES]
            table.add_row(f"  {name}", *figures, f"{one.milliseconds:.1f}")
    return table


def _figure(value: float | None) -> str:
    return "" if value is None else f"{value:.3f}".removeprefix("0")


def _tell_apart(scored: list[Scored], worst: int) -> None:
    for pair in scored[0].apart:
        distances = sorted(((one.apart[pair], one.page.name) for one in scored), reverse=True)
        mean = sum(distance for distance, _ in distances) / len(distances)
        note(f"{pair[0]} and {pair[1]} are {mean:.3f} apart on {len(distances):,} pages (1 - ROUGE-5, by character)")
        for distance, name in distances[:worst]:
            out.print(Text(f"apart  {distance:.3f}  {name}"), soft_wrap=True)


def _tell_worst(scored: list[Scored], worst: int) -> None:
    for name in scored[0].scores:
        by_f1 = sorted((s.runs.f1, one.page.name) for one in scored if (s := one.scores[name]).runs)
        for f1, page in by_f1[:worst]:
            out.print(Text(f"{name}  {f1:.3f}  {page}"), soft_wrap=True)


def _record(one: Scored) -> dict:
    scores = {name: asdict(score) for name, score in one.scores.items()}
    apart = {" / ".join(pair): distance for pair, distance in one.apart.items()}
    return {"page": one.page.name, "language": one.page.language, "type": one.page.kind, **scores, "apart": apart}
