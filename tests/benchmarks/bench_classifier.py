"""MB/s of scoring by classifiers, per model and language: run this file.

Options: --corpus FOLDER, --model PATH (a fastText model of ours; may be given again).

Reads docs-00000.parquet of a folder (default ../shared/corpus). CPU time of one process (pin it: taskset -c 1), best of
three; reading is not counted. The last line of a language is fastText alone: its own predictions of lines that are fed.
"""

import argparse
import sys
import tempfile
import time
from collections.abc import Callable
from pathlib import Path

import pyarrow as pa
import pyarrow.compute as pc
import pyarrow.parquet as pq

ROUNDS = 3
ROWS = 2000


def texts_of(corpus: Path, language: str) -> pa.Array:
    """Pages in a language."""
    table = pq.read_table(corpus / "docs-00000.parquet", columns=["text", "lang"])
    return table.filter(pc.equal(table["lang"], language))["text"].cast(pa.large_string()).combine_chunks()[:ROWS]


def seconds(work: Callable[[], object]) -> float:
    """CPU seconds of the fastest round."""
    found = []
    for _ in range(ROUNDS):
        begin = time.process_time()
        work()
        found.append(time.process_time() - begin)
    return min(found)


def main() -> None:
    """Print the figures."""
    from gristmill.filters.quality.classifier import load_model
    from gristmill.filters.quality.feeding import FEEDINGS
    from gristmill.pipelines.recipe.load import load

    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[3] / "shared" / "corpus")
    parser.add_argument("--model", action="append", default=["starter"])
    options = parser.parse_args()
    with tempfile.TemporaryDirectory() as folder:
        recipe = Path(folder) / "recipe.yaml"
        for language in ("en", "zh"):
            texts = texts_of(options.corpus, language)
            languages = pa.array([language] * len(texts))
            megabytes = pc.sum(pc.binary_length(texts)).as_py() / 1e6
            for name in options.model:
                recipe.write_text(
                    "gristmill: 1\nname: bench\nsources: {web: {format: jsonl, paths: a.jsonl}}\n"
                    f"classifiers: {{bench: {{model: '{name}'}}}}\n"
                )
                (classifier,) = load(recipe).recipe.read_classifiers
                rate = megabytes / seconds(lambda: classifier.values(texts, languages))  # noqa: B023
                sys.stdout.write(f"{language}  {name:40} {rate:6.1f} MB/s\n")
            model = dict(classifier.models).get(language) or classifier.models[0][1]
            lines = FEEDINGS[model.feeding](texts).to_pylist()
            rate = megabytes / seconds(lambda: load_model(model.sha256).predict(lines, k=-1))  # noqa: B023
            sys.stdout.write(f"{language}  {'fastText alone, the last model':40} {rate:6.1f} MB/s\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
