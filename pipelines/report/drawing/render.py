"""Report -> one HTML page that needs nothing else: opens from disk, fetches nothing, runs one script of its own."""

import base64
import functools
import hashlib
import os
import re
from collections.abc import Mapping, Sequence
from pathlib import Path
from typing import Any

import jinja2
from markupsafe import Markup, escape

from gristmill.pipelines.report.clusters import Clusters
from gristmill.pipelines.report.contamination.evidence import ACTIONS, Evidence, Phrase
from gristmill.pipelines.report.drawing import charts, ticks
from gristmill.pipelines.report.drawing.lines import anchors, entry_lines
from gristmill.pipelines.report.drawing.scores import scores
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.report.reasons import dropped_most
from gristmill.pipelines.report.theme import FORMATS, THEME, short

_FOLDER = Path(__file__).parent

SECTIONS = (
    *("alarms", "funnel", "rules", "lengths", "samples", "sources", "duplicates", "changes", "dead", "tokens"),
    *("training", "evaluation", "time", "provenance"),
)
"""Templates of drawing/sections/, in the order of the page; each makes one <section> of that id."""


def render(report: Report) -> str:
    """The page. Pure: equal reports give equal text. Everything from outside is escaped."""
    style, script = _asset("style.css"), _asset("page.js")
    digest = base64.b64encode(hashlib.sha256(script.encode()).digest()).decode()
    # Should markup from a document ever get through, the browser still runs no script but ours and asks no server.
    policy = f"default-src 'none'; style-src 'unsafe-inline'; script-src 'sha256-{digest}'; base-uri 'none'"
    entries = entry_lines(report)
    return (
        _environment()
        .get_template("index.html")
        .render(
            report=report,
            entries=entries,
            anchors=anchors(entries),
            opened=_opened(report),
            sections=SECTIONS,
            theme=THEME,
            policy=policy,
            style=Markup(style),
            script=Markup(script),
        )
    )


def render_clusters(found: Clusters, name: str) -> str:
    """The page of `gristmill clusters`, of a run of this name; it has no script."""
    return _without_script("clusters.html", found=found, name=name)


def render_contamination(
    shown: Sequence[Evidence], places: int, rates: Mapping[str, Any], phrases: Sequence[Phrase], name: str
) -> str:
    """The page of `gristmill contamination`, of a run of this name: some of so many places, the rates of its manifest,
    and items that were taken for phrases; it has no script."""
    said = ACTIONS[rates["action"]]
    values = {"shown": shown, "places": places, "rates": rates, "phrases": phrases, "said": said, "name": name}
    return _without_script("contamination.html", **values)


def _without_script(template: str, **values: Any) -> str:
    policy = "default-src 'none'; style-src 'unsafe-inline'; base-uri 'none'"
    style = Markup(_asset("style.css"))
    return _environment().get_template(template).render(**values, theme=THEME, policy=policy, style=style)


def _opened(report: Report) -> set[str]:
    """Sections that are unfolded when the page opens: where decisions are made, and where something is to be seen."""
    found = {item.section.split("-")[0] for item in report.attention}
    return {"funnel", "lengths", "rules", *found} | ({"rules"} if "entry" in found else set())


@functools.cache
def _environment() -> jinja2.Environment:
    environment = jinja2.Environment(
        loader=jinja2.FileSystemLoader(_FOLDER),
        autoescape=True,
        undefined=jinja2.StrictUndefined,
        trim_blocks=True,
        lstrip_blocks=True,
        keep_trailing_newline=True,
        bytecode_cache=_compiled(),
    )
    environment.filters.update(FORMATS, short=short, breakable=breakable, prose=prose)
    environment.globals.update(
        flow_bar=charts.flow_bar,
        outcome_bar=charts.outcome_bar,
        group_bar=charts.group_bar,
        meter=charts.meter,
        histogram=charts.histogram,
        columns=charts.columns,
        lines=charts.lines,
        scores=scores,
        dropped_most=dropped_most,
        signs=ticks.SIGNS,
    )
    return environment


def _compiled() -> jinja2.BytecodeCache | None:
    """Where compiled templates are kept, by the hash of their text; None where nothing can be written."""
    root = os.environ.get("GRISTMILL_CACHE") or os.environ.get("XDG_CACHE_HOME") or Path.home() / ".cache"
    folder = Path(root) / "gristmill" / "templates"
    try:
        folder.mkdir(parents=True, exist_ok=True)
    except OSError:
        return None
    if not os.access(folder, os.W_OK):  # of an image: jinja would fail to write where it found nothing
        return None
    return jinja2.FileSystemBytecodeCache(str(folder))


def breakable(name: str) -> Markup:
    """A rule's name that may be wrapped after a slash or underscore, and copies as it is."""
    return Markup("<wbr>").join(re.split(r"(?<=[/_])", name))


def prose(text: str) -> Markup:
    """A sentence from a docstring: `code` and *emphasis* become that, everything else is text."""
    marked = re.sub(r"`([^`]+)`", r"<code>\1</code>", str(escape(text)))
    return Markup(re.sub(r"\*([^*<>]+)\*", r"<em>\1</em>", marked))


@functools.cache
def _asset(name: str) -> str:
    return (_FOLDER / name).read_text(encoding="utf-8")
