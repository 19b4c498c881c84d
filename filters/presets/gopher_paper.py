"""Gopher, with the numbers of the paper."""

from gristmill.filters.rules import Preset, Rule

_QUALITY = "Rae et al. 2021, A.1.1, quality"
_REPETITION = "Rae et al. 2021, A.1.1 and table A1, repetition"
_ENGLISH = frozenset(["en"])

GOPHER_PAPER = Preset(
    "gopher@paper",
    "Rae et al. 2021, Scaling Language Models (arXiv 2112.11446), appendix A.1.1",
    (
        Rule("words_min", "plain_words", ">=", 50, _QUALITY),
        Rule("words_max", "plain_words", "<=", 100_000, _QUALITY),
        Rule("mean_word_length_min", "mean_word_length", ">=", 3, _QUALITY),
        Rule("mean_word_length_max", "mean_word_length", "<=", 10, _QUALITY),
        Rule("hashes", "hash_word_ratio", "<=", 0.1, _QUALITY),
        Rule("ellipses", "ellipsis_word_ratio", "<=", 0.1, _QUALITY),
        Rule("bullet_lines", "bullet_line_fraction", "<=", 0.9, _QUALITY),
        Rule("ellipsis_lines", "ellipsis_line_fraction", "<=", 0.3, _QUALITY),
        Rule("alphabetic_words", "alphabetic_word_fraction", ">=", 0.8, _QUALITY),
        Rule("stop_words", "stop_words", ">=", 2, _QUALITY, _ENGLISH),
        Rule("duplicate_lines", "duplicate_line_fraction", "<=", 0.30, _REPETITION),
        Rule("duplicate_paragraphs", "duplicate_paragraph_fraction", "<=", 0.30, _REPETITION),
        Rule("duplicate_line_chars", "duplicate_line_char_fraction", "<=", 0.20, _REPETITION),
        Rule("duplicate_paragraph_chars", "duplicate_paragraph_char_fraction", "<=", 0.20, _REPETITION),
        Rule("top_2grams", "top_2gram_char_fraction", "<=", 0.20, _REPETITION),
        Rule("top_3grams", "top_3gram_char_fraction", "<=", 0.18, _REPETITION),
        Rule("top_4grams", "top_4gram_char_fraction", "<=", 0.16, _REPETITION),
        Rule("duplicate_5grams", "duplicate_5gram_char_fraction", "<=", 0.15, _REPETITION),
        Rule("duplicate_6grams", "duplicate_6gram_char_fraction", "<=", 0.14, _REPETITION),
        Rule("duplicate_7grams", "duplicate_7gram_char_fraction", "<=", 0.13, _REPETITION),
        Rule("duplicate_8grams", "duplicate_8gram_char_fraction", "<=", 0.12, _REPETITION),
        Rule("duplicate_9grams", "duplicate_9gram_char_fraction", "<=", 0.11, _REPETITION),
        Rule("duplicate_10grams", "duplicate_10gram_char_fraction", "<=", 0.10, _REPETITION),
    ),
)
