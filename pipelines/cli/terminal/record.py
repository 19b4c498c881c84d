"""One record of a run as a terminal shows it: the failing numbers first."""

from collections.abc import Iterator, Sequence
from typing import Any

from rich.console import Group, RenderableType
from rich.padding import Padding
from rich.table import Table
from rich.text import Text

from gristmill.pipelines.cli.terminal.evidence import described
from gristmill.pipelines.errors import inert
from gristmill.pipelines.report.alignment import Span
from gristmill.pipelines.report.explain.explanation import Check, Explanation, Twin
from gristmill.pipelines.report.explain.shards import AsTokens

STYLES = {"kept": "bold green", "dropped": "bold yellow", "dead": "bold red"}
INDENT = (0, 0, 0, 2)


def story(record: Explanation) -> RenderableType:
    """Verdict, rules that fired, what would keep it, where it is from, its twin, its text, the rules that it passed."""
    parts: list[RenderableType] = [_headline(record)]
    fired = [check for check in record.checks if check.fired]
    if fired:
        parts += _fired(fired)
    if record.error:
        parts.append(Text(f"  {record.error}"))
    if record.remedy is not None:
        parts += [Text("\nwhat would keep it", "bold"), *_remedy(record)]
    parts += [Text("\nrecord", "bold"), _facts(record)]
    if record.twin is not None:
        parts += [Text("\nthe document that it repeats", "bold"), *_twin(record.twin)]
    if record.contamination:
        parts += [
            Text("\nevaluation items in it", "bold"),
            *(part for one in record.contamination for part in described(one)),
        ]
    parts += [Text("\ntext" + (", as delivered" if record.verdict == "kept" else ", as extracted"), "bold")]
    parts.append(
        Padding(Text(record.text + (" …" if record.cut else "") if record.text else record.text_absent), INDENT)
    )
    passed = [check for check in record.checks if not check.fired]
    if passed:
        parts += [Text("\nrules that it passed", "bold"), _passed(passed)]
    elif record.signals:
        parts += [Text("\nsignals", "bold"), _pairs({name: _number(value) for name, value in record.signals.items()})]
    return Group(*parts, Text(""))


def listing(by: str, documents: int, rows: Sequence[dict[str, Any]]) -> RenderableType:
    """Several records that match, and how to tell them apart."""
    lines = []
    for row in rows:
        verdict = " ".join(part for part in (row["verdict"], *(row["rules"] or ())[:1]) if part)
        lines.append(Text.assemble((row["doc_id"] or "", "bold"), f"  {verdict}"))
        lines.append(Text(f"  {row['unit'][:16]}/{row['row']}  {row['source']}"))
        if own := row["id"] or row["url"]:
            lines.append(Text(inert(f"  {own}"), overflow="fold"))
    more = f", the first {len(rows)}" if documents > len(rows) else ""
    head = Text(f"{documents:,} records match ({by}){more}: ask again with a doc_id, or with unit/row", "bold")
    return Group(head, *lines)


def _headline(record: Explanation) -> Text:
    fired = sum(check.fired for check in record.checks)
    how = f" at step {record.step}" if record.step else ""
    if fired and record.verdict == "dropped":
        how = f" by {fired} rule{'s' if fired > 1 else ''}" + how
    if record.verdict == "kept" and not record.judged:
        how = ", unjudged: no entry of `decide` admits it"
    return Text.assemble((record.verdict, STYLES.get(record.verdict, "bold")), how)


def _fired(checks: Sequence[Check]) -> Iterator[RenderableType]:
    """Name, value and bound on one line; what the rule says below."""
    for check in checks:
        numbers = f": {check.signal} is {_number(check.value)}, {_bound(check)}" if check.signal else ""
        yield Text.assemble("  ", (check.rule, "bold"), numbers)
        if check.sentence:
            yield Padding(Text(check.sentence, "dim"), (0, 0, 0, 4))


def _passed(checks: Sequence[Check]) -> Table:
    table = Table(box=None, padding=(0, 2, 0, 0), show_header=False)
    table.add_column(overflow="fold")
    table.add_column(justify="right", overflow="fold")
    table.add_column(no_wrap=True)
    for check in checks:
        value = f"{check.signal} {_number(check.value)}" if check.signal else ""
        table.add_row(Text(f"  {check.rule}"), Text(value), _bound(check))
    return table


def _bound(check: Check) -> str:
    return "" if check.threshold is None else f"must be {check.comparison} {_number(check.threshold)}"


def _number(value: float | None) -> str:
    if value is None:
        return "unknown"
    return f"{value:,.0f}" if float(value).is_integer() else f"{value:.4g}"


def _remedy(record: Explanation) -> Iterator[RenderableType]:
    assert record.remedy is not None
    if record.remedy.change:
        yield Padding(Text(record.remedy.change), INDENT)
    yield Padding(Text(record.remedy.note, "dim" if record.remedy.change else ""), INDENT)


def _facts(record: Explanation) -> Table:
    language = f"{record.lang} ({record.lang_score or 0:.2f}, {record.script})" if record.lang else ""
    edits = ", ".join(f"{edit.count:,} {edit.kind} ({edit.bytes:,} bytes)" for edit in record.edits)
    return _pairs(
        {
            "doc_id": record.doc_id or "",
            "id": record.id or "",
            "url": record.url or "",
            "source": record.source,
            "language": language,
            "size": f"{record.bytes:,} bytes",
            "read from": _origin(record),
            "edits": edits,
            "tokens": _tokens(record.shards),
        }
    )


def _tokens(shards: AsTokens | None) -> str:
    if shards is None:
        return ""
    if not shards.tokens:
        return "none: too long for a row, answers that became equal, or a turn of which nothing is left"
    learnt = f", {shards.learnt:,} of them learnt" if shards.kind != "prompts" else ""
    return f"{shards.tokens:,}{learnt}" + (
        "; turns at the end are cut, for which a row has no room" if shards.cut else ""
    )


def _origin(record: Explanation) -> str:
    origin = record.origin
    unit = f"record {origin.row} of unit {origin.unit[:16]}"
    if not origin.note:
        at = f", {origin.counts} {origin.offset:,}" if origin.offset is not None else ""
        return f"{origin.file}{at} ({unit})"
    files = f", which reads {', '.join(origin.files)}" if origin.files else ""
    return f"{unit}{files} ({origin.note})"


def _twin(twin: Twin) -> Iterator[RenderableType]:
    similarity = f"{twin.similarity:.4f}" if twin.similarity is not None else ""
    names = {"index": twin.index or "", "doc_id": twin.doc_id, "id": twin.id or "", "url": twin.url or ""}
    lacks = f"{twin.lost:.1%} of this document" if twin.lost else ""
    yield _pairs({**names, "source": twin.source, "verdict": twin.verdict, "similarity": similarity, "it lacks": lacks})
    if not any(span.differs for span in (*twin.text_here, *twin.text_there)):
        said = (
            "the texts read alike, as far as they are shown and compared"
            if twin.text_here
            else f"its text is not there{': an index holds none' if twin.index else ''}"
        )
        yield Padding(Text(said, "dim"), INDENT)
        return
    yield from (Padding(side, INDENT) for side in differing(twin.text_here, twin.text_there))


def differing(this: Sequence[Span], that: Sequence[Span]) -> Iterator[Text]:
    """Two texts, one below the other, with what the other one does not have marked."""
    yield _marked("this: ", this, "[-", "-]", "red")
    yield _marked("that: ", that, "{+", "+}", "green")


def _marked(name: str, spans: Sequence[Span], left: str, right: str, style: str) -> Text:
    """What the other text does not have stands between marks, as in `git diff --word-diff`."""
    pieces = [(f"{left}{span.text}{right}", style) if span.differs else span.text for span in spans]
    return Text.assemble((name, "dim"), *pieces)


def _pairs(values: dict[str, str]) -> Table:
    table = Table(box=None, show_header=False, padding=(0, 2, 0, 0))
    table.add_column(style="dim")
    table.add_column(overflow="fold")
    for name, value in values.items():
        if value:
            table.add_row(f"  {name}", Text(value))
    return table
