"""MB/s of judging, per preset and for the three English presets in one recipe: run this file.

Options: --corpus FOLDER, --files N.

Reads docs-*.parquet of a folder (default ../shared/corpus), cut into batches as the pipeline cuts them; all languages
are judged by every preset, so that the figures are of one text. CPU time of one process (pin it: taskset -c 1), best
of three; reading is not counted. Compile time is that of a process with an empty cache.
"""

import argparse
import os
import subprocess
import sys
import tempfile
import time
from itertools import pairwise
from pathlib import Path

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

ENGLISH = ("gopher@paper", "c4@tfds", "fineweb@datatrove")
EVERY_ENGLISH = (
    "gopher@paper", "english@gristmill", "gopher@datatrove", "gopher@dolma", "mc4@paper", "redpajama2@together",
    "refinedweb@dclm", "c4@tfds", "fineweb@datatrove",
)  # fmt: skip
OTHERS = ("chinese@gristmill", "mapneo@zh", "datajuicer@zh", "fineweb2@cmn", "c4@datatrove")
RECIPES = (*((name,) for name in dict.fromkeys((*EVERY_ENGLISH, *OTHERS))), ENGLISH, EVERY_ENGLISH)
BATCH_ROWS, BATCH_BYTES = 4096, 4 << 20
ROUNDS = 3


def batches(folder: Path, files: int) -> list[pa.Array]:
    """large_string columns of at most BATCH_ROWS documents and, but for single documents, BATCH_BYTES."""
    paths = sorted(folder.glob("docs-*.parquet"))[:files]
    columns = [pq.read_table(path, columns=["text"])["text"].cast(pa.large_string()) for path in paths]
    text = pa.concat_arrays([chunk for column in columns for chunk in column.chunks])
    cuts, size = [0], 0
    for row, length in enumerate(np.diff(np.frombuffer(text.buffers()[1], np.int64)).tolist()):
        if size + length > BATCH_BYTES or row - cuts[-1] == BATCH_ROWS:
            cuts.append(row)
            size = 0
        size += length
    cuts.append(len(text))
    return [text.slice(begin, end - begin) for begin, end in pairwise(cuts)]


def seconds_to_compile() -> float:
    """CPU seconds of a first batch with every preset, in a process with an empty kernel cache."""
    with tempfile.TemporaryDirectory() as folder:
        command = [sys.executable, __file__, "--compile-only"]
        done = subprocess.run(
            command, env={**os.environ, "NUMBA_CACHE_DIR": folder}, check=True, capture_output=True, text=True
        )
    return float(done.stdout)


def judge_all(presets: tuple[str, ...], texts: list[pa.Array], judged: bool = True) -> float:
    """CPU seconds that one pass over the texts takes. Unjudged: of documents that the entry does not admit."""
    from gristmill.filters.judge import Entry, Judge
    from gristmill.filters.presets import PRESETS

    judge = Judge([Entry(frozenset(["xx"]), None, None, tuple(PRESETS[name] for name in presets))])
    labels = [pa.array(["xx" if judged else "yy"] * len(text)) for text in texts]
    begin = time.process_time()
    for text, label in zip(texts, labels, strict=True):
        judge.judge(text, label, label, label)
    return time.process_time() - begin


def main() -> None:
    """Print the figures."""
    parser = argparse.ArgumentParser(description=__doc__)
    parser.add_argument("--corpus", type=Path, default=Path(__file__).parents[3] / "shared" / "corpus")
    parser.add_argument("--files", type=int, default=1, help="docs files to read, about 49 MB each")
    parser.add_argument("--compile-only", action="store_true", help="print the CPU seconds of a first tiny batch")
    options = parser.parse_args()
    if options.compile_only:
        tiny = [pa.array(["A tiny page. " * 9], pa.large_string())]
        sys.stdout.write(f"{sum(judge_all(presets, tiny) for presets in RECIPES)}\n")
        return
    texts = batches(options.corpus, options.files)
    megabytes = (
        sum(int(np.diff(np.frombuffer(t.buffers()[1], np.int64, len(t) + 1, t.offset * 8)).sum()) for t in texts) / 1e6
    )
    sys.stdout.write(f"{len(texts)} batches, {megabytes:.1f} MB; compile {seconds_to_compile():.1f} s\n")
    for presets in RECIPES:
        judge_all(presets, texts[:1])
        best = min(judge_all(presets, texts) for _ in range(ROUNDS))
        sys.stdout.write(f"{' + '.join(presets):50} {megabytes / best:6.1f} MB/s\n")
    everything = (*ENGLISH, "chinese@gristmill")
    best = min(judge_all(everything, texts, judged=False) for _ in range(ROUNDS))
    sys.stdout.write(f"{'admitted by no entry of these four':50} {megabytes / best:6.1f} MB/s\n")


if __name__ == "__main__":
    sys.path.insert(0, str(Path(__file__).parents[2]))
    main()
