"""RefinedWeb's rules on lines against DCLM's own steps, written down from baselines/mappers/modifiers.py."""

import re

import pyarrow as pa
import pytest
from hypothesis import given, settings
from hypothesis import strategies as st

from gristmill.filters.edits import apply
from gristmill.filters.refinedweb import COUNTER, edit_refinedweb

PIECES = [
    "The mill grinds grain.", "THE MILL", "12345", "3 likes", "1,234 VIEWS", "word", "two words", "", "  ", "好 字",
    "今天天气", "3 items in cart", "items in cart", "Go on, Read more...", "read more now", "Sign-in to see", "SIGN-IN",
    "A b", "é É", "x\r",
]  # fmt: skip


def dclm(text: str) -> str:
    text = re.sub(r"\n{3,}", "\n\n", text)
    lines = text.split("\n")
    lines = [line for line in lines if not line or sum(map(str.isupper, line)) / len(line) <= 0.5]
    lines = [line for line in lines if not line or sum(map(str.isdigit, line)) / len(line) <= 0.999999]
    lines = [line for line in lines if not COUNTER.search(line.lower())]
    lines = [line for line in lines if len(line.split()) >= 2 or not line]
    for pattern in (r"\s?(?:items in cart)", r"\s?(?:read more...)$", r"^(?:sign-in)\s?"):
        kept = []
        for line in lines:
            if len(line.split()) <= 10:
                changed = re.sub(pattern, "", line, flags=re.I)
                if line and (not changed or changed.isspace()):
                    continue
                line = changed
            kept.append(line)
        lines = kept
    return "\n".join(lines).strip()


def edited(texts: list[str]) -> list[str]:
    column = pa.array(texts, pa.large_string())
    return apply(column, edit_refinedweb(column)[0]).to_pylist()


@settings(deadline=None, max_examples=300)
@given(st.lists(st.lists(st.sampled_from(PIECES), max_size=8).map("\n".join), max_size=4))
def test_edit_refinedweb__leaves_what_dclm_leaves(texts):
    assert edited(texts) == [dclm(text) for text in texts]


@pytest.mark.parametrize(
    ("text", "kind"),
    [
        ("THE MILL\na mill grinds.", "refinedweb_capitals"),
        ("12345\na mill grinds.", "refinedweb_digits"),
        ("1,234 likes\na mill grinds.", "refinedweb_counter"),
        ("Home\na mill grinds.", "refinedweb_short_line"),
        ("a mill grinds. Read more...", "refinedweb_phrase"),
        ("磨坊在河边。\na mill grinds.", "refinedweb_short_line"),
    ],
)
def test_edit_refinedweb__says_why(text, kind):
    edits, signals = edit_refinedweb(pa.array([text], pa.large_string()))
    assert {one["kind"] for one in edits.column()[0].as_py()} == {kind}
    assert 0 < signals["refinedweb_removed_words"][0] < 1


def test_edit_refinedweb__nothing_left_and_nothing_there():
    texts = pa.array(["HOME", "", None, "a mill grinds"], pa.large_string())
    edits, signals = edit_refinedweb(texts)
    assert signals["refinedweb_removed_words"].tolist() == [1, 1, 1, 0]
    assert apply(texts, edits).to_pylist() == ["", "", None, "a mill grinds"]
    assert len(edit_refinedweb(texts.slice(0, 0))[0]) == 0
