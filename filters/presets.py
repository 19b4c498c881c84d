"""Presets: whose numbers, a line a rule."""

from filters.rules import Preset, Rule

_QUALITY = "Rae et al. 2021, A.1.1, quality"
_REPETITION = "Rae et al. 2021, A.1.1 and table A1, repetition"
_TFDS = "TFDS text/c4_utils.py"
_FINEWEB = "Penedo et al. 2024; datatrove fineweb_quality_filter.py"
_OURS = "ours, measured on 10,142 pages"
_CHINESE = frozenset(["zh"])
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

C4_TFDS = Preset(
    "c4@tfds",
    "TensorFlow Datasets, text/c4.py and c4_utils.py at 3e77995 (the paper's numbers differ: Raffel et al. 2020, 2.2)",
    (
        Rule("page_length", "c4_characters", "<=", 190_000, f"{_TFDS}, is_valid_length"),
        Rule("lorem_ipsum", "c4_lorem_ipsum_lines", "<=", 0, f"{_TFDS}, clean_page"),
        Rule("curly_brackets", "c4_curly_bracket_lines", "<=", 0, f"{_TFDS}, clean_page"),
        Rule("sentences", "c4_sentences", ">=", 3, f"{_TFDS}, clean_page", _ENGLISH),
    ),
    editor="c4",
)

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

PRESETS: dict[str, Preset] = {
    preset.name: preset for preset in (GOPHER_PAPER, C4_TFDS, FINEWEB_DATATROVE, CHINESE_GRISTMILL)
}
"""All shipped presets by name."""
