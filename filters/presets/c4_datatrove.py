"""C4, as datatrove computes it."""

from gristmill.filters.rules import Preset, Rule

_SOURCE = "datatrove c4_filters.py, C4QualityFilter"
_ENGLISH = frozenset(["en"])

C4_DATATROVE = Preset(
    "c4@datatrove",
    "Raffel et al. 2020, as datatrove 0.10 (a649de7) computes it: the paper's numbers, lines of words over 1,000 "
    "characters dropped, `'` ends a line and `...` does not, words counted before citations go",
    (
        Rule("lorem_ipsum", "c4_lorem_ipsum_lines", "<=", 0, _SOURCE),
        Rule("curly_brackets", "c4_curly_bracket_lines", "<=", 0, _SOURCE),
        Rule("sentences", "c4_sentences", ">=", 5, _SOURCE, _ENGLISH),
    ),
    editor="c4@datatrove",
)
