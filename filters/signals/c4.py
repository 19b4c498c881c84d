"""What C4's editing step finds on its way."""

from gristmill.filters.signals.declare import found_by_c4

# C4: what its editing step finds on the way (filters/line_rules.py); TFDS text/c4_utils.py

found_by_c4("c4_characters", "characters", "any", "Length of the page in code points, before C4's line rules.")
found_by_c4(
    "c4_sentences", "sentences", "spaced", "Sentences of the lines that C4's line rules keep, counted line by line."
)
found_by_c4(
    "c4_lorem_ipsum_lines", "lines", "any", "Lines that hold *lorem ipsum* in any case and pass the rules before it."
)
found_by_c4("c4_lines_kept", "lines", "spaced", "Lines that C4's line rules keep.")
found_by_c4("c4_curly_bracket_lines", "lines", "any", "Lines that hold `{` and pass the rules before it.")
