"""English: rules of Gopher and FineWeb with bounds of our own, measured on English pages."""

from gristmill.filters.rules import Preset, Rule

_OURS = "ours, measured on 19,596 pages"
_GOPHER = "Rae et al. 2021, A.1.1"
_REPEATED = f"{_OURS}: 1.4 % above"
_ENGLISH = frozenset(["en"])

ENGLISH_GRISTMILL = Preset(
    "english@gristmill",
    "ours: Gopher's and FineWeb's rules with bounds that documentation and articles pass; measured on 19,596 such "
    "pages, of which 93.7 % pass (any@gristmill 95.0 %, gopher@paper 59.6 %), and on 2,192 naive dumps of HTML, of "
    "which 53 % pass (any@gristmill 73 %, gopher@paper 31 %); what fails is mostly tables, lists and very short pages",
    (
        Rule("words_min", "plain_words", ">=", 30, f"{_OURS}: 0.6 % below", _ENGLISH),
        Rule("words_max", "plain_words", "<=", 100_000, f"{_GOPHER}, quality", _ENGLISH),
        Rule("mean_word_length_min", "mean_word_length", ">=", 3, f"{_GOPHER}, quality", _ENGLISH),
        Rule("mean_word_length_max", "mean_word_length", "<=", 15, f"{_OURS}: 1 % above, addresses and code", _ENGLISH),
        Rule("hashes", "hash_word_ratio", "<=", 0.1, f"{_GOPHER}, quality", _ENGLISH),
        Rule("ellipses", "ellipsis_word_ratio", "<=", 0.1, f"{_GOPHER}, quality", _ENGLISH),
        Rule("bullet_lines", "bullet_line_fraction", "<=", 0.9, f"{_GOPHER}, quality", _ENGLISH),
        Rule("ellipsis_lines", "ellipsis_line_fraction", "<=", 0.3, f"{_GOPHER}, quality", _ENGLISH),
        Rule("alphabetic_words", "alphabetic_word_fraction", ">=", 0.5, f"{_OURS}: 1.5 % below, tables", _ENGLISH),
        Rule("stop_words", "stop_words", ">=", 1, f"{_OURS}: 1.3 % have none", _ENGLISH),
        Rule("newlines", "newline_word_ratio", "<=", 0.5, f"{_OURS}: 0.6 % above, lists", _ENGLISH),
        Rule("duplicate_lines", "duplicate_line_fraction", "<=", 0.6, f"{_OURS}: 1.8 % above", _ENGLISH),
        Rule("duplicate_line_chars", "duplicate_line_char_fraction", "<=", 0.5, f"{_OURS}: 1.6 % above", _ENGLISH),
        Rule("top_2grams", "top_2gram_char_fraction", "<=", 0.25, f"{_OURS}: 0.2 % above", _ENGLISH),
        Rule("top_3grams", "top_3gram_char_fraction", "<=", 0.28, f"{_OURS}: 0.4 % above", _ENGLISH),
        Rule("top_4grams", "top_4gram_char_fraction", "<=", 0.25, f"{_OURS}: 0.2 % above", _ENGLISH),
        *(
            Rule(
                f"duplicate_{n}grams", f"duplicate_{n}gram_char_fraction", "<=", 0.7, f"{_OURS}: 1.4 % above", _ENGLISH
            )
            for n in range(5, 11)
        ),
    ),
)
