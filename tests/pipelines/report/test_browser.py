"""The page in a real Chromium: its script runs, nothing is fetched, the console stays empty, markup stays text.

It fits a telephone, and links open what they lead to.
"""

import html
import json
import shutil
import subprocess
from collections.abc import Callable
from dataclasses import dataclass
from pathlib import Path
from typing import Any
from urllib.parse import urlsplit

import pytest

from gristmill.pipelines.report.build import build
from gristmill.pipelines.report.drawing.render import render

CHROMIUM = shutil.which("chromium") or shutil.which("chromium-browser") or shutil.which("google-chrome")

pytestmark = [
    pytest.mark.browser,
    pytest.mark.skipif(CHROMIUM is None, reason="no Chromium on this machine (Debian: apt-get install chromium)"),
]

# Chromium asks these about itself, whatever page is open; the resolver rule below lets none of it out.
OWN = ("google.com", "googleapis.com", "gvt1.com")
OPTIONS = ["--headless", "--no-sandbox", "--disable-gpu", "--disable-quic", "--no-first-run", "--disable-sync",
           "--disable-background-networking", "--disable-component-update", "--enable-logging=stderr",
           "--host-resolver-rules=MAP * ~NOTFOUND", "--virtual-time-budget=3000", "--dump-dom"]  # fmt: skip


@dataclass(frozen=True)
class Visit:
    """What a page did in the browser."""

    dom: str
    console: list[str]
    fetched: list[str]


def visit(page: Path) -> Visit:
    log = page.with_suffix(".net.json")
    profile = page.with_suffix(".profile")
    command = [str(CHROMIUM), *OPTIONS, f"--user-data-dir={profile}", f"--log-net-log={log}", page.as_uri()]
    done = subprocess.run(command, capture_output=True, text=True, timeout=120, check=True)
    console = [line for line in done.stderr.splitlines() if ":CONSOLE" in line]
    urls = {
        event["params"]["url"] for event in json.loads(log.read_text())["events"] if "url" in event.get("params", {})
    }
    fetched = [url for url in urls if url.startswith("http") and not (urlsplit(url).hostname or "").endswith(OWN)]
    return Visit(done.stdout, console, sorted(fetched))


def test_visit__sees_a_fetch_and_an_error(tmp_path: Path) -> None:
    """The instrument works: otherwise the test below could not fail."""
    page = tmp_path / "page.html"
    page.write_text("<script>console.error('boom')</script><img src='http://tracker.invalid/x.png'>", "utf-8")
    seen = visit(page)
    assert seen.fetched == ["http://tracker.invalid/x.png"]
    assert "boom" in seen.console[0]


@pytest.mark.parametrize("poisoned", [False, True], ids=["calm", "poisoned"])
def test_page__runs_its_script_and_nothing_else(runs: Any, scrub: Callable[[str], str], poisoned: bool) -> None:
    run = runs.whole(poisoned=poisoned)
    page = run / "index.html"
    page.write_text(render(build(run, scrub)), "utf-8")
    seen = visit(page)
    assert seen.console == []
    assert seen.fetched == []
    assert seen.dom.count("<script>") == 1  # page.js; a document's stands there as &lt;script&gt;
    assert '<p class="find"><label>' in seen.dom  # page.js has run: it shows what works with it only


# A window is at least 500 pixels wide, a frame as wide as it is told. What its page measures is written into the dom.
FRAME = """<iframe id="frame" width="{width}" height="800" srcdoc="{page}"></iframe><pre id="seen"></pre><script>
const frame = document.getElementById("frame");
const measure = (name) => {{
  const page = frame.contentDocument, box = page.documentElement;
  const open = [...page.querySelectorAll("details[open]")].map((one) => one.id || one.parentElement.id);
  return {{ name, wide: box.scrollWidth, inside: box.clientWidth, open }};
}};
frame.onload = () => {{
  const seen = [measure("")], wait = (after) => setTimeout(after, 100);
  frame.contentDocument.querySelectorAll("details").forEach((one) => {{ one.open = true; }});
  seen.push(measure("all"));
  frame.contentDocument.querySelectorAll("details").forEach((one) => {{ one.open = false; }});
  const hashes = {hashes};
  const next = () => {{
    const hash = hashes.shift();
    if (!hash) {{ document.getElementById("seen").textContent = JSON.stringify(seen); return; }}
    frame.contentWindow.location.hash = hash;
    wait(() => {{ seen.push(measure(hash)); next(); }});
  }};
  next();
}};
</script>"""


def framed(tmp_path: Path, page: str, width: int, hashes: list[str]) -> dict[str, dict[str, Any]]:
    """What the page measures in a frame of that width: as it opens (""), with all unfolded ("all"), after each hash."""
    frame = tmp_path / "frame.html"
    frame.write_text(FRAME.format(width=width, page=html.escape(page), hashes=json.dumps(hashes)), "utf-8")
    dom = visit(frame).dom
    found = html.unescape(dom.split('<pre id="seen">')[1].split("</pre>")[0])
    return {one["name"]: one for one in json.loads(found)}


@pytest.fixture
def page(runs: Any, scrub: Callable[[str], str]) -> str:
    return render(build(runs.whole(poisoned=True), scrub))


@pytest.mark.parametrize("width", [390, 800, 1400])
def test_page__never_scrolls_sideways(tmp_path: Path, page: str, width: int) -> None:
    """Long names, addresses and tables included, folded and unfolded."""
    seen = framed(tmp_path, page, width, [])
    for how in ("", "all"):
        assert seen[how]["wide"] <= width, how
    wider = framed(tmp_path, page.replace("<h1>", '<div style="width:2000px">x</div><h1>'), width, [])
    assert wider[""]["wide"] > width  # the instrument works


def test_page__a_link_opens_what_it_leads_to(tmp_path: Path, page: str) -> None:
    hashes = ["provenance", "rule-0-0", "entry-1", "checks", "why-2"]
    seen = framed(tmp_path, page, 1400, hashes)
    assert "provenance" not in seen[""]["open"]
    opened: set[str] = set()
    for name, parts in zip(
        hashes, (["provenance"], ["rules", "rule-0-0"], ["rules"], ["funnel"], ["samples", "why-2"]), strict=True
    ):
        assert opened | set(parts) <= set(seen[name]["open"]), name
        opened |= set(parts)
    assert "duplicates" not in opened
