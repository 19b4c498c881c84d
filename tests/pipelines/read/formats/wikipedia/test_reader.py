"""Dumps: pages and what is set aside, cutting, damage."""

import bz2
import json

import pytest

HEAD = """<mediawiki xml:lang="zh"><siteinfo><sitename>维基百科</sitename>
<base>https://zh.wikipedia.org/wiki/Wikipedia:首页</base>
<namespaces><namespace key="0" case="first-letter" /><namespace key="6" case="first-letter">File</namespace>
<namespace key="14" case="first-letter">分类</namespace></namespaces></siteinfo>
"""


def page(title: str, text: str, ns: int = 0, extra: str = "", number: int = 7) -> str:
    return (
        f"  <page>\n    <title>{title}</title>\n    <ns>{ns}</ns>\n    <id>{number}</id>\n{extra}"
        f"    <revision>\n      <id>99</id>\n      <timestamp>2026-01-01T00:00:00Z</timestamp>\n"
        f'      <model>wikitext</model>\n      <text xml:space="preserve">{text}</text>\n    </revision>\n  </page>\n'
    )


DUMP = (
    HEAD
    + "".join(
        [
            page("水车 磨坊", "'''磨坊'''在[[河|河边]]。&lt;ref&gt;x&lt;/ref&gt; a &amp;amp; b [[分类:磨坊]]"),
            page("Talk:Mill", "no", ns=1),
            page("Redirect", "#REDIRECT [[Mill]]", extra='    <redirect title="Mill" />\n'),
            page("Mill", "The [[mill]] turns.{{x}}", number=8),
        ]
    )
    + "</mediawiki>\n"
)


@pytest.mark.parametrize("suffix", [".xml", ".xml.bz2"])
def test_read__articles(tmp_path, read_all, suffix) -> None:
    data = DUMP.encode()
    (tmp_path / f"dump{suffix}").write_bytes(bz2.compress(data) if suffix.endswith("bz2") else data)
    outcome = read_all("wikipedia", tmp_path, id="id")
    assert outcome.texts == ["磨坊在河边。 a & b", "The mill turns."]
    assert outcome.aside == {"wiki_namespace": 1, "wiki_redirect": 1}
    assert [row["id"] for row in outcome.rows] == ["7", "8"]
    assert outcome.rows[0]["url"] == "https://zh.wikipedia.org/wiki/%E6%B0%B4%E8%BD%A6_%E7%A3%A8%E5%9D%8A"
    meta = json.loads(outcome.rows[0]["meta"])
    assert meta == {"title": "水车 磨坊", "revision": "99", "timestamp": "2026-01-01T00:00:00Z"}


def test_read__of_a_history_the_last_revision(tmp_path, read_all) -> None:
    first, last = (page("Mill", text, number=7) for text in ("An old mill.", "A new mill."))
    revision = last[last.index("    <revision>") : last.index("  </page>")].replace("<id>99<", "<id>100<")
    (tmp_path / "a.xml").write_text(f"{HEAD}{first.replace('  </page>', revision + '  </page>')}</mediawiki>")
    (row,) = read_all("wikipedia", tmp_path).rows
    assert (row["text"], json.loads(row["meta"])["revision"]) == ("A new mill.", "100")


@pytest.mark.parametrize("unit_bytes", [100, 333, 700])
def test_read__cut_anywhere_gives_the_same(tmp_path, read_all, unit_bytes) -> None:
    many = HEAD + "".join(page(f"Page {i}", "文字 " * (i % 5 + 1), number=i) for i in range(30)) + "</mediawiki>"
    (tmp_path / "dump.xml").write_text(many, encoding="utf-8")
    whole, cut = read_all("wikipedia", tmp_path), read_all("wikipedia", tmp_path, unit_bytes=unit_bytes)
    assert cut.units > 1
    assert len(whole.rows) == 30
    assert [(row["doc_id"], row["text"], row["url"]) for row in cut.rows] == [
        (row["doc_id"], row["text"], row["url"]) for row in whole.rows
    ]


def test_read__a_damaged_page_costs_itself(tmp_path, read_all) -> None:
    damaged = page("秘密", "a & b")
    long = page("Long", "长" * 2000)
    data = HEAD + page("A", "one") + damaged + long + page("B", "two") + page("C", "cut off")[:-30]
    (tmp_path / "dump.xml").write_text(data, encoding="utf-8")
    outcome = read_all("wikipedia", tmp_path, max_record_bytes=2000)
    assert outcome.texts == ["one", "two"]
    assert [dead.error.split(":")[0] for dead in outcome.dead] == ["ParseError", "RecordTooLong", "EOFError"]
    assert "秘密" not in outcome.dead[0].error
    whole = data.encode()
    places = [whole.index(text.strip().encode()[:60]) for text in (damaged, long)]
    assert [dead.offset for dead in outcome.dead] == [*places, whole.rindex(b"<page>")]


@pytest.mark.parametrize("unit_bytes", [150, 333, 16_000_000])
def test_read__a_page_without_its_begin_or_end_costs_itself(tmp_path, read_all, unit_bytes) -> None:
    one, two, three, four = (page(f"Page {i}", f"text {i}", number=i) for i in range(4))
    data = HEAD + one + two.replace("</page>", "") + three + three.replace("<page>", "") + four + "</mediawiki>"
    (tmp_path / "dump.xml").write_text(data, encoding="utf-8")
    outcome = read_all("wikipedia", tmp_path, unit_bytes=unit_bytes)
    assert outcome.texts == ["text 0", "text 2", "text 3"]
    assert [dead.error[:24] for dead in outcome.dead] == ["BrokenPage: the next pag", "BrokenPage: a page has n"]
    whole = data.encode()
    assert outcome.dead[0].offset == whole.index(two.strip().encode()[:30])
    assert outcome.dead[1].offset == whole.index(three.encode()) + len(three.encode().rstrip())


@pytest.mark.parametrize("data", [DUMP.encode("utf-16"), b"INSERT INTO page VALUES (1,0,'Mill');\n" * 9])
def test_read__what_is_no_dump_is_a_dead_letter(tmp_path, read_all, data) -> None:
    (tmp_path / "dump.xml").write_bytes(data)
    outcome = read_all("wikipedia", tmp_path, unit_bytes=100)
    assert not outcome.rows
    assert [dead.error.split(":")[0] for dead in outcome.dead] == ["NoDump"]


def test_read__a_broken_stream(tmp_path, read_all) -> None:
    packed = bz2.compress(DUMP.encode())
    (tmp_path / "dump.xml.bz2").write_bytes(packed[:-20])
    outcome = read_all("wikipedia", tmp_path)
    assert len(outcome.dead) == 1
