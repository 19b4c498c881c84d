"""Chinese prose: our own numbers, measured on Chinese pages."""

from gristmill.filters.rules import Preset, Rule

_OURS = "ours, measured on 10,142 pages"
_CHINESE = frozenset(["zh"])

CHINESE_GRISTMILL = Preset(
    "chinese@gristmill",
    "ours; measured on 10,142 Chinese pages, laws, classical poems and translated technical articles, of which 98.0 % "
    "pass (laws 99.5 %, poems 99.7 %); what fails is mostly code and untranslated English",
    (
        Rule("characters_min", "characters", ">=", 50, "MAP-NEO; our shortest page has 61", _CHINESE),
        Rule("characters_max", "characters", "<=", 200_000, "Gopher's 100,000 words at two characters each", _CHINESE),
        Rule("han", "han_fraction", ">=", 0.1, f"{_OURS}: 0.9 % below, code and English"),
        Rule("sentences", "sentence_fraction", ">=", 0.05, f"{_OURS}: 0.3 % below"),
        Rule("furniture", "furniture_fraction", "<=", 0.3, f"{_OURS}: highest 0.17"),
        Rule("advertisements", "advertisement_fraction", "<=", 0.2, f"{_OURS}: highest 0.04"),
        Rule("keywords", "keyword_fraction", "<=", 0.4, f"{_OURS}: 0.05 % above, lists of fees"),
        Rule("spam", "spam_fraction", "<=", 0.02, f"{_OURS}: highest 0.005"),
        Rule("duplicate_lines", "duplicate_line_fraction", "<=", 0.6, f"{_OURS}: 0.5 % above, code", _CHINESE),
        Rule("duplicate_line_chars", "duplicate_line_char_fraction", "<=", 0.4, f"{_OURS}: 0.5 % above", _CHINESE),
        Rule("top_2grams", "character_top_2gram_fraction", "<=", 0.2, f"{_OURS}: 0.2 % above", _CHINESE),
        Rule("top_3grams", "character_top_3gram_fraction", "<=", 0.2, f"{_OURS}: 0.2 % above", _CHINESE),
        Rule("top_4grams", "character_top_4gram_fraction", "<=", 0.2, f"{_OURS}: 0.3 % above", _CHINESE),
        Rule("duplicate_5grams", "character_duplicate_5gram_fraction", "<=", 0.80, f"{_OURS}: 0.03 % above", _CHINESE),
        Rule("duplicate_6grams", "character_duplicate_6gram_fraction", "<=", 0.77, f"{_OURS}: 0.03 % above", _CHINESE),
        Rule("duplicate_7grams", "character_duplicate_7gram_fraction", "<=", 0.74, f"{_OURS}: 0.04 % above", _CHINESE),
        Rule("duplicate_8grams", "character_duplicate_8gram_fraction", "<=", 0.71, f"{_OURS}: 0.03 % above", _CHINESE),
        Rule("duplicate_9grams", "character_duplicate_9gram_fraction", "<=", 0.68, f"{_OURS}: 0.03 % above", _CHINESE),
        Rule(
            "duplicate_10grams", "character_duplicate_10gram_fraction", "<=", 0.65, f"{_OURS}: 0.03 % above", _CHINESE
        ),
    ),
)
