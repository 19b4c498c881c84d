"""C4, as TensorFlow Datasets computes it."""

from gristmill.filters.rules import Preset, Rule

_TFDS = "TFDS text/c4_utils.py"
_ENGLISH = frozenset(["en"])

C4_TFDS = Preset(
    "c4@tfds",
    "TensorFlow Datasets, text/c4.py and c4_utils.py at 3e77995 (the paper's numbers differ: Raffel et al. 2020, 2.2)",
    (
        Rule("page_length", "c4_characters", "<=", 190_000, f"{_TFDS}, is_valid_length"),
        Rule("lorem_ipsum", "c4_lorem_ipsum_lines", "<=", 0, f"{_TFDS}, clean_page"),
        Rule("curly_brackets", "c4_curly_bracket_lines", "<=", 0, f"{_TFDS}, clean_page"),
        Rule("sentences", "c4_sentences", ">=", 3, f"{_TFDS}, clean_page", _ENGLISH),
    ),
    editor="c4@tfds",
)
