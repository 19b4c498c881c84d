"""RefinedWeb's rules on lines, as DCLM reproduces them."""

from gristmill.filters.rules import Preset, Rule

_DCLM = "DCLM dclm_baseline_refinedweb.yaml"

REFINEDWEB_DCLM = Preset(
    "refinedweb@dclm",
    "Penedo et al. 2023, RefinedWeb (arXiv 2306.01116), as DCLM (361714b) reproduces it: lines of capitals, of digits, "
    "counters, of one word, and three phrases go; the page too where that is more than 5 % of its words. Its other "
    "rules are Gopher's and lists of addresses; its removal of addresses acts on hardly any text, and is left out",
    (Rule("removed_words", "refinedweb_removed_words", "<=", 0.05, f"{_DCLM}, word_removal_ratio_filter"),),
    editor="refinedweb@dclm",
)
