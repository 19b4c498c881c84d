"""Gopher, as Dolma computes it and as its published corpora were filtered."""

from gristmill.filters.rules import Preset, Rule

_DOLMA = "dolma configs/dolma-v1_6/mixing/cc-head.yaml"
_ENGLISH = frozenset(["en"])

GOPHER_DOLMA = Preset(
    "gopher@dolma",
    "Rae et al. 2021 (arXiv 2112.11446), as Dolma 1.2.1 (669f534) computes it (tagger gopher_v1), with the bounds of "
    "Dolma 1.6; its bounds on top n-grams (0.2, 0.18, 0.16) name attributes that its tagger does not write, so they "
    "never dropped a page: those are measured here, and judge nothing",
    (
        Rule("words_min", "words", ">=", 50, _DOLMA),
        Rule("words_max", "words", "<=", 100_000, _DOLMA),
        Rule("median_word_length_min", "median_word_length", ">=", 3, _DOLMA),
        Rule("median_word_length_max", "median_word_length", "<=", 10, _DOLMA),
        Rule("symbol_words", "symbol_word_fraction", "<=", 0.1, _DOLMA),
        Rule("alphabetic_words", "alphabetic_word_fraction", ">=", 0.8, _DOLMA),
        Rule("stop_words", "stop_word_occurrences", ">=", 2, _DOLMA, _ENGLISH),
        Rule("bullet_lines", "dolma_bullet_line_fraction", "<=", 0.9, _DOLMA),
        Rule("ellipsis_lines", "dolma_ellipsis_line_fraction", "<=", 0.3, _DOLMA),
        Rule("duplicate_lines", "dolma_duplicate_line_fraction", "<=", 0.3, _DOLMA),
        Rule("duplicate_line_chars", "dolma_duplicate_line_char_ratio", "<=", 0.3, f"{_DOLMA}; the paper has 0.2"),
        Rule("duplicate_5grams", "dolma_duplicate_5gram_char_fraction", "<=", 0.15, _DOLMA),
        Rule("duplicate_6grams", "dolma_duplicate_6gram_char_fraction", "<=", 0.14, _DOLMA),
        Rule("duplicate_7grams", "dolma_duplicate_7gram_char_fraction", "<=", 0.13, _DOLMA),
        Rule("duplicate_8grams", "dolma_duplicate_8gram_char_fraction", "<=", 0.12, _DOLMA),
        Rule("duplicate_9grams", "dolma_duplicate_9gram_char_fraction", "<=", 0.11, _DOLMA),
        Rule("duplicate_10grams", "dolma_duplicate_10gram_char_fraction", "<=", 0.10, _DOLMA),
    ),
    measures=("dolma_top_2gram_char_ratio", "dolma_top_3gram_char_ratio", "dolma_top_4gram_char_ratio"),
)
