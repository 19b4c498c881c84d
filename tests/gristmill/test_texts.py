"""In a notebook: the numbers that a run would give, of lists of strings and of Arrow columns alike."""

import subprocess
import sys

import datasketch
import numpy as np
import pyarrow as pa
import pytest

import gristmill

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


def test_import__loads_nothing() -> None:
    heavy = {"pyarrow", "numpy", "apache_beam", "torch"}
    code = f"import sys, gristmill; dir(gristmill); sys.exit(bool({heavy} & set(sys.modules)))"
    assert subprocess.run([sys.executable, "-c", code]).returncode == 0
    with pytest.raises(AttributeError, match="gristmill has no 'scores'"):
        _ = gristmill.scores
