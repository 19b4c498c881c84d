"""MAP-NEO's rules on Chinese pages."""

import math

from gristmill.filters.rules import Preset, Rule

_NEO = "MAP-NEO filter.py, self_defined_rules"
_CHINESE = frozenset(["zh"])
_MORE = math.nextafter(0.1, 1)

MAPNEO_ZH = Preset(
    "mapneo@zh",
    "Zhang et al. 2024, MAP-NEO (arXiv 2405.19327), Matrix/chinese_data_clean_pipeline/filter/filter.py: what it drops "
    "by; its rules on repetition never dropped a page (their caller asks whether a tuple is false) and are left out, "
    "so is its mean length of jieba's words",
    (
        Rule("brackets", "lenticular_bracket_fraction", "<=", 0.1, "MAP-NEO filter.py, unify_format", _CHINESE),
        Rule("sentences", "pieces_between_marks", ">=", 2, _NEO, _CHINESE),
        Rule("characters_min", "characters", ">=", 50, _NEO, _CHINESE),
        Rule("characters_max", "characters", "<=", 10_000, _NEO, _CHINESE),
        Rule("hashes", "hash_run_ratio", "<=", 0.1, _NEO, _CHINESE),
        Rule("ellipses", "ellipsis_run_ratio", "<=", 0.1, _NEO, _CHINESE),
        Rule("digits", "written_digit_fraction", "<=", 0.3, _NEO, _CHINESE),
        Rule("read_more_lines", "read_more_line_fraction", "<=", 0.3, _NEO, _CHINESE),
        Rule("bullet_lines", "wide_bullet_line_fraction", "<=", 0.9, _NEO, _CHINESE),
        Rule("marks", "mark_fraction", ">=", 1e-9, f"{_NEO}: more than 0", _CHINESE),
        Rule("distinct_characters", "distinct_character_fraction", ">=", _MORE, f"{_NEO}: more than 0.1", _CHINESE),
        Rule("entropy", "character_entropy", ">=", 3, _NEO, _CHINESE),
    ),
)
