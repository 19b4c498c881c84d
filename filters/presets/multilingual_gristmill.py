"""Any language, stricter: for quality where a language has no preset of its own. Our own numbers."""

from gristmill.filters.rules import Preset, Rule

_GOPHER = "Rae et al. 2021, A.1.1"
_OURS = "ours, set on half of 2,605 pages in 15 languages"

MULTILINGUAL_GRISTMILL = Preset(
    "multilingual@gristmill",
    "ours: stricter than any@gristmill, which lets menus and mixed symbols pass; one threshold for all languages and "
    "scripts; docs/conformance.md has what pages and junk pass it, held out",
    (
        Rule("words_min", "running_words", ">=", 30, "any@gristmill's"),
        Rule("words_max", "running_words", "<=", 200_000, "any@gristmill's"),
        Rule(
            "words_per_line", "running_words_per_line", ">=", 2.5, f"{_OURS}: at most 4.1 % of a language below, menus"
        ),
        Rule("letters", "letter_fraction", ">=", 0.7, f"{_OURS}: at most 3.4 % below, tables and code"),
        Rule("digits", "digit_fraction", "<=", 0.15, f"{_OURS}: at most 1.3 % above"),
        Rule("bullet_lines", "bullet_line_fraction", "<=", 0.9, f"{_GOPHER}, quality"),
        Rule("ellipsis_lines", "ellipsis_line_fraction", "<=", 0.3, f"{_GOPHER}, quality"),
        Rule("duplicate_lines", "duplicate_line_fraction", "<=", 0.5, f"{_OURS}: at most 6.4 % above"),
        Rule("duplicate_line_chars", "duplicate_line_char_fraction", "<=", 0.3, f"{_OURS}: at most 3.3 % above"),
        Rule("top_2grams", "character_top_2gram_fraction", "<=", 0.3, "any@gristmill's"),
        Rule("duplicate_10grams", "character_duplicate_10gram_fraction", "<=", 0.5, f"{_OURS}: at most 2.6 % above"),
    ),
)
