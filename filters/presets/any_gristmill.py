"""Any language: rules on signals that mean the same in every script. Our own numbers."""

from gristmill.filters.rules import Preset, Rule

_GOPHER = "Rae et al. 2021, A.1.1"
_OURS = "ours, measured on 40,575 pages in 8 languages"

ANY_GRISTMILL = Preset(
    "any@gristmill",
    "ours: what of Gopher and FineWeb-2 needs no list of words and no spaces between them, one threshold for all; "
    "measured on 40,575 pages of documentation and articles, of which 96.1 % pass (zh 99.0 %, ja 97.3 %, de 96.9 %, "
    "fr 95.1 %, en 95.0 %, ru 93.7 %, es 92.8 %, ko 90.8 %); what fails is mostly tables and very short pages",
    (
        Rule("words_min", "running_words", ">=", 30, f"{_OURS}: 0.6 % below"),
        Rule("words_max", "running_words", "<=", 200_000, "Gopher's 100,000 words, two characters of Chinese for one"),
        Rule("letters", "letter_fraction", ">=", 0.5, f"{_OURS}: 0.14 % below, tables of symbols"),
        Rule("digits", "digit_fraction", "<=", 0.3, f"MAP-NEO; {_OURS}: 0.07 % above"),
        Rule("bullet_lines", "bullet_line_fraction", "<=", 0.9, f"{_GOPHER}, quality"),
        Rule("ellipsis_lines", "ellipsis_line_fraction", "<=", 0.3, f"{_GOPHER}, quality"),
        Rule("duplicate_lines", "duplicate_line_fraction", "<=", 0.6, f"{_OURS}: 1.3 % above"),
        Rule("duplicate_line_chars", "duplicate_line_char_fraction", "<=", 0.4, f"{_OURS}: 1.4 % above"),
        Rule("top_2grams", "character_top_2gram_fraction", "<=", 0.3, f"{_OURS}: 0.3 % above"),
        Rule("top_3grams", "character_top_3gram_fraction", "<=", 0.3, f"{_OURS}: 0.4 % above"),
        Rule("top_4grams", "character_top_4gram_fraction", "<=", 0.3, f"{_OURS}: 0.5 % above"),
        Rule("duplicate_5grams", "character_duplicate_5gram_fraction", "<=", 0.75, f"{_OURS}: 0.9 % above"),
        Rule("duplicate_6grams", "character_duplicate_6gram_fraction", "<=", 0.72, f"{_OURS}: 1.0 % above"),
        Rule("duplicate_7grams", "character_duplicate_7gram_fraction", "<=", 0.69, f"{_OURS}: 1.1 % above"),
        Rule("duplicate_8grams", "character_duplicate_8gram_fraction", "<=", 0.66, f"{_OURS}: 1.1 % above"),
        Rule("duplicate_9grams", "character_duplicate_9gram_fraction", "<=", 0.63, f"{_OURS}: 1.2 % above"),
        Rule("duplicate_10grams", "character_duplicate_10gram_fraction", "<=", 0.60, f"{_OURS}: 1.2 % above"),
    ),
)
