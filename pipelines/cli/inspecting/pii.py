"""gristmill pii scan|evaluate: what would be found in a text, and how well, on labelled texts."""

import json
from pathlib import Path
from typing import TYPE_CHECKING, Annotated

import typer
from rich.table import Table
from rich.text import Text

from gristmill.filters.names import nearest
from gristmill.pipelines.cli.terminal.output import note, out
from gristmill.pipelines.errors import InputError, RecipeError

if TYPE_CHECKING:
    from gristmill.filters.pii.engine import Scrubber

ACTIONS = ("scan", "evaluate")
AROUND = 24
"""Characters shown to either side of a finding, scrubbed like it."""


def pii(
    action: Annotated[str, typer.Argument(help="scan or evaluate.")],
    source: Annotated[str, typer.Argument(help="A file; for scan also a text.", metavar="FILE|TEXT")],
    entities: Annotated[
        str, typer.Option(help="Types and sets, with commas: patterns, web, strict, all, EMAIL_ADDRESS, ...")
    ] = "web",
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the personal data in a text, or score what is found on labelled texts. No value is printed.

    A labelled file is JSON Lines: `text`, `spans` as `[start, end, type]` in characters (`?` for what may be found or
    not), `language` if you want a row of its own. A finding counts where it overlaps a label of its type.

        gristmill pii scan letter.txt

        gristmill pii scan 'Dear Ms Smith, ...' --entities strict

        gristmill pii evaluate labelled.jsonl --entities PERSON,ADDRESS
    """
    if action not in ACTIONS:
        raise RecipeError(f"'{action}' is unknown", where="gristmill pii", fix=nearest(action, ACTIONS))
    from gristmill.filters.pii.engine import Scrubber  # kernels: only where something is looked for

    try:
        scrubber = Scrubber([name.strip() for name in entities.split(",") if name.strip()])
    except ValueError as error:
        raise RecipeError(str(error), where="--entities", fix="docs/personal-data.md lists types and sets") from None
    if action == "scan":
        _scan(source, scrubber, as_json)
    else:
        _evaluate(Path(source), scrubber, as_json)


def _scan(source: str, scrubber: "Scrubber", as_json: bool) -> None:
    text = _read(Path(source)) if _is_file(source) else source
    findings = scrubber.find(text)
    rows = []
    for start, end, entity, score in findings:
        line = text.count("\n", 0, start) + 1
        column = start - (text.rfind("\n", 0, start) + 1) + 1
        rows.append({"line": line, "column": column, "characters": end - start, "type": entity, "score": score})
    if as_json:
        out.print(Text(json.dumps({"findings": rows}, indent=1)), soft_wrap=True)
        return
    table = Table("line", "column", "type", "score", "around it", box=None, header_style="dim")
    for row, shown in zip(rows, _surroundings(text, findings), strict=True):
        table.add_row(str(row["line"]), str(row["column"]), str(row["type"]), f"{row['score']:.2f}", Text(shown))
    if rows:
        out.print(table)
    note(f"{len(rows):,} found in {len(text):,} characters, looking for {len(scrubber.entities)} types")


def _surroundings(text: str, findings: list) -> list[str]:
    """What stands around each finding, every finding in it as its type."""
    shown = []
    for start, end, _, _ in findings:
        left, right = max(0, start - AROUND), min(len(text), end + AROUND)
        pieces, at = [], left
        for first, last, other, _ in findings:
            if last > left and first < right:
                pieces += [text[at : max(first, at)], f"<{other}>"]
                at = max(at, last)
        shown.append(" ".join("".join([*pieces, text[at:right]]).split()))
    return shown


def _evaluate(file: Path, scrubber: "Scrubber", as_json: bool) -> None:
    from gristmill.filters.pii.evaluate import Labelled, evaluate

    samples = []
    for number, line in enumerate(_read(file).split("\n"), 1):
        if line.strip():
            try:
                record = json.loads(line)
                spans = tuple((int(start), int(end), str(entity)) for start, end, entity in record["spans"])
                samples.append(Labelled(record["text"], spans, record.get("language", "")))
            except (ValueError, KeyError, TypeError) as error:
                what = f"line {number} is no labelled text: {type(error).__name__}"
                fix = 'a line is {"text": ..., "spans": [[start, end, type], ...]}'
                raise InputError(what, where=str(file), fix=fix) from None
    scores = evaluate(samples, scrubber)
    if as_json:
        told = [
            {"type": entity, "language": language, "labels": score.labels, "findings": score.findings,
             "precision": score.precision, "recall": score.recall, "f1": score.f(), "f2": score.f(2)}
            for (entity, language), score in scores.items()
        ]  # fmt: skip
        out.print(
            Text(json.dumps({"file": str(file), "texts": len(samples), "scores": told}, indent=1)), soft_wrap=True
        )
        return
    table = Table(
        "type", "language", "labels", "findings", "precision", "recall", "F1", "F2", box=None, header_style="dim"
    )
    for column in table.columns[2:]:
        column.justify = "right"
    for (entity, language), score in scores.items():
        figures = (score.precision, score.recall, score.f(), score.f(2))
        shown = ["" if figure is None else f"{figure:.3f}" for figure in figures]
        table.add_row(entity, language, f"{score.labels:,}", f"{score.findings:,}", *shown)
    out.print(table)
    note(f"{len(samples):,} texts; a finding is right where it overlaps a label of its type")


def _is_file(source: str) -> bool:
    try:
        return Path(source).is_file()
    except OSError:  # a text is too long for a name
        return False


def _read(file: Path) -> str:
    """The text of a file. Raises InputError where it is none."""
    try:
        return file.read_text(encoding="utf-8")
    except (OSError, UnicodeDecodeError) as error:
        reason = "is not UTF-8" if isinstance(error, UnicodeDecodeError) else (error.strerror or "cannot be read")
        raise InputError(f"the file {reason}", where=str(file), fix="name a file of UTF-8 text") from None
