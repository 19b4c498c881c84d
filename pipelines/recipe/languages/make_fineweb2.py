"""Writes filters/data/fineweb2.tsv from a copy of huggingface/fineweb-2: python -m ... make_fineweb2 FOLDER/configs."""

import sys
from pathlib import Path

import yaml

from gristmill.pipelines.recipe.languages.codes import normal_language

HEAD = """\
# Thresholds and stop words of FineWeb-2, one line a language and script: huggingface/fineweb-2 at d0defb2,
# configs/*.yml (Apache License 2.0; filters/data/NOTICE). Written by recipe/languages/make_fineweb2.py. Columns: code,
# our code, dup_line_frac, top 2-4 n-grams, duplicate 5-10 n-grams, line_punct_thr, min and max_avg_word_length,
# max_non_alpha_words_ratio, new_line_ratio, stop words. Its language_score is GlotLID's, not ours, and left out.
"""
NUMBERS = (
    "line_punct_thr",
    "min_avg_word_length",
    "max_avg_word_length",
    "max_non_alpha_words_ratio",
    "new_line_ratio",
)


def line_of(file: Path) -> str:
    """The line of one configuration."""
    config = yaml.safe_load(file.read_text("utf-8"))
    code = file.stem
    ngrams = [bound for _, bound in (*config["top_n_grams"], *config["dup_n_grams"])]
    numbers = [config["dup_line_frac"], *ngrams, *(config[name] for name in NUMBERS)]
    words = [part for word in config["stopwords"] for part in word.split()]
    return "\t".join([code, normal_language(code) or code.split("_")[0], *map(str, numbers), " ".join(words)])


if __name__ == "__main__":
    target = Path(__file__).parents[3] / "filters" / "data" / "fineweb2.tsv"
    lines = [line_of(file) for file in sorted(Path(sys.argv[1]).glob("*.yml"))]
    target.write_text(HEAD + "\n".join(lines) + "\n", "utf-8")
