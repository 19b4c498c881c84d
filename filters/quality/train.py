"""Training a fastText classifier on fed lines: the same lines and options give the same bytes, and never NaN.

fastText 0.9.3 with one thread fills the first tenth of its matrix with random numbers and leaves the rest to whatever
lay in memory (DenseMatrix::uniform): its NaN, and its chance. So it trains in a process of its own whose memory comes
zeroed; more than one thread would learn in the order of the clock.
"""

import json
import os
import subprocess
import sys
from collections.abc import Iterable
from dataclasses import asdict, dataclass
from pathlib import Path

from gristmill.filters.quality.model_file import LABEL, NoModelError, read_about

TRIES = 5
"""Seeds that are tried, one after the other, where training ends in numbers that are not finite."""
CALM = 0.5
"""Factor on the learning rate at each further try."""
ZEROED_MEMORY = {"MALLOC_PERTURB_": "255"}
"""glibc fills what it gives out with 255 ^ 0xFF (mallopt(3), M_PERTURB), blocks of its small caches excepted: a matrix
of LEAST_BUCKETS is larger."""
LEAST_BUCKETS = 1024


class TrainingError(Exception):
    """fastText could not learn from these lines; the message says why."""


@dataclass(frozen=True, slots=True)
class Options:
    """fastText's own, by our names."""

    dimensions: int = 16
    word_ngrams: int = 2
    buckets: int = 2**17
    epochs: int = 20
    rate: float = 0.1
    min_count: int = 3
    seed: int = 0


def write_lines(file: Path, labelled: Iterable[tuple[str, str]]) -> None:
    """(label, fed line) pairs as fastText reads them."""
    with file.open("w", encoding="utf-8", newline="\n") as out:
        out.writelines(f"{LABEL}{label} {line}\n" for label, line in labelled)


def train(lines: Path, out: Path, options: Options, compressed: bool = False) -> Options:
    """Train on a file of labelled lines and write the model. Gives the options that it was made with: the seed and
    rate of a later try, where the first ones ended in numbers that are not finite.

    compressed: quantize it (product quantization of the input matrix, FastText.zip). Raises TrainingError.
    """
    why = ""
    for number in range(TRIES):
        tried = Options(**{**asdict(options), "seed": options.seed + number, "rate": options.rate * CALM**number})
        why = _train_once(lines, out, tried, compressed)
        if not why:
            return tried
    raise TrainingError(f"fastText failed {TRIES} times, each with another seed and a lower rate; the last time: {why}")


def _train_once(lines: Path, out: Path, options: Options, compressed: bool) -> str:
    """Empty where the model is written and sound; else why not."""
    out.unlink(missing_ok=True)
    job = json.dumps({"lines": str(lines), "out": str(out), "compressed": compressed, **asdict(options)})
    command = [sys.executable, "-m", "gristmill.filters.quality.train", job]
    path = os.pathsep.join(filter(None, sys.path))
    environment = {**os.environ, **ZEROED_MEMORY, "PYTHONPATH": path}
    done = subprocess.run(command, env=environment, capture_output=True, text=True)
    if done.returncode or not out.is_file():
        return (done.stderr.strip().splitlines() or [f"exit code {done.returncode}"])[-1]
    try:
        read_about(out)
    except NoModelError as error:
        return str(error)
    return ""


def _learn(job: dict) -> None:
    """The life of the process that trains."""
    import fasttext

    model = fasttext.train_supervised(
        job["lines"],
        lr=job["rate"],
        dim=job["dimensions"],
        epoch=job["epochs"],
        minCount=job["min_count"],
        wordNgrams=job["word_ngrams"],
        bucket=job["buckets"],
        loss="softmax",
        thread=1,
        seed=job["seed"],
        verbose=0,
    )
    if job["compressed"]:
        model.quantize(input=job["lines"], retrain=False, qnorm=True, thread=1)
    model.save_model(job["out"])


if __name__ == "__main__":
    _learn(json.loads(sys.argv[1]))
