"""The automaton finds what a naive search finds."""

from hypothesis import example, given, settings
from hypothesis import strategies as st

from gristmill.filters.kernels.phrases import MEASURED, NAVIGATION, OFFER, SPAM, automaton

PHRASES = st.dictionaries(
    st.text("中文字x:", min_size=1, max_size=5),
    st.sampled_from([NAVIGATION, OFFER, SPAM, OFFER | SPAM]),
    min_size=1,
    max_size=12,
)


@settings(deadline=None, max_examples=200)
@given(PHRASES, st.text("中文字x:？", max_size=30))
@example({"中文字x": SPAM, "文字": OFFER, "字": NAVIGATION}, "中文字x中文字")
def test_automaton__ends_where_phrases_end(phrases, text):
    next_SY, kind_S, length_S3, symbols = automaton(phrases)
    state = 0
    for position, char in enumerate(text, 1):
        state = next_SY[state, symbols.get(char, 0)]
        ending = [phrase for phrase in phrases if text[:position].endswith(phrase)]
        bits = 0
        for phrase in ending:
            bits |= phrases[phrase]
        assert kind_S[state] == bits
        assert length_S3[state].tolist() == [
            max((sum(map(str.isalnum, phrase)) for phrase in ending if phrases[phrase] & kind), default=0)
            for kind in MEASURED
        ]
