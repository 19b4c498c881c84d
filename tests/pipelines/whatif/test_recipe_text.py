"""A recipe with some values changed, and every other character as its author wrote it."""

import pytest
import yaml

from gristmill.pipelines.whatif.recipe_text import edited

TEXT = """\
# 我的语料 my corpus
gristmill: 1
decide:
  - when: {language: en}   # English
    presets: [gopher@paper]  # the usual
    change: {gopher@paper/words_min: 50}   # too strict?
  # Chinese follows
  - when: {language: zh}
    presets:
      - chinese@gristmill  # ours
    rules:
      - {signal: edu, at_least: 0.5}
      - signal: characters
        at_most: 9000  # 长
  - presets: any@gristmill

# the end
otherwise: keep # for now"""
PLACES = {
    "a value in a flow": ((("decide", 0, "change", "gopher@paper/words_min"), 30), "words_min: 30}   # too strict?"),
    "a key in a flow": ((("decide", 0, "change", "gopher@paper/a_b"), None), "words_min: 50, gopher@paper/a_b: null}"),
    "a list in a flow grows": ((("decide", 0, "presets"), ["gopher@paper", "c4@tfds"]), "[gopher@paper, c4@tfds]  #"),
    "a list of lines grows": (
        (("decide", 1, "presets"), ["chinese@gristmill", "mapneo@zh"]),
        "chinese@gristmill  # ours\n      - mapneo@zh\n    rules:",
    ),
    "a list of lines shrinks": ((("decide", 1, "presets"), []), "presets:\n      []"),
    "a text becomes a list": (
        (("decide", 2, "presets"), ["any@gristmill", "c4@tfds"]),
        "- presets: [any@gristmill, c4",
    ),
    "a mapping that was not there": (
        (("decide", 1, "change", "chinese@gristmill/spam"), 2),
        "at_most: 9000  # 长\n    change: {chinese@gristmill/spam: 2}\n",
    ),
    "a number in a flow": ((("decide", 1, "rules", 0, "at_least"), 0.25), "{signal: edu, at_least: 0.25}"),
    "a number in a block": ((("decide", 1, "rules", 1, "at_most"), 50), "at_most: 50  # 长"),
    "the last value": ((("otherwise",), "drop"), "otherwise: drop # for now"),
    "a new key at the end": ((("language", "threshold"), 0.65), "# for now\nlanguage: {threshold: 0.65}"),
}


@pytest.mark.parametrize("place", PLACES)
def test_edited__nothing_else_changes(place):
    edit, expected = PLACES[place]
    new = edited(TEXT, [edit])
    assert new is not None
    assert expected in new
    (path, value), data = edit, yaml.safe_load(new)
    for key in path:
        data = data[key]
    assert data == value
    assert {line for line in TEXT.splitlines() if "#" in line and line.startswith("#")} <= set(new.splitlines())
    assert sum(line not in TEXT.splitlines() for line in new.splitlines()) <= 2


def test_edited__several_at_once():
    edits = [edit for edit, _ in PLACES.values() if edit[0] != ("decide", 1, "presets")]
    new = edited(TEXT, edits)
    assert new is not None
    assert new.count("#") == TEXT.count("#")


def test_edited__a_crlf_file_and_an_empty_flow():
    assert edited("a: {}\r\nb: 1\r\n", [(("a", "k"), 2), (("b",), 3)]) == "a: {k: 2}\r\nb: 3\r\n"
