"""Near-duplicates by rensa, by datatrove and by text-dedup, in the peers' own environment (make bench-peers).

    PYTHON peer_dedup.py rensa OUT.json FILE... [--characters] [--flags] [--clusters]
    PYTHON peer_dedup.py datatrove OUT.json FILE
    PYTHON peer_dedup.py clusters OUT.json FILE SAVED       # what text-dedup's command has saved, with --debug

OUT.json: {"seconds": {part: CPU seconds}} and, where asked, {"clusters": [[row, ...]], "removed": [row, ...]}.
"""

import argparse
import itertools
import json
import re
import tempfile
import time
from collections import defaultdict
from pathlib import Path
from typing import Any

import numpy as np
import pyarrow as pa
import pyarrow.parquet as pq

PERMUTATIONS, BANDS, THRESHOLD, SEED = 112, 16, 0.7, 42
BATCH_ROWS = 1000
UNSPACED = "々〆ー\u3040-\u30ff\u3400-\u9fff\uf900-\ufaff\U00020000-\U0003ffff"
"""Han and Kana: characters that are words where `--characters` is given."""
WORD, CHARACTER = re.compile(r"\w+"), re.compile(rf"[{UNSPACED}]|[^\W{UNSPACED}]+")


def shingles(text: str, word: re.Pattern[str]) -> list[str]:
    """Five words each, or all words of a text that has fewer."""
    words = word.findall(text.lower())
    if len(words) < 5:
        return [" ".join(words)]
    return list(map(" ".join, zip(words, words[1:], words[2:], words[3:], words[4:], strict=False)))


def rensa(files: list[Path], characters: bool, flags: bool, clusters: bool) -> dict[str, Any]:
    """As its README does it behind a Python front end: documents are looked up, then inserted. `flags`: by its calls
    for whole batches instead, which say whether a document is like another, not which."""
    from rensa import RMinHash, RMinHashLSH  # type: ignore[import-not-found]

    index, word = RMinHashLSH(THRESHOLD, PERMUTATIONS, BANDS), CHARACTER if characters else WORD
    spent: dict[str, float] = defaultdict(float)
    edges: list[tuple[int, int]] = []
    first = 0
    for file in files:
        batches = pq.ParquetFile(file).iter_batches(BATCH_ROWS, columns=["text"])
        while True:
            began = time.process_time()
            batch = next(batches, None)
            texts = batch["text"].to_pylist() if batch is not None else []
            read = time.process_time()
            sets = [shingles(text, word) for text in texts]
            made = time.process_time()
            sketches = (RMinHash.digest_matrix_from_token_sets if flags else RMinHash.from_token_sets)(
                sets, PERMUTATIONS, SEED
            )
            sketched = time.process_time()
            if flags:
                index.insert_matrix_and_query_duplicate_flags(sketches, first)
            else:
                for row, sketch in enumerate(sketches, first):
                    found = index.query(sketch)
                    if clusters:
                        edges += ((row, other) for other in found)
                    index.insert(row, sketch)
            spent["read"] += read - began
            spent["shingles"] += made - read
            spent["sketch"] += sketched - made
            spent["query"] += time.process_time() - sketched
            if not texts:
                break
            first += len(texts)
    return {"seconds": spent, **(outcome(components(first, edges)) if clusters else {})}


def components(count: int, edges: list[tuple[int, int]]) -> list[int]:
    """Union-find: of every row the smallest row that it hangs together with."""
    parent = list(range(count))

    def root(row: int) -> int:
        while parent[row] != row:
            parent[row] = row = parent[parent[row]]
        return row

    for a, b in edges:
        low, high = sorted((root(a), root(b)))
        parent[high] = low
    return [root(row) for row in range(count)]


def outcome(roots: list[int] | dict[int, int]) -> dict[str, list]:
    """Clusters of two and more; all but the first row of each are removed."""
    members = defaultdict(list)
    for row, root in roots.items() if isinstance(roots, dict) else enumerate(roots):
        members[root].append(row)
    clusters = [sorted(rows) for rows in members.values() if len(rows) > 1]
    return {"clusters": clusters, "removed": [row for rows in clusters for row in rows[1:]]}


def datatrove(file: Path) -> dict[str, Any]:
    """Its four stages with its defaults, 14 buckets of 8, from Parquet to Parquet, one worker."""
    from datatrove.executor import LocalPipelineExecutor  # type: ignore[import-not-found]
    from datatrove.pipeline.dedup import (  # type: ignore[import-not-found]
        MinhashDedupBuckets,
        MinhashDedupCluster,
        MinhashDedupFilter,
        MinhashDedupSignature,
    )
    from datatrove.pipeline.readers import ParquetReader  # type: ignore[import-not-found]
    from datatrove.pipeline.writers import ParquetWriter  # type: ignore[import-not-found]

    with tempfile.TemporaryDirectory() as folder:
        signatures, buckets, removals, kept = (
            f"{folder}/{name}" for name in ("signatures", "buckets", "removals", "kept")
        )
        reader = ParquetReader(str(file.parent), glob_pattern=file.name)
        stages = {
            "signatures": (1, [reader, MinhashDedupSignature(signatures)]),
            "buckets": (14, [MinhashDedupBuckets(signatures, buckets)]),
            "cluster": (1, [MinhashDedupCluster(buckets, removals, save_cluster_id=True)]),
            "filter": (1, [reader, MinhashDedupFilter(removals), ParquetWriter(kept)]),
        }
        spent = {}
        for name, (tasks, pipeline) in stages.items():
            began = time.process_time()
            LocalPipelineExecutor(pipeline, tasks=tasks, workers=1, logging_dir=f"{folder}/logs/{name}").run()
            spent[name] = time.process_time() - began
        saved = Path(removals, "000000.clusters")
        pairs = np.fromfile(saved, "<u4").reshape(-1, 2) if saved.exists() else np.zeros((0, 2), "<u4")
        removed = Path(removals, "000000.remove")
        rows = np.fromfile(removed, "<u4").tolist() if removed.exists() else []
    return {"seconds": spent, **outcome(dict(pairs.tolist())), "removed": rows}


def clusters_of_text_dedup(file: Path, saved: Path) -> dict[str, Any]:
    """Its union-find by row, and which rows it has not written: also those shorter than its `min_length`."""
    import pickle

    ids = pq.read_table(file, columns=["id"])["id"].to_pylist()
    parts = [pa.ipc.open_stream(part).read_all()["id"].to_pylist() for part in saved.glob("*.arrow")]
    kept = set(itertools.chain.from_iterable(parts))
    union = pickle.loads((saved / "uf.pkl").read_bytes())
    removed = [row for row, name in enumerate(ids) if name not in kept]
    return {**outcome({row: union.find(row) for row in list(union.parent)}), "removed": removed}


def main() -> None:
    """One tool."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("tool", choices=["rensa", "datatrove", "clusters"])
    parser.add_argument("out", type=Path)
    parser.add_argument("files", type=Path, nargs="+")
    for flag in ("--characters", "--flags", "--clusters"):
        parser.add_argument(flag, action="store_true")
    asked = parser.parse_args()
    if asked.tool == "rensa":
        result = rensa(asked.files, asked.characters, asked.flags, asked.clusters)
    elif asked.tool == "datatrove":
        result = datatrove(*asked.files)
    else:
        result = clusters_of_text_dedup(*asked.files)
    asked.out.write_text(json.dumps(result))


if __name__ == "__main__":
    main()
