"""Data-Juicer's Chinese recipe."""

from gristmill.filters.rules import Preset, Rule

_RECIPE = "data-juicer configs/data_juicer_recipes/alpaca_cot/alpaca-cot-zh-refine.yaml"
_CHINESE = frozenset(["zh"])

DATAJUICER_ZH = Preset(
    "datajuicer@zh",
    "Chen et al. 2024, Data-Juicer (arXiv 2309.02033) at 1dc20a5, alpaca-cot-zh-refine.yaml, its one recipe for "
    "Chinese, which was made for instructions; its list of flagged words (<= 0.017) is not shipped: `lists` take one",
    (
        Rule("alphanumeric", "alphanumeric_fraction", ">=", 0.10, _RECIPE, _CHINESE),
        Rule("repetition", "frequent_10gram_fraction", "<=", 0.6, _RECIPE, _CHINESE),
        Rule("characters_min", "characters", ">=", 10, _RECIPE, _CHINESE),
    ),
)
