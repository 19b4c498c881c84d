"""Our tagger in an engine of presidio's own."""

from presidio_analyzer import RecognizerRegistry

from gristmill.filters.pii.presidio import EntityRecognizer
from gristmill.filters.pii.recognizers.names import NamesRecognizer

TEXT = "é\ud800 Name: Laura Whitfield\n地址：浙江省杭州市西湖区文三路90号2号楼301室"


def test_analyze__as_presidio_asks():
    recognizer = NamesRecognizer()
    found = recognizer.analyze(TEXT, [], None)
    assert [(r.entity_type, TEXT[r.start : r.end]) for r in found] == [
        ("PERSON", "Laura Whitfield"),
        ("ADDRESS", "浙江省杭州市西湖区文三路90号2号楼301室"),
    ]
    assert [r.entity_type for r in recognizer.analyze(TEXT, ["ADDRESS"])] == ["ADDRESS"]
    assert NamesRecognizer(only_private=True).analyze("Angela Merkel met Barack Obama.", []) == []


def test_registry__takes_it():
    registry = RecognizerRegistry(recognizers=[NamesRecognizer()])
    assert isinstance(registry.recognizers[0], EntityRecognizer)
    assert registry.recognizers[0].supported_entities == ["PERSON", "ADDRESS"]
