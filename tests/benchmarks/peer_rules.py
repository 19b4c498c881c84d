"""What datatrove's and Dolma's own filters say of some texts, rule by rule: PYTHON peer_rules.py TEXTS.json OUT.json.

TEXTS.json: a list of texts. OUT.json: {"<preset>/<rule>": [whether the peer drops the text, or its error]}.
Runs in an environment of its own (make conformance); dolma is installed without its dependencies, its tagger loaded by
its file.
"""

import importlib.util
import json
import sys
import types
from collections.abc import Callable
from pathlib import Path

from datatrove.data import Document
from datatrove.pipeline.filters import (
    C4ParagraphFilter,
    C4QualityFilter,
    FineWebQualityFilter,
    GopherQualityFilter,
    GopherRepetitionFilter,
)

Drops = Callable[[str], bool]

QUALITY = {
    "words_min": {"min_doc_words": 50},
    "words_max": {"max_doc_words": 100_000},
    "mean_word_length_min": {"min_avg_word_length": 3},
    "mean_word_length_max": {"max_avg_word_length": 10},
    "bullet_lines": {"max_bullet_lines_ratio": 0.9},
    "ellipsis_lines": {"max_ellipsis_lines_ratio": 0.3},
    "alphabetic_words": {"max_non_alpha_words_ratio": 0.8},
    "stop_words": {"min_stop_words": 2},
}
SYMBOLS = {"hashes": "gopher_too_many_hashes", "ellipses": "gopher_too_many_ellipsis"}
REPETITION = {
    "duplicate_lines": {"dup_line_frac": 0.3},
    "duplicate_paragraphs": {"dup_para_frac": 0.3},
    "duplicate_line_chars": {"dup_line_char_frac": 0.2},
    "duplicate_paragraph_chars": {"dup_para_char_frac": 0.2},
    **{f"top_{n}grams": {"top_n_grams": ((n, bound),)} for n, bound in ((2, 0.2), (3, 0.18), (4, 0.16))},
    **{f"duplicate_{n}grams": {"dup_n_grams": ((n, (20 - n) / 100),)} for n in range(5, 11)},
}
FINEWEB = {
    "punctuated_lines": "line_punct_ratio",
    "short_lines": "short_line_ratio",
    "repeated_line_chars": "char_dup_ratio",
    "newlines": "list_ratio",
}
DOLMA = {
    "words_min": lambda a: a.word_count < 50,
    "words_max": lambda a: a.word_count > 100_000,
    "median_word_length_min": lambda a: a.median_word_length < 3,
    "median_word_length_max": lambda a: a.median_word_length > 10,
    "symbol_words": lambda a: a.symbol_to_word_ratio > 0.1,
    "alphabetic_words": lambda a: a.fraction_of_words_with_alpha_character < 0.8,
    "stop_words": lambda a: a.required_word_count < 2,
    "bullet_lines": lambda a: a.fraction_of_lines_starting_with_bullet_point > 0.9,
    "ellipsis_lines": lambda a: a.fraction_of_lines_ending_with_ellipsis > 0.3,
    "duplicate_lines": lambda a: a.fraction_of_duplicate_lines > 0.3,
    "duplicate_line_chars": lambda a: a.fraction_of_characters_in_duplicate_lines > 0.3,
    **{
        f"duplicate_{n}grams": lambda a, n=n: (
            dict(a.fraction_of_characters_in_duplicate_ngrams).get(n, 0) > (20 - n) / 100
        )
        for n in range(5, 11)
    },
}


def verdict(made: object, reason: str | None = None) -> Drops:
    """Whether a datatrove filter drops a text (for this reason)."""

    def drops(text: str) -> bool:
        result = made.filter(Document(text=text, id="0"))  # type: ignore[attr-defined]
        if isinstance(result, tuple):
            return not result[0] and reason in (None, result[1])
        return not result

    return drops


def only(kind: type, every: dict[str, dict], wanted: dict, off: object) -> object:
    """The filter with one rule on and all others off."""
    return kind(**{name: off for options in every.values() for name in options} | wanted)


def datatrove() -> dict[str, Drops]:
    """Every rule of datatrove's filters by itself."""
    rules: dict[str, Drops] = {}
    symbols_off = QUALITY | {"symbols": {"max_symbol_word_ratio": None}}
    for name, wanted in QUALITY.items():
        rules[f"gopher@datatrove/{name}"] = verdict(only(GopherQualityFilter, symbols_off, wanted, None))
    for name, reason in SYMBOLS.items():
        symbols = only(GopherQualityFilter, symbols_off, {"max_symbol_word_ratio": 0.1}, None)
        rules[f"gopher@datatrove/{name}"] = verdict(symbols, reason)
    lists_off = {"top_n_grams": (), "dup_n_grams": ()}
    for name, wanted in REPETITION.items():
        made = only(GopherRepetitionFilter, REPETITION, lists_off | wanted, None)
        rules[f"gopher@datatrove/{name}"] = verdict(made)
    for preset, terminal in (("c4@datatrove", True), ("c4@fineweb", False)):
        for name, (reason, lorem, curly) in {
            "lorem_ipsum": ("lorem_ipsum", True, False),
            "curly_brackets": ("curly_bracket", False, True),
            "sentences": ("too_few_sentences", False, False),
        }.items():
            made = C4QualityFilter(
                filter_no_terminal_punct=terminal, filter_lorem_ipsum=lorem, filter_curly_bracket=curly
            )
            rules[f"{preset}/{name}"] = verdict(made, reason)
    rules["mc4@paper/long_lines"] = verdict(C4ParagraphFilter())
    for name, reason in FINEWEB.items():
        off = {"line_punct_thr": 0, "short_line_thr": 9, "char_duplicates_ratio": 9, "new_line_ratio": 999}
        on = {
            "punctuated_lines": {"line_punct_thr": 0.12},
            "short_lines": {"short_line_thr": 0.67},
            "repeated_line_chars": {"char_duplicates_ratio": 0.01},
            "newlines": {"new_line_ratio": 0.3},
        }[name]
        rules[f"fineweb@datatrove/{name}"] = verdict(FineWebQualityFilter(**off | on), reason)
    return rules


def dolma() -> dict[str, Drops]:
    """Every rule of Dolma's configuration on its tagger's attributes."""
    folder = Path(importlib.util.find_spec("dolma").submodule_search_locations[0])  # type: ignore
    for name in ("dolma", "dolma.core", "dolma.taggers"):
        package = types.ModuleType(name)
        package.__path__ = []
        sys.modules[name] = package
    stubs = {
        "data_types": {"DocResult": object, "Document": object, "Span": object},
        "registry": {"TaggerRegistry": types.SimpleNamespace(add=lambda name: lambda kind: kind)},
        "taggers": {"BaseTagger": object},
    }
    for name, values in stubs.items():
        module = sys.modules[f"dolma.core.{name}"] = types.ModuleType(f"dolma.core.{name}")
        module.__dict__.update(values)
    spec = importlib.util.spec_from_file_location("dolma.taggers.gopher", folder / "taggers" / "gopher.py")
    tagger = importlib.util.module_from_spec(spec)  # type: ignore[arg-type]
    sys.modules[spec.name] = tagger  # type: ignore[union-attr]
    spec.loader.exec_module(tagger)  # type: ignore[union-attr]
    return {
        f"gopher@dolma/{name}": lambda text, test=test: test(tagger.get_attributes(text))
        for name, test in DOLMA.items()
    }


def ask(drops: Drops, text: str) -> bool | str:
    """Where the peer raises, what."""
    try:
        return bool(drops(text))
    except Exception as error:
        return f"{type(error).__name__}: {error}"


if __name__ == "__main__":
    texts = json.loads(Path(sys.argv[1]).read_text("utf-8"))
    rules = datatrove() | dolma()
    answers = {name: [ask(drops, text) for text in texts] for name, drops in rules.items()}
    Path(sys.argv[2]).write_text(json.dumps(answers))
