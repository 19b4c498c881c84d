"""Lists as tables: what matches, what does not, and what is no list."""

import gzip
import re
from pathlib import Path

import numpy as np
import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.counters import Counters
from gristmill.filters.lists.build import BadListError, Entries, address_columns, phrase_columns
from gristmill.filters.lists.table import (
    DOMAINS,
    HOSTS,
    PHRASES,
    URLS,
    VERSION,
    WORDS,
    AddressTable,
    PhraseTable,
    hash_strings,
    read_about,
    write,
)


def file(folder: Path, text: str, name: str = "list.txt") -> Path:
    at = folder / name
    at.write_text(text, "utf-8")
    return at


def table(folder: Path, kind: str, text: str) -> AddressTable:
    return AddressTable([("l", kind)], address_columns([Entries("l", kind, (file(folder, text),))]))


def matches(found: AddressTable, *urls: str | None) -> list[float]:
    return found.match(pa.array(urls, pa.string()))[:, 0].tolist()


def test_domains__with_what_is_below_them_however_they_are_written(tmp_path):
    found = table(
        tmp_path,
        DOMAINS,
        "# ours\nbad.com\n0.0.0.0 ads.example.org # tracker\n||evil.net^$third-party\n*.wild.cn\n"
        "WWW.Upper.COM.\n例子.中国\n",
    )
    hit = ["http://bad.com/x", "https://www.bad.com", "a.b.bad.com", "http://ads.example.org", "http://evil.net:80/",
           "x.wild.cn", "http://upper.com", "http://xn--fsqu00a.xn--fiqs8s/页", "http://www.例子.中国/"]  # fmt: skip
    miss = ["http://notbad.com", "http://example.org", "http://com", "http://x.org/bad.com", "", "http://bad.com.cn"]
    assert matches(found, *hit) == [1] * len(hit)
    assert matches(found, *miss) == [0] * len(miss)
    assert np.isnan(matches(found, None)[0])


def test_hosts__without_what_is_below_them(tmp_path):
    assert matches(table(tmp_path, HOSTS, "bad.com\n"), "http://www.bad.com/", "http://a.bad.com") == [1, 0]


def test_urls__begin_alike_and_end_at_a_slash(tmp_path):
    found = table(tmp_path, URLS, "http://www.a.com/ads/\nb.cn/广告\n")
    urls = ["https://a.com/ads", "http://a.com/ads/x?y", "http://a.com/adsense", "http://a.com/", "http://b.cn/广告/1"]
    assert matches(found, *urls) == [1, 1, 0, 0, 1]


def test_urls__of_ad_blockers_with_stars_comments_and_percent_signs(tmp_path):
    found = table(tmp_path, URLS, "||a.com/ads^\nb.com/x/* # why\nc.com/y\t# why\nd.cn/%E5%B9%BF%e5%91%8a\ne.cn/广告\n")
    urls = [
        "http://a.com/ads/1",
        "http://b.com/x/1",
        "http://c.com/y",
        "http://d.cn/广告/1",
        "http://e.cn/%e5%B9%bf%E5%91%8A",
    ]
    assert matches(found, *urls) == [1] * len(urls)


def test_urls__in_gbk_are_not_one(tmp_path):
    found = table(tmp_path, URLS, "a.cn/%b9%e3%B8%E6\n")
    assert matches(found, "http://a.cn/%B9%E3%b8%e6/1", "http://a.cn/%C4%E3%BA%C3/1") == [1, 0]


def test_hosts_files__with_what_systems_write_and_several_names_in_a_line(tmp_path):
    head = "127.0.0.1 localhost\n255.255.255.255 broadcasthost\nfe80::1%lo0 localhost\nff02::1 ip6-allnodes\n"
    found = table(tmp_path, DOMAINS, f"{head}0.0.0.0 bad.com  坏.中国 # both\n")
    assert matches(found, "http://bad.com", "http://xn--7es.xn--fiqs8s/", "http://good.com") == [1, 1, 0]


def test_ad_blockers__comments_are_none_of_the_entries(tmp_path):
    found = table(tmp_path, DOMAINS, "[Adblock Plus 2.0]\n! Title: x\n||bad.com^\n")
    assert matches(found, "http://bad.com", "http://good.com") == [1, 0]
    with pytest.raises(BadListError, match="no entry"):
        table(tmp_path, DOMAINS, "! Title: x\n")


@pytest.mark.parametrize(
    "line",
    ["bad.com,1", "1,bad.com", '"bad.com"', "bad.com;", "ads.*.com", "@@||bad.com^", "bad.com##.banner",
     "bad.com#@#.banner", "Disallow: /", "0.0.0.0 bad.com b,c", "坏，中国"],
)  # fmt: skip
def test_domains__what_can_be_no_host_is_named(tmp_path, line):
    for kind in (DOMAINS, HOSTS):
        with pytest.raises(BadListError, match=r"line 2 is no domain or host; .*leave out further columns"):
            table(tmp_path, kind, f"good.com\n{line}\n")


def test_urls__what_can_be_no_host_is_named(tmp_path):
    for line in ("bad,com/x", "Disallow: /x", "a.com/*"):
        with pytest.raises(BadListError, match="line 1 is no address of a host with a path"):
            table(tmp_path, URLS, f"{line}\n")


def test_words__full_width_letters_and_accents_are_those_of_the_address(tmp_path):
    found = table(tmp_path, WORDS, "ＣＡＳＩＮＯ\ncafe\u0301\n")
    assert matches(found, "http://a.com/casino/café", "http://a.com/ｃａｓｉｎｏ", "http://a.com/cafe%CC%81") == [
        2,
        1,
        1,
    ]


def test_words__different_ones_are_counted(tmp_path):
    found = table(tmp_path, WORDS, "porn\nfree\n成人\n")
    urls = [
        "http://free-porn.com/porn",
        "http://sussex.ac.uk/freedom",
        "http://a.com/%E6%88%90%E4%BA%BA%E7%94%B5%E5%BD%B1",
    ]
    assert matches(found, *urls) == [2, 0, 1]


def test_labels__an_entry_may_stand_under_several(tmp_path):
    one, two = file(tmp_path, "a.com\nb.com\n", "1"), file(tmp_path, "b.com\n", "2")
    path = file(tmp_path, "c.com/x\n", "3")
    parts = [Entries("l.1", DOMAINS, (one,)), Entries("l.2", DOMAINS, (two,)), Entries("l.2", URLS, (path,))]
    found = AddressTable([(part.label, part.kind) for part in parts], address_columns(parts))
    urls = pa.array(["http://a.com", "http://b.com", "http://c.com/x"])
    assert found.match(urls).tolist() == [[1, 0, 0], [1, 1, 0], [0, 0, 1]]
    assert found.matching("http://www.b.com/y") == [(0, "b.com"), (1, "b.com")]


BAD = {
    "is UTF-16": "bad.com\n".encode("utf-16"),
    "is UTF-32": "bad.com\n".encode("utf-32"),
    "is JSON": b'["bad.com", "worse.com"]\n',
    "is a web page": b"<!DOCTYPE html>\n<title>404</title>\n",
    "line 2, is not UTF-8": "good.com\n例子.中国\n".encode("gb18030"),
    "zero bytes": b"\x89PNG\x00\x00",
    "no entry": b"# nothing\n\n",
    "line 3 is no domain": b"a.com\n\nb.com/path\n",
    "line 1 is no domain": b"two words\n",
}


@pytest.mark.parametrize("why", BAD)
def test_bad_lists__are_named(tmp_path, why):
    at = tmp_path / "list.txt"
    at.write_bytes(BAD[why])
    with pytest.raises(BadListError, match=re.escape(why)) as error:
        address_columns([Entries("l", DOMAINS, (at,))])
    assert "list.txt" in str(error.value)
    assert "two words" not in str(error.value)


@pytest.mark.parametrize(
    ("kind", "text", "why"), [(WORDS, "two words\n", "one word"), (URLS, "a.com\n", "with a path")]
)
def test_bad_entries__say_where_they_belong(tmp_path, kind, text, why):
    with pytest.raises(BadListError, match=why):
        table(tmp_path, kind, text)
    with pytest.raises(BadListError, match="no letter or digit"):
        phrase_columns([file(tmp_path, "fine\n!!!\n")])
    with pytest.raises(BadListError, match="more than 32 words"):
        phrase_columns([file(tmp_path, "好" * 33)])


def test_lists__the_same_entries_give_the_same_bytes(tmp_path):
    first, second = file(tmp_path, "b.com\na.com\n", "1"), file(tmp_path, "# c\r\nwww.A.com\r\nb.com\r\nb.com", "2")
    packed = tmp_path / "3"
    packed.write_bytes(gzip.compress(b"a.com\nb.com\n"))
    tables = [
        write(tmp_path / f"{at.name}.list", "l", [("l", DOMAINS)], address_columns([Entries("l", DOMAINS, (at,))]))
        for at in (first, second, packed)
    ]
    assert len({(one.sha256, one.entries) for one in tables}) == 1
    assert read_about(tmp_path / "1.list", "l") == tables[0]
    with pytest.raises(ValueError, match="no list"):
        read_about(first, "l")


def test_a_damaged_gzip__is_named(tmp_path):
    """zlib's own error is none of the operating system's."""
    data = bytearray(gzip.compress(b"a.com\nb.com\n"))
    data[10] = 0xFF
    (tmp_path / "bad.gz").write_bytes(data)
    with pytest.raises(BadListError, match=r"'bad\.gz' cannot be read.*check the file"):
        address_columns([Entries("l", DOMAINS, (tmp_path / "bad.gz",))])


def test_phrases__lines_may_end_as_on_old_macs(tmp_path):
    at = tmp_path / "mac.txt"
    at.write_bytes(b"free money\rcasino\r")
    assert phrase_columns([at])["words"].tolist() in ([2, 1], [1, 2])


@pytest.mark.parametrize("why", ["is UTF-32", "is JSON", "is a web page"])
def test_bad_lists__of_phrases_too(tmp_path, why):
    at = tmp_path / "list.txt"
    at.write_bytes(BAD[why])
    with pytest.raises(BadListError, match=why):
        phrase_columns([at])


def counted(folder: Path, phrases: str, texts: list[str]) -> list[list[int]]:
    found = PhraseTable(phrase_columns([file(folder, phrases)]))
    counts = found.count(Counters(pa.array(texts, pa.large_string())).char)
    return [list(map(int, row)) for row in zip(*counts, strict=True)]


def test_phrases__are_whole_words_where_words_have_spaces(tmp_path):
    phrases = "sex\nfree money\nfree money now\n加微信\nＱＱ群\nC++\n"
    cases = {
        "Essex and Sussex": [0, 0, 0],
        "SEX, sex.": [2, 6, 1],
        "Free-money! FREE  MONEY\nNOW": [2, 21, 2],
        "请加 微 信，加微信": [2, 6, 1],
        "qq群": [1, 3, 1],
        "加微": [0, 0, 0],
        "": [0, 0, 0],
    }
    assert counted(tmp_path, phrases, list(cases)) == list(cases.values())


@settings(deadline=None, max_examples=100)
@given(st.lists(st.text("ab", min_size=1, max_size=4), min_size=1, max_size=5), st.text("ab ", max_size=30))
def test_phrases__as_a_plain_search_finds_them(tmp_path_factory, phrases, text):
    spaced = [" ".join(phrase) for phrase in phrases]
    words, wanted, at, found = text.replace(" ", ""), {phrase.replace(" ", "") for phrase in spaced}, 0, 0
    while at < len(words):
        length = max((len(one) for one in wanted if words.startswith(one, at)), default=0)
        found += length > 0
        at += length or 1
    folder = tmp_path_factory.mktemp("phrases")
    assert counted(folder, "\n".join(spaced), [" ".join(words)])[0][0] == found


@pytest.mark.parametrize("name", ["spam", "profanity"])
def test_shipped_phrases__find_their_kind_and_spare_what_looks_like_it(name):
    at = Path(__file__).parents[3] / "filters" / "data" / "lists" / f"{name}.{PHRASES}.txt"
    found = PhraseTable(phrase_columns([at]))
    good = [
        "Scunthorpe, Essex and Dick Whittington: a history of breast cancer research and sex education.",
        "性别平等、青春期教育与贷款政策的研究，作者在论文中讨论了发票制度和彩票公益金。",
    ]
    bad = {
        "spam": [
            "Buy Viagra online, no prescription needed! Free casino bonus.",
            "无抵押贷款，当天放款，加我微信；代开发票。",
        ],
        "profanity": ["fuck this shit", "傻逼，操你妈"],
    }[name]
    found_D = found.count(Counters(pa.array([*good, *bad], pa.large_string())).char)[0]
    assert found_D[:2].tolist() == [0, 0]
    assert (found_D[2:] >= 2).all()


def test_hashes__change_only_with_the_version_of_tables(tmp_path):
    """Runs keep tables: if this fails, raise VERSION in filters/lists/table.py and write the new numbers here."""
    phrases = phrase_columns([file(tmp_path, "free money\n加微信\n")])
    seen = [
        int(hash_strings(pa.array(["bad.com"], pa.large_string()))[0]),
        *phrases["begin"].tolist(),
        *phrases["hash"].tolist(),
    ]
    assert VERSION == 2
    assert seen == [
        17907177378186474265,
        5000880919236524361,
        10358522349638753234,
        5000880919236524361,
        15675153302200434147,
    ]
