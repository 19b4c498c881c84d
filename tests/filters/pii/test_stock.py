"""presidio's own recognizers are the contract where they are right; where they err beside Chinese, ours are."""

import pytest
import tldextract

from gristmill.filters.pii.presidio import predefined_recognizers
from gristmill.filters.pii.recognizers import bounded, generic
from gristmill.filters.pii.registry import THRESHOLD

STOCK = {
    "EMAIL_ADDRESS": predefined_recognizers.EmailRecognizer,
    "CREDIT_CARD": predefined_recognizers.CreditCardRecognizer,
    "IBAN_CODE": predefined_recognizers.IbanRecognizer,
    "CRYPTO": predefined_recognizers.CryptoRecognizer,
    "US_SSN": predefined_recognizers.UsSsnRecognizer,
    "IP_ADDRESS": predefined_recognizers.IpRecognizer,
    "PHONE_NUMBER": predefined_recognizers.PhoneRecognizer,
}


@pytest.fixture(autouse=True)
def offline(monkeypatch):
    """Stock presidio would fetch the public suffix list."""
    monkeypatch.setattr(tldextract, "extract", generic.suffixes())


@pytest.mark.parametrize("entity", STOCK)
def test_stock_presidio__what_it_finds_rightly_is_found(entity, scrubber, labelled):
    stock, right = STOCK[entity](), 0
    for sample in labelled(21, 12):
        theirs = stock.analyze(sample.text, [entity], None)
        theirs = {(r.start, r.end, entity) for r in theirs if r.score >= THRESHOLD} & set(sample.data)
        assert theirs <= {(f.start, f.end, f.entity) for f in scrubber.find(sample.text)}
        right += len(theirs)
    assert right >= 10


@pytest.mark.parametrize(
    "text",
    [
        "see www.example.org/a?b=1, example.com.cn and -x.org; 看https://例.com/a，或 a.b.net。",
        "\"https://x.org/a\" 'y.co.uk' http://a.b http://http://x.com a..com .net x.comabc.de.",
        "mailto:li@mail.example.org, v1.2.io/3, EXAMPLE.COM/PATH (sub.example.travel) x_y.org",
    ],
)
def test_url__as_stock_presidio_finds_it(text):
    stock, ours = predefined_recognizers.UrlRecognizer(), bounded.UrlRecognizer()
    for start in range(len(text)):
        found = [{(r.start, r.end, r.score) for r in one.analyze(text[start:], ["URL"], None)} for one in (stock, ours)]
        assert found[0] == found[1]


@pytest.mark.parametrize(
    ("entity", "text", "ours"),
    [
        ("EMAIL_ADDRESS", "邮箱zhang@qq.com，", "zhang@qq.com"),
        ("CREDIT_CARD", "卡号4111111111111111的", "4111111111111111"),
        ("US_SSN", "号码536-22-8726的", "536-22-8726"),
        ("IP_ADDRESS", "服务器82.50.72.202上", "82.50.72.202"),
        ("EMAIL_ADDRESS", "https://a.net/b/icon@2x.png", None),
        ("PHONE_NUMBER", "seq 1999298316", None),
        ("IP_ADDRESS", "version 5.4.3.2", None),
    ],
)
def test_stock_presidio__where_ours_differ(entity, text, ours, scrubber):
    """Fails when presidio changes its mind: then the difference can go."""
    theirs = [text[r.start : r.end] for r in STOCK[entity]().analyze(text, [entity], None) if r.score >= THRESHOLD]
    found = [text[f.start : f.end] for f in scrubber.find(text)]
    assert found == ([ours] if ours else [])
    assert theirs != found


def test_in_pan__within_its_ten_characters():
    """Stock presidio takes every word of ten characters that a year follows somewhere: `everything ... 2024`."""
    ours = bounded.InPanRecognizer()
    text = "everything before ABCPE1234F and 2024"
    assert {text[r.start : r.end] for r in ours.analyze(text, ["IN_PAN"], None)} == {"ABCPE1234F"}
    stock = predefined_recognizers.InPanRecognizer()
    assert "everything" in {text[r.start : r.end] for r in stock.analyze(text, ["IN_PAN"], None)}
