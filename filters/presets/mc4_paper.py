"""mC4: the rule that stands for the end marks of C4 in 101 languages."""

from gristmill.filters.rules import Preset, Rule

MC4_PAPER = Preset(
    "mc4@paper",
    "Xue et al. 2021, mT5 (arXiv 2010.11934), section 3.1: its rule on the length of lines; without cld3 and its lists "
    "of bad words",
    (Rule("long_lines", "third_longest_line", ">=", 200, "Xue et al. 2021, 3.1; TFDS c4_utils.py, paragraph_filter"),),
)
