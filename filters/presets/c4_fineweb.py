"""C4, as FineWeb ran it."""

from gristmill.filters.rules import Preset, Rule

_SOURCE = "datatrove examples/fineweb.py"
_ENGLISH = frozenset(["en"])

C4_FINEWEB = Preset(
    "c4@fineweb",
    "Penedo et al. 2024 (arXiv 2406.17557): datatrove's C4 filter without the rule that a line ends in a mark",
    (
        Rule("lorem_ipsum", "c4_lorem_ipsum_lines", "<=", 0, _SOURCE),
        Rule("curly_brackets", "c4_curly_bracket_lines", "<=", 0, _SOURCE),
        Rule("sentences", "c4_sentences", ">=", 5, _SOURCE, _ENGLISH),
    ),
    editor="c4@fineweb",
)
