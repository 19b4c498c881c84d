"""Runs whose bottleneck is known, and what each says of itself.

    python tests/benchmarks/bottlenecks.py FOLDER [NAME ...]

A file that cannot be cut among small ones, units larger than the input divided by workers, one dear signal, slow files,
a long tokenizer, and a run in balance, which has to name none. Half a minute of two cores each.
"""

import gzip
import json
import random
import subprocess
import sys
from pathlib import Path

import yaml

from tests.runs.conftest import chinese, english

PLUGIN = '''
import time
import numpy as np
import gristmill

@gristmill.signal(unit="share", scripts="any")
def slow_judge(counts):
    """Share of capitals, the slow way."""
    return np.array([sum(map(str.isupper, list(text) * 20)) / 20 / (len(text) or 1) for text in counts.texts])

@gristmill.reader("sleepy", suffixes=(".sleepy",))
def read_sleepy(file):
    for number, line in enumerate(file):
        if number % 40 == 0:
            time.sleep(0.1)
        yield {"text": line.decode()}
'''


def lines(number: int) -> bytes:
    """English and Chinese, each text once."""
    rng = random.Random(number)
    texts = [write(rng) for write in (english, chinese) for _ in range(100)]
    return b"".join(json.dumps({"text": text}, ensure_ascii=False).encode() + b"\n" for text in texts)


def inputs(folder: Path) -> None:
    """12 files of 6 MB, one of 60 MB in one piece, files for the slow reader."""
    block = b"".join(lines(number) for number in range(16))
    size = len(block)
    for number in range(12):
        (folder / f"part-{number}.jsonl").write_bytes(block * (6_000_000 // size))
        sleepy = [json.loads(line)["text"].replace("\n", " ").encode() + b"\n" for line in block.splitlines()]
        (folder / f"part-{number}.sleepy").write_bytes(b"".join(sleepy))
    (folder / "one.jsonl.gz").write_bytes(gzip.compress(block * (90_000_000 // size), 1))
    (folder / "mine.py").write_text(PLUGIN, "utf-8")


def recipes() -> dict[str, dict]:
    """By the cause that they are made for."""
    source = {"format": "jsonl", "paths": "part-*.jsonl"}
    decide = [{"when": {"language": "en"}, "presets": ["gopher@paper"]}, {"presets": ["any@gristmill"]}]
    base = {
        "gristmill": 1,
        "decide": decide,
        "deduplicate": None,
        "scrub": None,
        "tokenizer": None,
        "plan": {"unit_bytes": "4MB"},
    }
    many = {"web": source}
    slow = [{"rules": [{"signal": "slow_judge", "at_most": 0.9}]}]
    return {
        "large_file": {
            **base,
            "sources": {"small": {**source, "paths": "part-1.jsonl"}, "one": {**source, "paths": "one.jsonl.gz"}},
        },
        "few_units": {**base, "sources": {"web": {**source, "paths": ["big.jsonl"]}}, "plan": {"unit_bytes": "256MB"}},
        "signal": {**base, "sources": many, "plugins": ["mine.py"], "decide": slow},
        "waiting": {**base, "sources": {"web": {"format": "sleepy", "paths": "part-*.sleepy"}}, "plugins": ["mine.py"]},
        "tokenizer": {
            **base,
            "sources": {"web": {**source, "paths": "part-1*.jsonl"}},
            "tokenizer": {"model": "unigram", "vocabulary": 2000, "sample_bytes": "18MB"},
        },
        "balance": {
            **base,
            "sources": many,
            "scrub": {"operator": "tag"},
            "deduplicate": {"minhash": {"threshold": 0.7}},
        },
    }


def main(folder: Path, names: list[str]) -> None:
    """All runs, or those of some names."""
    folder.mkdir(parents=True, exist_ok=True)
    if not (folder / "mine.py").exists():
        inputs(folder)
        (folder / "big.jsonl").write_bytes(b"".join((folder / f"part-{n}.jsonl").read_bytes() for n in range(12)))
    for name, recipe in recipes().items():
        if names and name not in names:
            continue
        (folder / f"{name}.yaml").write_text(yaml.safe_dump({"name": name, **recipe}), "utf-8")
        command = [sys.executable, "-m", "gristmill.pipelines.cli.main", "run", f"{folder}/{name}.yaml"]
        done = subprocess.run(
            [*command, "--out", f"{folder}/run-{name}", "--workers", "2"], capture_output=True, text=True
        )
        found = [line for line in done.stdout.splitlines() if line.startswith("! slow")]
        state = json.loads((folder / f"run-{name}" / "run.json").read_text("utf-8"))
        print(
            f"{name}: {[one['cause'] for one in state.get('bottlenecks', [])]}",
            *found,
            done.stderr[-300:] if done.returncode else "",
        )


if __name__ == "__main__":
    main(Path(sys.argv[1]), sys.argv[2:])
