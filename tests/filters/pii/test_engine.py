"""The scrubber: edits, overlaps, operators, errors, and that nothing leaks."""

import pickle
import re
import socket
import subprocess
import sys
from pathlib import Path

import pyarrow as pa
import pytest
from hypothesis import given
from hypothesis import strategies as st

from gristmill.filters.edits import apply
from gristmill.filters.pii import registry
from gristmill.filters.pii.engine import Finding, Scrubber
from gristmill.filters.pii.entities import DEFAULT, ENTITIES, only_private, resolve
from gristmill.filters.pii.operators.operators import OPERATORS
from gristmill.filters.pii.operators.policies import OPERATOR_NAMES
from gristmill.filters.pii.presidio import RecognizerResult
from gristmill.filters.pii.recognizers import generic


def test_edits__byte_ranges_kinds_and_tags(scrubber):
    text = pa.array(["邮箱zhang@qq.com，电话13812345678。", "nothing", None, "call +1 650 253 0000"], pa.large_string())
    edits = scrubber.edits(text, ["zh", "en", None, "en"])
    assert edits.column().to_pylist() == [
        [
            {"start": 6, "end": 18, "kind": "EMAIL_ADDRESS", "text": "<EMAIL_ADDRESS>"},
            {"start": 27, "end": 38, "kind": "PHONE_NUMBER", "text": "<PHONE_NUMBER>"},
        ],
        [],
        [],
        [{"start": 5, "end": 20, "kind": "PHONE_NUMBER", "text": "<PHONE_NUMBER>"}],
    ]
    assert apply(text, edits).to_pylist() == [
        "邮箱<EMAIL_ADDRESS>，电话<PHONE_NUMBER>。",
        "nothing",
        None,
        "call <PHONE_NUMBER>",
    ]


def test_edits__mask_keeps_the_length_in_characters():
    text = pa.array(["邮箱ｚ＠ｑｑ．ｃｏｍ，电话13812345678。"], pa.large_string())
    masked = apply(text, Scrubber(operator="mask").edits(text))
    assert masked.to_pylist() == ["邮箱********，电话***********。"]
    assert len(masked[0].as_py()) == len(text[0].as_py())


def test_edits__leave_everything_else_byte_for_byte(scrubber, labelled):
    for sample in labelled(5, 3):
        before, after = sample.text[: sample.data[0][0]] if sample.data else sample.text, ""
        if sample.data:
            after = sample.text[sample.data[0][1] :]
        assert scrubber.scrub(sample.text).startswith(before)
        assert scrubber.scrub(sample.text).endswith(after)


def test_find__characters_and_scores(scrubber):
    assert scrubber.find("é zhang@qq.com 和11010519491231002X") == [
        Finding(2, 14, "EMAIL_ADDRESS", 1.0),
        Finding(16, 34, "CN_RESIDENT_ID", 1.0),
    ]


def test_find__of_overlapping_types_the_longest_then_the_first_in_the_catalogue(scrubber):
    assert [f.entity for f in scrubber.find("电话13812345678@163.com")] == ["EMAIL_ADDRESS"]
    assert [f.entity for f in scrubber.find("账号11010519491231002X 信用卡4111111111111111")] == [
        "CN_RESIDENT_ID",
        "CREDIT_CARD",
    ]
    both = Scrubber(["URL", "EMAIL_ADDRESS"])
    assert [f.entity for f in both.find("https://example.org/?mail=a@example.org")] == ["URL"]


def test_find__only_the_types_asked_for():
    text = "zhang@qq.com 13812345678电话"
    assert [f.entity for f in Scrubber(["PHONE_NUMBER"]).find(text)] == ["PHONE_NUMBER"]
    assert Scrubber([]).find(text) == []


@pytest.mark.parametrize(
    ("entity", "text", "value"),
    [
        ("URL", "看https://example.org/a，", "https://example.org/a，"),
        ("MAC_ADDRESS", "硬件00:1A:2B:3C:4D:5E的", "00:1A:2B:3C:4D:5E"),
        ("US_DRIVER_LICENSE", "licence A1234567", "A1234567"),
        ("UK_NINO", "NI no. AB123456C", "AB123456C"),
        ("ES_NIF", "DNI 12345678Z", "12345678Z"),
    ],
)
def test_find__types_of_presidio_on_request_only(scrubber, entity, text, value):
    assert entity not in DEFAULT
    assert [(f.entity, text[f.start : f.end]) for f in Scrubber([entity]).find(text)] == [(entity, value)]
    assert scrubber.find(text) == []


def test_resolve__order_repetition_default():
    assert resolve(None) == resolve(["patterns"]) == DEFAULT
    assert set(resolve(["web"])) == set(resolve(["strict"])) == {*DEFAULT, "PERSON", "ADDRESS"}
    assert {"URL", "UK_NINO", "PERSON"} < set(resolve(["all"]))
    assert "LOCATION" not in resolve(["all"])
    assert resolve(["web", "URL"]) == (*resolve(["web"]), "URL")


@pytest.mark.parametrize(
    ("names", "private"),
    [(None, False), (["web"], True), (["web", "URL"], True), (["web", "PERSON"], False), (["web", "strict"], False)],
)
def test_only_private__where_nothing_but_web_asks_for_names(names, private):
    assert only_private(names) is private


def test_resolve__order():
    assert resolve(["PHONE_NUMBER", "EMAIL_ADDRESS", "PHONE_NUMBER"]) == ("EMAIL_ADDRESS", "PHONE_NUMBER")


@pytest.mark.parametrize(
    ("name", "message"),
    [
        ("EMAIL_ADRESS", "did you mean 'EMAIL_ADDRESS'?"),
        ("phone", "did you mean 'PHONE_NUMBER'?"),
        ("QQ", "did you mean 'QQ_ID'?"),
        ("???", "valid: "),
        ("LOCATION", "needs a model"),
        ("webb", "did you mean 'web'?"),
    ],
)
def test_scrubber__unknown_types_name_the_nearest(name, message):
    with pytest.raises(ValueError, match=re.escape(message)):
        Scrubber(["EMAIL_ADDRESS", name])


def test_scrubber__unknown_operator_names_those_there_are():
    with pytest.raises(ValueError, match="tag, mask"):
        Scrubber(operator="blank")  # type: ignore[arg-type]
    assert tuple(OPERATORS) == OPERATOR_NAMES


def test_entities__each_of_presidio_finds_what_it_says():
    names = tuple(name for name, entity in ENTITIES.items() if entity.default or entity.recognizer)
    for recognizer in registry.recognizers(names):
        assert recognizer.presidio.supported_entities == [recognizer.entity]
        assert isinstance(recognizer.presidio, registry.EntityRecognizer)
    assert all(entity.description and name == entity.name for name, entity in ENTITIES.items())


@given(st.text(st.characters()))
def test_scrub__never_raises(text):
    """Lone surrogates too."""
    assert isinstance(Scrubber().scrub(text), str)


def test_scrub__text_around_a_lone_surrogate_stays(scrubber):
    assert scrubber.scrub("\ud800 x@y.com \udfff") == "\ud800 <EMAIL_ADDRESS> \udfff"


def test_scrubber__pickles_small_and_works_after(scrubber):
    data = pickle.dumps(scrubber)
    assert len(data) < 900
    assert pickle.loads(data).scrub("a@b.com") == "<EMAIL_ADDRESS>"


def test_scrubber__opens_no_socket(monkeypatch, labelled):
    """presidio's mail recognizer would fetch the public suffix list."""

    def refuse(*args, **options):
        raise AssertionError("a connection")

    for name in ("socket", "create_connection", "getaddrinfo"):
        monkeypatch.setattr(socket, name, refuse)
    generic.suffixes.cache_clear()
    registry.loaded.cache_clear()
    scrubber = Scrubber()
    assert scrubber.scrub("a@b.co.uk") == "<EMAIL_ADDRESS>"
    for sample in labelled(9, 1):
        scrubber.find(sample.text)


def test_scrubber__logs_no_text(caplog, labelled):
    scrubber = Scrubber()
    with caplog.at_level(1):
        registry.loaded.cache_clear()
        for sample in labelled(13, 2):
            scrubber.scrub(sample.text)
    values = [s.text[start:end] for s in labelled(13, 2) for start, end, _ in s.data]
    assert not [value for value in values if value in caplog.text]


def test_long_runs__cost_no_more_than_their_length(scrubber):
    """presidio's own mail pattern takes the square of this; a minute later it gives up, by the clock."""
    run = "a.b-" * 50_000
    assert scrubber.find(run + "@" + run) == []
    assert scrubber.find("1 " * 50_000 + "+" * 1000 + "1." * 50_000) == []
    assert scrubber.find("ABCD12 " * 20_000) == []


@pytest.mark.process
def test_imports__catalogue_is_light_and_presidio_comes_without_torch_and_spacy():
    light = "import sys, gristmill.filters.pii.entities; "
    light += "assert not {'presidio_analyzer', 'numba', 'spacy'} & set(sys.modules)"
    engine = "import sys, gristmill.filters.pii.engine; assert 'presidio_analyzer' not in sys.modules"
    heavy = """
import sys
from gristmill.filters.pii import registry
from gristmill.filters.pii.entities import ENTITIES
assert not {'torch', 'transformers', 'spacy', 'pydantic', 'requests', 'tldextract'} & set(sys.modules)
for name, entity in ENTITIES.items():
    registry.recognizers((name,))
assert not {'torch', 'transformers', 'spacy'} & set(sys.modules)
import torch, spacy, presidio_analyzer
assert spacy.tokens.Doc and presidio_analyzer.AnalyzerEngine.analyze
"""
    for code in (light, engine, heavy):
        subprocess.run([sys.executable, "-c", code], check=True)


def test_recognizer__weak_results_do_not_count():
    class Weak:
        def analyze(self, text, entities, nlp_artifacts):
            scores = (0.4, 0.05, 1.0, 0.3)
            return [RecognizerResult("X", i, i + 1, score) for i, score in enumerate(scores)]

    recognizer = registry.Recognizer("X", None, registry.THRESHOLD, Weak())  # type: ignore[arg-type]
    assert recognizer.run("abcd") == [(0, 1, 0.4), (2, 3, 1.0)]


def test_docs__list_every_type_with_its_description():
    page = (Path(__file__).parents[3] / "docs" / "personal-data.md").read_text(encoding="utf-8")
    for entity in ENTITIES.values():
        assert f"| `{entity.name}` | {entity.description} | {', '.join(entity.languages) or 'any'} |" in page
