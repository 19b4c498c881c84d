"""FineWeb, as datatrove computes it."""

from gristmill.filters.rules import Preset, Rule

_FINEWEB = "Penedo et al. 2024; datatrove fineweb_quality_filter.py"

FINEWEB_DATATROVE = Preset(
    "fineweb@datatrove",
    "Penedo et al. 2024, The FineWeb Datasets (arXiv 2406.17557), as datatrove 0.10 (a649de7) computes it",
    (
        Rule("punctuated_lines", "lines_ending_in_punctuation", ">=", 0.12, _FINEWEB),
        Rule("short_lines", "short_line_fraction", "<=", 0.67, _FINEWEB),
        Rule("repeated_line_chars", "repeated_line_char_fraction", "<=", 0.01, _FINEWEB),
        Rule("newlines", "newline_word_ratio", "<=", 0.3, _FINEWEB),
    ),
)
