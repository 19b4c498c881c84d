"""gristmill clusters RUN: documents that say the same, and what was lost with those that went."""

from collections.abc import Iterator
from pathlib import Path
from typing import Annotated

import typer
from rich.console import RenderableType
from rich.padding import Padding
from rich.text import Text

from gristmill.pipelines.cli.terminal.output import note, out, print_json
from gristmill.pipelines.cli.terminal.record import differing
from gristmill.pipelines.errors import RecipeError
from gristmill.pipelines.report.clusters import Cluster, Document, Removal, find_clusters
from gristmill.pipelines.report.excerpts import scrubbed_excerpts
from gristmill.pipelines.report.theme import share
from gristmill.pipelines.storage.ledger import Ledger
from gristmill.pipelines.storage.rundir import open_run
from gristmill.pipelines.storage.verification import check_files

READ = ("clusters", "ledger", "dropped", "text")
"""What is read of a run."""


def clusters(
    run: Annotated[str, typer.Argument(help="The run directory, or its address.")],
    limit: Annotated[int, typer.Option(min=1, max=1000, help="How many clusters, the largest first.")] = 10,
    pairs: Annotated[int, typer.Option(min=0, max=100, help="How many removals of each, the least similar first.")] = 3,
    of: Annotated[str | None, typer.Option(help="Only the cluster of this document, by its doc_id.")] = None,
    html: Annotated[Path | None, typer.Option(help="Write a page instead.")] = None,
    as_json: Annotated[bool, typer.Option("--json", help="Print one JSON object.")] = False,
) -> None:
    """Show the largest duplicate clusters: how many stay, and removed texts beside those that stay for them, the least
    similar first, with what differs marked. Quotes are without personal data.

        gristmill clusters runs/my-corpus --limit 3

        gristmill clusters runs/my-corpus --of 3f2a --pairs 20 --html cluster.html
    """
    store = open_run(run)
    check_files(store, *READ)
    with Ledger(store) as ledger:
        if not ledger.has("ledger"):
            fix = "finish it: the same `gristmill run` without --until goes on from there"
            raise RecipeError("the run has no ledger: it stopped before `text`", where=run, fix=fix)
        if "lost" not in ledger.columns("ledger"):
            fix = "run its recipe again: only what changed is done again"
            raise RecipeError("the run was made by an earlier version, which says less", where=run, fix=fix)
        found = find_clusters(ledger, scrubbed_excerpts(store), limit, pairs, of)
    if as_json:
        print_json(found.to_json())
        return
    if html is not None:
        from gristmill.pipelines.report.drawing.render import render_clusters

        html.write_text(render_clusters(found, store.name), encoding="utf-8")
        note(f"{len(found.shown):,} clusters: {html}")
        return
    out.print(f"{found.clusters:,} clusters of {found.documents:,} documents")
    for cluster in found.shown:
        for part in _told(cluster):
            out.print(part)
    if len(found.shown) < found.clusters and of is None:
        note(f"and {found.clusters - len(found.shown):,} more: --limit")


def _told(cluster: Cluster) -> Iterator[RenderableType]:
    counts = f"{cluster.documents:,} documents, {cluster.kept:,} kept, {cluster.removed:,} removed"
    repeat = f", {cluster.indexed:,} of them for one of an index" if cluster.indexed else ""
    yield Text.assemble("\n", (cluster.cluster, "bold"), f"  {counts}{repeat}")
    for removal in cluster.removals:
        yield Text.assemble("  ", (_numbers(removal), "bold"))
        yield from (Padding(part, (0, 0, 0, 4)) for part in _pair(removal))
    if cluster.others and cluster.removals:
        yield Text(f"  and {cluster.others:,} more: --of {cluster.cluster[:8]} --pairs 100", "dim")


def _numbers(removal: Removal) -> str:
    similarity = "" if removal.similarity is None else f", similarity {removal.similarity:.4f}"
    lost = f", {share(removal.lost)} lost" if removal.lost else ""
    return f"{removal.rule}{similarity}{lost}"


def _pair(removal: Removal) -> Iterator[RenderableType]:
    yield Text(f"removed {_name(removal.loser)}", "dim")
    where = f" in the index {removal.index}" if removal.index else ""
    later = f", which went later: {removal.went}" if removal.went else ""
    yield Text(f"{'for    ' if later else 'stays  '} {_name(removal.winner)}{where}{later}", "dim")
    if removal.loser_text:
        yield from differing(removal.loser_text, removal.winner_text)
    else:
        gone = "an index holds no text" if removal.index else "its texts are gone (`gristmill clean`)"
        yield Text(gone, "dim")


def _name(document: Document) -> str:
    return "  ".join(filter(None, (document.doc_id, document.source, document.url or document.id)))
