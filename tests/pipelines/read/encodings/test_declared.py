"""What a page declares, found as the HTML standard says, in linear time."""

import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.pipelines.read.encodings.declared import SCANNED_BYTES, declared_in
from tests.pipelines.read.encodings.standard_prescan import Prescan

CASES = {
    b"<meta charset=gbk>": "gbk",
    b"<META CHARSET='GB2312'/>": "gbk",
    b'<meta/charset="big5"/>': "big5",
    b"<meta\ncharset = \t shift_jis >": "shift_jis",
    b'<meta http-equiv="Content-Type" content="text/html; charset=euc-kr">': "euc-kr",
    b'<meta content="text/html; charset=euc-kr" http-equiv=content-type>': "euc-kr",
    b"<meta http-equiv=content-type content='text/html; charset = \"gbk\"'>": "gbk",
    b"<meta http-equiv=content-type content='charset charset=gbk; x'>": "gbk",
    b'<meta http-equiv=content-type content="text/html; charset=\'gbk">': None,
    b'<meta content="text/html; charset=euc-kr">': None,  # no pragma
    b'<meta http-equiv=refresh content="text/html; charset=euc-kr">': None,
    b'<meta name=description content="how to write charset=gbk">': None,
    b'<meta name="description" content="a <meta charset=gbk> tag">': None,
    b'<p title="<meta charset=gbk>">': None,
    b"<p title='x' <meta charset=gbk>": None,
    b"<!-- <meta charset=gbk> -->": None,
    b"<!--><meta charset=gbk>": "gbk",
    b"<!-- a > b --><meta charset=gbk>": "gbk",
    b"<!-- never closed <meta charset=gbk>": None,
    b"<metax charset=gbk>": None,
    b"<meta charset=nonsense><meta charset=gbk>": "gbk",
    b"<meta charset=nonsense http-equiv=content-type content='charset=gbk'><meta charset=big5>": "big5",
    b"<meta charset=gbk charset=big5>": "gbk",
    b"<meta charset=utf-16><meta charset=gbk>": "utf-8",
    b"<meta charset=utf-16be>": "utf-8",
    b"<meta charset=x-user-defined>": "windows-1252",
    b"<meta charset=iso-8859-1>": "windows-1252",
    b"<meta charset=hz-gb-2312>": "replacement",
    b"<meta charset=gbk": None,
    b"<meta charset=>": None,
    b"<meta charset": None,
    b"<meta charset><meta charset=gbk>": "gbk",
    b"<meta data-charset=gbk>": None,
    b"<meta =charset=gbk charset=big5>": "big5",
    b"<script>var a = '<meta charset=gbk>'</script>": "gbk",  # it is a scan, not a parser
    b"<a href=/x?a=1&charset=gbk>": None,
    b"<a/title='>'><meta charset=gbk>": "gbk",
    b"</meta charset=gbk>": None,
    b"<?php <meta charset=gbk> ?>": None,
    b"</ <meta charset=gbk>": None,
    b"< meta charset=gbk>": None,
    b'<?xml version="1.0" encoding="gbk"?>': "gbk",
    b"<?xml version='1.0' encoding = 'utf-16'?><html>": "utf-8",
    b'<?xml version="1.0" encoding="gbk"?><meta charset=big5>': "big5",
    b'<?xml version="1.0" encoding="gbk"?><meta charset=nonsense>': "gbk",
    b' <?xml version="1.0" encoding="gbk"?>': None,
    b'<?xml version="1.0"?><x encoding="gbk">': None,
    b"<?xml encoding=gbk?>": None,
    '<?xml version="1.0"?>'.encode("utf-16-le"): "utf-16le",
    '<?xml version="1.0"?>'.encode("utf-16-be"): "utf-16be",
    b"": None,
    b"charset=gbk": None,
}


@pytest.mark.parametrize("page", CASES)
def test_declared__as_the_standard_says(page):
    assert declared_in(page) == CASES[page]
    assert Prescan(page).encoding() == CASES[page]


PIECES = (
    "<meta", "<META ", "<p", "</p", "<!--", "-->", "<!", "<?", "<?xml ", ">", "/", " ", "\n", "=", "'", '"', ";", "<",
    "charset", "charset=", "charset=gbk", "content=", "content='text/html; charset=big5'", "http-equiv=content-type",
    "encoding", "encoding='euc-kr'", "gbk", "nonsense", "utf-16", "x", "é", "-",
)  # fmt: skip


@settings(max_examples=3000, deadline=None)
@given(st.lists(st.sampled_from(PIECES), max_size=14).map("".join))
def test_declared__whatever_stands_there(page):
    assert declared_in(page.encode()) == Prescan(page.encode()).encoding()


def test_declared__within_the_scanned_bytes():
    assert declared_in(b" " * (SCANNED_BYTES - 20) + b"<meta charset=gbk>") == "gbk"
    assert declared_in(b" " * SCANNED_BYTES + b"<meta charset=gbk>") is None


@pytest.mark.parametrize(
    "piece", [b"<a ", b"<!--", b"<meta charset='", b"<a b=c ", b"charset=", b"<x a='", b"<?xml encoding"]
)
def test_declared__linear_in_any_markup(piece):
    for count in (1, 50, 4000):
        declared_in(piece * count)  # 4,096 bytes of it; would take minutes if it were not
