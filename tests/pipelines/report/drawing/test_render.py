"""The page: one file, the same bytes for the same numbers, nothing from a document that a browser would obey."""

import html
import json
import os
import re
from collections.abc import Callable
from html.parser import HTMLParser
from pathlib import Path
from typing import Any

import pyarrow as pa
import pyarrow.parquet as pq
import pytest

from gristmill.pipelines.report.build import build
from gristmill.pipelines.report.drawing.render import SECTIONS, _compiled, breakable, prose, render
from gristmill.pipelines.report.model import Report
from gristmill.pipelines.report.reasons import dropped_most

GOLDEN = Path(__file__).parent / "golden"
VOID = {"meta", "input", "wbr", "br", "link", "img"}


class Page(HTMLParser):
    """Tags, attributes and text of a page; fails on a tag that is not closed in its place."""

    def __init__(self, page: str):
        super().__init__(convert_charrefs=True)
        self.tags: list[tuple[str, dict[str, str | None]]] = []
        self.text: list[str] = []
        self._open: list[str] = []
        self.feed(page)
        self.close()
        assert self._open == []

    def handle_starttag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))
        if tag not in VOID:
            self._open.append(tag)

    def handle_startendtag(self, tag: str, attrs: list[tuple[str, str | None]]) -> None:
        self.tags.append((tag, dict(attrs)))

    def handle_endtag(self, tag: str) -> None:
        assert self._open.pop() == tag

    def handle_data(self, data: str) -> None:
        self.text.append(data)


@pytest.fixture(scope="session")
def page(run: Path, scrub: Callable[[str], str]) -> str:
    return render(build(run, scrub))


@pytest.fixture(scope="session")
def poisoned(tmp_path_factory: pytest.TempPathFactory, run_maker: Any) -> tuple[str, str]:
    """report.json and page of a run full of personal data, with the real scrubber."""
    report = build(run_maker(tmp_path_factory.mktemp("poison")).whole(poisoned=True))
    return report.to_json(), render(report)


def test_render__golden(tmp_path: Path) -> None:
    """The stored numbers give the stored page. After a change that is meant: copy the file that the failure names."""
    report = Report.from_json((GOLDEN / "report.json").read_text("utf-8"))
    assert report.to_json() == (GOLDEN / "report.json").read_text("utf-8")
    actual = render(report)
    if actual != (GOLDEN / "index.html").read_text("utf-8"):
        (tmp_path / "index.html").write_text(actual, "utf-8", newline="\n")
        pytest.fail(f"the page changed; look at it, then: cp {tmp_path / 'index.html'} {GOLDEN / 'index.html'}")


def test_render__well_formed_and_small(page: str) -> None:
    parsed = Page(page)
    ids = [attributes["id"] for _, attributes in parsed.tags if "id" in attributes]
    assert len(ids) == len(set(ids))
    links = [attributes["href"] for tag, attributes in parsed.tags if tag == "a"]
    assert {str(link)[1:] for link in links} <= set(ids)
    assert len(page.encode()) < 2_000_000


def test_render__the_first_screen_names_what_dropped_most(run: Path, scrub: Callable[[str], str], page: str) -> None:
    report = build(run, scrub)
    first = page[: page.index('<section id="funnel">')]
    (step, reason), *_ = dropped_most(report.funnel, 6)
    assert step == "decide"
    assert f"<b>{reason.first}</b>" in first
    rule = first[first.index('class="most"') :].split('href="#')[1].split('"')[0]
    assert f'<details class="rule" id="{rule}">' in page
    assert breakable(reason.name) in page[page.index(f'id="{rule}"') :][:300]


def test_render__a_line_a_rule_and_its_distribution_on_demand(page: str) -> None:
    rules = re.findall(r'<details class="rule" id="[^"]*">.*?</details>\n', page, re.DOTALL)
    assert len(rules) == 9
    assert all("<svg" in rule.split("</summary>")[1] for rule in rules)
    assert 'class="never"' in page


def test_render__sections_fold_and_what_matters_is_open(page: str) -> None:
    opened = dict(re.findall(r'<section id="(\w+)"><details class="fold"( open)?>', page))
    assert list(opened) == list(SECTIONS)
    assert {name for name, is_open in opened.items() if is_open} >= {"funnel", "rules", "lengths", "dead"}
    assert not opened["provenance"]


def test_render__at_most_two_megabytes_whatever_the_run(run: Path, scrub: Callable[[str], str]) -> None:
    """Every list as long as a section gives it, every text as long as it may be, in three bytes a character."""
    report = json.loads(build(run, scrub).to_json())
    wide, name = "磨" * 600, "磨<" * 100

    def fill(rows: list, number: int) -> list:
        return [json.loads(json.dumps(rows[k % len(rows)])) for k in range(number)]

    for table, number in (("sources", 20), ("languages", 16), ("sites", 15)):
        report[table]["rows"] = fill(report[table]["rows"], number)
        for row in report[table]["rows"]:
            row["name"] = name
    for entry in report["entries"]:
        entry["rules"] = fill(entry["rules"], 60)
    report["entries"] = [{**entry, "number": k} for k, entry in enumerate(fill(report["entries"], 60))]
    for step in report["funnel"]["steps"]:
        step["reasons"] = fill(step["reasons"], 3000) if step["reasons"] else []
    for groups, number in (("kept", 5), ("samples", 30)):
        report[groups]["groups"] = fill(report[groups]["groups"], number)
        for group in report[groups]["groups"]:
            group["samples"] = fill(group["samples"], 4)
            for sample in group["samples"]:
                sample |= {
                    "excerpt": wide,
                    "id": name,
                    "url": name,
                    "why": fill(sample["why"], 12) if sample["why"] else [],
                }
    pieces = [{"text": "磨", "differs": k % 2 == 0} for k in range(600)]
    duplicates = report["duplicates"]
    pair = duplicates["closest"][0] | {"loser_text": pieces, "winner_text": pieces}
    duplicates["closest"] = [pair] * 6
    duplicates["largest"] = [
        {**c, "pair": pair, "members": fill(c["members"], 8)} for c in fill(duplicates["largest"], 8)
    ]
    report["dead"]["groups"] = [{**g, "file": name, "error": name} for g in fill(report["dead"]["groups"], 40)]
    report["training"] = fill(report["training"], 6)
    report["provenance"]["recipe"] = "磨" * 20_000
    page = render(Report.from_json(json.dumps(report)))
    assert 1_000_000 < len(page.encode()) <= 2_000_000
    Page(page)


def test_render__every_link_of_attention_leads_somewhere(run: Path, scrub: Callable[[str], str], page: str) -> None:
    for item in build(run, scrub).attention:
        assert f'id="{item.section}"' in page


def test_render__fetches_nothing(page: str) -> None:
    for tag, attributes in Page(page).tags:
        assert tag not in ("link", "img", "iframe", "object", "embed", "base", "form"), tag
        for name in ("src", "href", "srcset", "action", "data"):
            assert (attributes.get(name) or "#").startswith("#"), (tag, attributes)
    assert "@import" not in page
    assert "url(" not in page


def test_render__chinese_is_marked_as_chinese(page: str) -> None:
    quotes = [attributes for tag, attributes in Page(page).tags if tag == "blockquote"]
    assert {quote.get("lang") for quote in quotes} >= {"zh", "en"}
    assert all(quote["dir"] == "auto" for quote in quotes)


def test_render__markup_of_documents_is_text(poisoned: tuple[str, str], planted: tuple[str, str, str]) -> None:
    _, page = poisoned
    script = planted[2]
    parsed = Page(page)
    assert [tag for tag, _ in parsed.tags].count("script") == 1
    assert not [name for _, attributes in parsed.tags for name in attributes if name.startswith("on")]
    assert script not in page
    assert script in "".join(parsed.text)  # it is shown, as it stands in the document
    for section in ("sources", "samples", "duplicates", "dead"):
        part = page[page.index(f'<section id="{section}">') :]
        assert "&lt;script&gt;" in part[: part.index("</section>")], section


def test_render__a_policy_that_lets_only_our_script_run(page: str) -> None:
    policy = next(a["content"] for tag, a in Page(page).tags if tag == "meta" and "http-equiv" in a)
    assert policy is not None
    assert "default-src 'none'" in policy
    assert re.search(r"script-src 'sha256-[A-Za-z0-9+/]{43}='", policy)
    assert "unsafe-inline" not in policy.replace("style-src 'unsafe-inline'", "")


def test_report__no_planted_personal_data(poisoned: tuple[str, str], planted: tuple[str, str, str]) -> None:
    """Dropped texts, duplicates, ids, addresses, dead letters: counted and shown, never with the value."""
    email, mobile, _ = planted
    for text in poisoned:
        assert email not in text
        assert mobile not in text
        assert email.split("@")[0] not in text  # nor percent-encoded, nor cut
        for tag in ("EMAIL_ADDRESS", "PHONE_NUMBER", "NUMBER"):
            assert f"<{tag}>" in html.unescape(text)


def test_report__without_the_scrubber_the_test_above_would_see_it(
    tmp_path: Path, run_maker: Any, planted: tuple[str, str, str]
) -> None:
    report = build(run_maker(tmp_path).whole(number=60, poisoned=True), str)
    assert planted[0] in render(report)
    assert planted[1] in report.to_json()


def test_render__huge_counts_long_names_and_missing_numbers(run: Path, scrub: Callable[[str], str]) -> None:
    raw = json.loads(build(run, scrub).to_json())
    raw["header"]["records"] = {"documents": 10**13, "bytes": 10**19}
    raw["header"] |= {"name": "很长的名字" * 60, "tokens": None, "share_kept": None, "seconds": None}
    raw["sources"]["rows"][0]["name"] = "x" * 400
    raw["training"] = []
    page = render(Report.from_json(json.dumps(raw)))
    assert "10,000,000,000,000" in page
    assert "10,000.0 PB" in page
    Page(page)


def test_prose__code_and_emphasis_of_a_docstring_and_nothing_else() -> None:
    assert prose("`<b>` & *the be* to 2 * 3") == "<code>&lt;b&gt;</code> &amp; <em>the be</em> to 2 * 3"


def test_breakable__copies_as_it_is() -> None:
    assert breakable("a@b/c_d<") == "a@b/<wbr>c_<wbr>d&lt;"


HOSTILE = {
    "id": "<script>alert(1)</script>\u202egnp\x1b[2J\udcff",
    "url": "javascript:alert('“字”')\u2066",
    "source": '"><img src=x onerror=alert(1)>',
}


def test_render__of_hostile_names_is_text(run_maker: Any, tmp_path: Path, scrub: Callable[[str], str]) -> None:
    maker = run_maker(tmp_path)
    run = maker.whole()
    for table in ("ledger", "dropped"):
        for file in (run / table).glob("*.parquet"):
            rows = pq.read_table(file)
            for name, value in HOSTILE.items():
                column = [value.encode(errors="replace").decode()] * len(rows)
                rows = rows.set_column(rows.schema.names.index(name), name, pa.array(column, pa.string()))
            pq.write_table(rows, file)
    recipe = (run / "recipe.yaml").read_text("utf-8")
    (run / "recipe.yaml").write_text(recipe.replace("name: ", 'name: "<b>x\\u202e</b>" #', 1), "utf-8")
    page = render(build(run, scrub))
    page.encode()
    parsed = Page(page)
    assert {tag for tag, _ in parsed.tags} <= {tag for tag, _ in Page((GOLDEN / "index.html").read_text("utf-8")).tags}
    assert not [a for _, a in parsed.tags for name in a if name.startswith("on")]
    assert all(str(a["href"]).startswith("#") for tag, a in parsed.tags if tag == "a")
    assert not re.search("[\u202a-\u202e\u2066-\u2069\x1b\x00-\x08]", page)
    assert "javascript:alert" in "".join(parsed.text)
    assert r"\u202e" in "".join(parsed.text)


def test_compiled_templates__are_not_kept_where_an_image_cannot_be_written(tmp_path, monkeypatch):
    monkeypatch.setenv("GRISTMILL_CACHE", str(tmp_path))
    assert _compiled() is not None
    monkeypatch.setattr(os, "access", lambda path, mode: False)
    assert _compiled() is None
