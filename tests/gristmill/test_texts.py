"""In a notebook: the numbers that a run would give, of lists of strings and of Arrow columns alike."""

import subprocess
import sys

import datasketch
import numpy as np
import pyarrow as pa
import pytest

import gristmill
from gristmill.filters.presets import PRESETS
from gristmill.filters.registry import SESSION
from gristmill.filters.signals import SIGNALS

TEXTS = ["The mill grinds grain by the river.", "这是村里最老的磨坊，请写信到zhang@qq.com。", ""]


@pytest.mark.parametrize("texts", [TEXTS, pa.array(TEXTS), pa.chunked_array([TEXTS[:1], TEXTS[1:]])])
def test_texts__strings_and_arrow_columns_are_the_same(texts) -> None:
    assert gristmill.score(texts, ["plain_words"])["plain_words"].to_pylist() == [7, 1, 0]
    assert gristmill.scrub(texts).to_pylist() == [TEXTS[0], "这是村里最老的磨坊，请写信到<EMAIL_ADDRESS>。", ""]
    assert gristmill.identify(texts)["lang"].to_pylist() == ["en", "zh", "und"]


def test_score__everything_that_text_alone_gives() -> None:
    found = gristmill.score(TEXTS)
    assert found.num_rows == 3
    assert found.num_columns > 30
    with pytest.raises(ValueError, match="no signal 'plain_word'; did you mean 'plain_words'"):
        gristmill.score(TEXTS, ["plain_word"])


def test_judge__as_a_recipe_would() -> None:
    rule = gristmill.Rule("long", "plain_words", ">=", 3, "mine")
    assert gristmill.judge(TEXTS, rules=[rule])["verdict"].to_pylist() == ["kept", "dropped", "dropped"]
    changed = gristmill.judge(TEXTS, rules=[rule], change={"own@notebook/long": 1})
    assert changed["verdict"].to_pylist() == ["kept", "kept", "dropped"]
    assert gristmill.judge(TEXTS, "gopher@paper")["rules"][0].as_py() == [
        "gopher@paper/words_min",
        "gopher@paper/stop_words",
    ]
    with pytest.raises(ValueError, match="did you mean 'gopher@paper'"):
        gristmill.judge(TEXTS, "gopher@papers")


@pytest.mark.parametrize("text", TEXTS[:2])
def test_fingerprint__is_datasketch_s(text) -> None:
    theirs = datasketch.MinHash(num_perm=112, seed=1, scheme="affine32", hashfunc=gristmill.shingle_hash)
    theirs.update_batch(gristmill.shingles(text))
    assert np.array_equal(gristmill.fingerprint([text])[0], theirs.hashvalues)


def test_one_string__is_not_a_list_of_characters() -> None:
    with pytest.raises(TypeError, match=r"write \[text\]"):
        gristmill.score("one text")


def test_declared__again_when_a_cell_is_run_again() -> None:
    for factor in (1, 2):

        @gristmill.signal(unit="share", scripts="any")
        def shouting(counts, factor=factor):
            """Share of exclamation marks."""
            return np.array([factor * text.count("!") for text in counts.texts])

        gristmill.preset(
            gristmill.Preset("quiet@cell", "mine", (gristmill.Rule("quiet", "shouting", "<=", 1, "mine"),))
        )
        assert gristmill.score(["Hi!"], "shouting")["shouting"].to_pylist() == [factor]
        assert gristmill.judge(["Hi!"], "quiet@cell")["verdict"].to_pylist() == ["kept" if factor == 1 else "dropped"]
    with pytest.raises(ValueError, match="'plain_words' is Gristmill's own already"):
        gristmill.signal(unit="words", scripts="any")(_taken)
    SIGNALS.withdraw(SESSION)
    PRESETS.withdraw(SESSION)


def _taken(counts):
    """Words."""
    return np.zeros(len(counts.texts))


_taken.__name__ = "plain_words"


@pytest.mark.parametrize(
    ("texts", "error", "words"),
    [
        (None, TypeError, "a list of texts is expected, and this is NoneType"),
        (["a", 1], TypeError, "item 1 is int"),
        (["a", b"b"], TypeError, "item 1 is bytes"),
        ([["a"]], TypeError, "item 0 is list"),
        (pa.array([1, 2]), TypeError, "a column of strings is expected, and this one holds int64"),
        (pa.array([b"a"]), TypeError, "holds binary"),
        (pa.array([1]).dictionary_encode(), TypeError, "holds int64"),
        (pa.table({"text": ["a"]}), TypeError, r"write table\['text'\]"),
        (["half \udc80"], ValueError, "half a character"),
    ],
)
def test_texts__what_they_are_not(texts, error, words) -> None:
    for ask in (gristmill.score, gristmill.identify, gristmill.scrub, gristmill.fingerprint):
        with pytest.raises(error, match=words):
            ask(texts)


@pytest.mark.parametrize(
    "texts",
    [
        [],
        pa.array([], pa.string()),
        pa.chunked_array([], pa.string()),
        (text for text in ()),
        pa.array([], pa.null()),
    ],
)
def test_texts__none_of_them(texts) -> None:
    assert gristmill.scrub(texts).to_pylist() == []


@pytest.mark.parametrize(
    ("ask", "words"),
    [
        (lambda: gristmill.judge(TEXTS), "nothing to judge by"),
        (
            lambda: gristmill.judge(TEXTS, rules=[gristmill.Rule("long", "plain_word", ">=", 3, "")]),
            "no signal 'plain_w",
        ),
        (lambda: gristmill.Rule("long", "plain_words", ">", 3, ""), "compares by '>'"),
        (
            lambda: gristmill.judge(TEXTS, "gopher@paper", change={"gopher@paper/words_min": "3"}),
            "is '3'; it is a numb",
        ),
        (lambda: gristmill.fingerprint(TEXTS, bands=0), "bands is 0; it is at least 1"),
        (lambda: gristmill.fingerprint(TEXTS, shingle=0), "shingle is 0"),
        (
            lambda: gristmill.scrub(TEXTS, entities="EMAIL"),
            "unknown type of personal data 'EMAIL'; did you mean 'EMAIL_",
        ),
    ],
)
def test_asked__what_cannot_be_answered(ask, words) -> None:
    with pytest.raises(ValueError, match=words):
        ask()


def test_import__loads_nothing() -> None:
    heavy = {"pyarrow", "numpy", "apache_beam", "torch"}
    code = f"import sys, gristmill; dir(gristmill); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="gristmill has no 'scores'"):
        _ = gristmill.scores
