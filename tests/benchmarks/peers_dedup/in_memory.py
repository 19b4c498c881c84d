"""Ours from texts in memory to verified members: python -m tests.benchmarks.peers_dedup.in_memory OUT.json FILE...

OUT.json: {"seconds": {part: CPU seconds}, "clusters": [[row, ...]], "removed": [row, ...]}, rows counted over all files
(each of 4,000 rows a unit, so of several files rows are right for the first alone).
"""

import json
import sys
import tempfile
from collections import defaultdict
from pathlib import Path

import pyarrow as pa

from gristmill.filters.dedup.fingerprints import fingerprint
from tests.benchmarks.bench_duplicates import OPTIONS, UNIT_ROWS, find, write_units

if __name__ == "__main__":
    out, *files = map(Path, sys.argv[1:])
    fingerprint(pa.array(["loads the kernels", ""], pa.large_string()), OPTIONS.minhash)
    with tempfile.TemporaryDirectory() as name:
        units, fingerprinting, _ = write_units(files, Path(name))
        members, finding = find(units, Path(name))
    clusters, removed = defaultdict(list), []
    for unit, found in members.items():
        for member in found:
            row = unit * UNIT_ROWS + int(member["row"])
            clusters[bytes(member["cluster"])].append(row)
            if member["dropped"]:
                removed.append(row)
    seconds = {"fingerprints": fingerprinting, "find and verify": finding}
    out.write_text(json.dumps({"seconds": seconds, "clusters": list(clusters.values()), "removed": removed}))
