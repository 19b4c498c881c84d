"""C4, as its paper describes it."""

from gristmill.filters.rules import Preset, Rule

_SOURCE = "Raffel et al. 2020, 2.2"
_ENGLISH = frozenset(["en"])

C4_PAPER = Preset(
    "c4@paper",
    "Raffel et al. 2020, JMLR 21, section 2.2: three words a line and five "
    "sentences a page, where the code that made C4 has five and three; without its list of bad words, its "
    "three-sentence deduplication and langdetect",
    (
        Rule("lorem_ipsum", "c4_lorem_ipsum_lines", "<=", 0, _SOURCE),
        Rule("curly_brackets", "c4_curly_bracket_lines", "<=", 0, _SOURCE),
        Rule("sentences", "c4_sentences", ">=", 5, _SOURCE, _ENGLISH),
    ),
    editor="c4@paper",
)
