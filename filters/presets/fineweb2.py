"""FineWeb-2, for each of its 1,929 languages and scripts: fineweb2@deu_Latn, fineweb2@deu, fineweb2@de."""

from functools import cache

from gristmill.filters.data.fineweb2 import Thresholds, thresholds
from gristmill.filters.rules import Preset, Rule
from gristmill.filters.signals.fineweb2 import PREFIX, UNSPACED

NAME = "fineweb2@"
_PIPELINE = "fineweb-2-pipeline.py"


@cache
def fineweb2(name: str) -> Preset | None:
    """The preset of this name; None where it is none of FineWeb-2's languages."""
    found = thresholds(name.removeprefix(NAME)) if name.startswith(NAME) else None
    if found is None:
        return None
    unspaced = found.script in UNSPACED
    rules = [*_on_lines(found), *([] if unspaced else _on_words(found))]
    without = (
        "; without its rules on words (length, n-grams, letters, newlines): they count those of a segmenter"
        if unspaced
        else "; spaCy's tokens are told by rules of ours"
    )
    source = (
        f"Penedo et al. 2025, FineWeb2 (arXiv 2506.20920), huggingface/fineweb-2 at d0defb2, configs/{found.code}.yml; "
        f"without GlotLID's score{without}"
    )
    return Preset(name, source, tuple(rules))


def _on_lines(found: Thresholds) -> list[Rule]:
    config, mine = f"FineWeb-2, configs/{found.code}.yml", frozenset([found.language])
    return [
        Rule("duplicate_lines", "datatrove_duplicate_line_fraction", "<=", found.duplicate_lines, config, mine),
        Rule("punctuated_lines", "lines_ending_in_punctuation", ">=", found.punctuated_lines, config, mine),
        Rule("repeated_line_chars", "repeated_line_char_fraction", "<=", 0.1, _PIPELINE, mine),
        Rule("bullet_lines", "datatrove_bullet_line_fraction", "<=", 0.9, _PIPELINE, mine),
        Rule("ellipsis_lines", "datatrove_ellipsis_line_fraction", "<=", 0.3, _PIPELINE, mine),
        Rule("stop_words", PREFIX + found.code, ">=", 2, config, mine),
    ]


def _on_words(found: Thresholds) -> list[Rule]:
    config, mine = f"FineWeb-2, configs/{found.code}.yml", frozenset([found.language])
    (shortest, longest), length = found.mean_word_length, "datatrove_mean_word_length"
    top = zip(range(2, 5), found.top, strict=True)
    duplicate = zip(range(5, 11), found.duplicate, strict=True)
    ngrams = [*(("top", n, bound) for n, bound in top), *(("duplicate", n, bound) for n, bound in duplicate)]
    return [
        *(
            Rule(f"{kind}_{n}grams", f"datatrove_{kind}_{n}gram_char_fraction", "<=", bound, config, mine)
            for kind, n, bound in ngrams
        ),
        Rule("newlines", "newline_word_ratio", "<=", found.newlines, config, mine),
        Rule("words_min", "datatrove_words", ">=", 50, _PIPELINE, mine),
        Rule("words_max", "datatrove_words", "<=", 100_000, _PIPELINE, mine),
        *([Rule("mean_word_length_min", length, ">=", shortest, config, mine)] if shortest else []),
        Rule("mean_word_length_max", length, "<=", longest, config, mine),
        Rule("hashes", "datatrove_hash_word_ratio", "<=", 0.1, _PIPELINE, mine),
        Rule("ellipses", "datatrove_ellipsis_word_ratio", "<=", 0.1, _PIPELINE, mine),
        Rule("alphabetic_words", "datatrove_alphabetic_word_fraction", ">=", found.alphabetic_words, config, mine),
    ]
