"""What editing steps find on their way."""

from gristmill.filters.signals.declare import found_by

# C4: what its editing step finds on the way (filters/line_rules.py); TFDS text/c4_utils.py

found_by("c4", "c4_characters", "characters", "any", "Length of the page in code points, before C4's line rules.")
found_by(
    "c4",
    "c4_sentences",
    "sentences",
    "spaced",
    "Sentences of the lines that C4's line rules keep, counted line by line.",
)
found_by(
    "c4",
    "c4_lorem_ipsum_lines",
    "lines",
    "any",
    "Lines that hold *lorem ipsum* in any case and pass the rules before it.",
)
found_by("c4", "c4_lines_kept", "lines", "spaced", "Lines that C4's line rules keep.")
found_by("c4", "c4_curly_bracket_lines", "lines", "any", "Lines that hold `{` and pass the rules before it.")

# RefinedWeb, as DCLM has it (filters/refinedweb.py)

found_by(
    "refinedweb",
    "refinedweb_removed_words",
    "share",
    "spaced",
    "Share of words that RefinedWeb's rules on lines remove, runs of letters and digits; 1 where nothing is left.",
)

# Ours: lines beside an article (filters/junk/edit.py)

found_by("lines", "lines_cut_share", "share", "any", "Share of the text's bytes that `lines@gristmill` cuts.")
