"""Gopher, as datatrove computes it."""

from gristmill.filters.rules import Preset, Rule

_QUALITY = "datatrove gopher_quality_filter.py"
_REPETITION = "datatrove gopher_repetition_filter.py"
_ENGLISH = frozenset(["en"])

GOPHER_DATATROVE = Preset(
    "gopher@datatrove",
    "Rae et al. 2021 (arXiv 2112.11446), as datatrove 0.10 (a649de7) computes it with its defaults",
    (
        Rule("words_min", "datatrove_words", ">=", 50, _QUALITY),
        Rule("words_max", "datatrove_words", "<=", 100_000, _QUALITY),
        Rule("mean_word_length_min", "datatrove_mean_word_length", ">=", 3, _QUALITY),
        Rule("mean_word_length_max", "datatrove_mean_word_length", "<=", 10, _QUALITY),
        Rule("hashes", "datatrove_hash_word_ratio", "<=", 0.1, _QUALITY),
        Rule("ellipses", "datatrove_ellipsis_word_ratio", "<=", 0.1, _QUALITY),
        Rule("bullet_lines", "datatrove_bullet_line_fraction", "<=", 0.9, _QUALITY),
        Rule("ellipsis_lines", "datatrove_ellipsis_line_fraction", "<=", 0.3, _QUALITY),
        Rule("alphabetic_words", "datatrove_alphabetic_word_fraction", ">=", 0.8, _QUALITY),
        Rule("stop_words", "datatrove_stop_words", ">=", 2, _QUALITY, _ENGLISH),
        Rule("duplicate_lines", "datatrove_duplicate_line_fraction", "<=", 0.30, _REPETITION),
        Rule("duplicate_paragraphs", "datatrove_duplicate_paragraph_fraction", "<=", 0.30, _REPETITION),
        Rule("duplicate_line_chars", "datatrove_duplicate_line_char_fraction", "<=", 0.20, _REPETITION),
        Rule("duplicate_paragraph_chars", "datatrove_duplicate_paragraph_char_fraction", "<=", 0.20, _REPETITION),
        Rule("top_2grams", "datatrove_top_2gram_char_fraction", "<=", 0.20, _REPETITION),
        Rule("top_3grams", "datatrove_top_3gram_char_fraction", "<=", 0.18, _REPETITION),
        Rule("top_4grams", "datatrove_top_4gram_char_fraction", "<=", 0.16, _REPETITION),
        Rule("duplicate_5grams", "datatrove_duplicate_5gram_char_fraction", "<=", 0.15, _REPETITION),
        Rule("duplicate_6grams", "datatrove_duplicate_6gram_char_fraction", "<=", 0.14, _REPETITION),
        Rule("duplicate_7grams", "datatrove_duplicate_7gram_char_fraction", "<=", 0.13, _REPETITION),
        Rule("duplicate_8grams", "datatrove_duplicate_8gram_char_fraction", "<=", 0.12, _REPETITION),
        Rule("duplicate_9grams", "datatrove_duplicate_9gram_char_fraction", "<=", 0.11, _REPETITION),
        Rule("duplicate_10grams", "datatrove_duplicate_10gram_char_fraction", "<=", 0.10, _REPETITION),
    ),
)
