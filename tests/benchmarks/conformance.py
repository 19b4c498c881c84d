"""How far our presets agree with the filters that they reproduce, rule by rule: make conformance.

    python tests/benchmarks/conformance.py --peers PYTHON [FOLDER]

PYTHON has datatrove and dolma. FOLDER holds Parquet files with a column `text`; without one, the bundled example set is
taken. 500 documents of mixed kind: half chosen by hash, half variations of them, cut, repeated, listed and spoilt so
that every rule has something to decide. Prints a Markdown table (docs/conformance.md).
"""

import argparse
import hashlib
import json
import subprocess
import sys
import tempfile
from collections import Counter
from pathlib import Path

import pyarrow as pa
import pyarrow.parquet as pq

from gristmill.filters.judge import Entry, Judge
from gristmill.filters.presets import PRESETS

DOCUMENTS = 500


def by_hash(texts: list[str], wanted: int) -> list[str]:
    """Some of the texts, the same ones whatever their order."""
    return sorted(set(texts), key=lambda text: hashlib.sha256(text.encode()).digest())[:wanted]


def texts_of(folder: Path | None) -> list[str]:
    """The texts of Parquet files, or of the bundled set."""
    if folder is None:
        bundled = Path(__file__).parents[2] / "pipelines" / "data" / "bundled"
        return [
            json.loads(line)["text"]
            for file in sorted(bundled.rglob("*.jsonl"))
            for line in file.read_text("utf-8").splitlines()
        ]
    files = sorted(folder.glob("*.parquet"))
    return [text for file in files for text in pq.read_table(file, columns=["text"])["text"].to_pylist() if text]


def variations(text: str) -> list[str]:
    """What rules are there to find, made from a good text."""
    lines = text.split("\n")
    words = text.split()
    return [
        " ".join(words[:40]),
        "\n".join(line for line in lines[:12] for _ in range(2)),
        "\n\n".join(lines[:4] * 3),
        "\n".join(f"- {line}" for line in lines),
        "\n".join(f"* {line}…" for line in lines),
        "\n".join(f"{line[:25]}..." for line in lines),
        "\n".join(words),
        " ".join(f"#{word}" if n % 5 == 0 else word for n, word in enumerate(words)),
        " ".join(f"{word} | 12" for word in words),
        text.upper(),
        text.replace(" ", ""),
        text + "\nlorem ipsum dolor sit amet is here, too.\nfunction of the page { return it }.\n",
        " ".join(words[:30] * 4),
        text.replace("\n", " ") * 2,
    ]


def sample(texts: list[str]) -> list[str]:
    """Half as they are, half variations."""
    chosen = by_hash(texts, DOCUMENTS // 2)
    spoilt = [variation for text in chosen for variation in variations(text) if variation.strip()]
    return chosen + by_hash(spoilt, DOCUMENTS - len(chosen))


def our_answers(names: set[str], texts: list[str]) -> dict[str, list[bool]]:
    """Which rules of ours fire, by full name."""
    column, label = pa.array(texts, pa.large_string()), pa.array(["en"] * len(texts))
    answers: dict[str, list[bool]] = {}
    for name in names:
        judge = Judge([Entry(None, None, None, (PRESETS[name],))])
        fired = judge.judge(column, label, label, label).fired.to_pylist()
        answers |= {rule: [rule in rules for rules in fired] for rule in PRESETS[name].rule_names()}
    return answers


def peer_answers(python: str, texts: list[str]) -> dict[str, list[bool | str]]:
    """The same of the peers."""
    with tempfile.TemporaryDirectory() as folder:
        given, answered = Path(folder, "texts.json"), Path(folder, "answers.json")
        given.write_text(json.dumps(texts))
        subprocess.run([python, Path(__file__).with_name("peer_rules.py"), given, answered], check=True)
        answers: dict[str, list[bool | str]] = json.loads(answered.read_text())
        return answers


if __name__ == "__main__":
    options = argparse.ArgumentParser()
    options.add_argument("folder", type=Path, nargs="?")
    options.add_argument("--peers", required=True)
    chosen = options.parse_args()
    documents = sample(texts_of(chosen.folder))
    theirs = peer_answers(chosen.peers, documents)
    ours = our_answers({name.split("/")[0] for name in theirs}, documents)
    sys.stdout.write(f"{len(documents)} documents\n\n| rule | agree | both drop | only they | only we | they raise |\n")
    sys.stdout.write("|---|---|---|---|---|---|\n")
    raised: Counter[str] = Counter()
    unanswered = []
    for name, answer in sorted(theirs.items()):
        pairs = [(they, we) for they, we in zip(answer, ours[name], strict=True) if not isinstance(they, str)]
        raised.update(they for they in answer if isinstance(they, str))
        if not pairs:
            unanswered.append(name)
            continue
        agree = sum(they == we for they, we in pairs)
        counts = [pairs.count(pair) for pair in ((True, True), (True, False), (False, True))]
        row = [f"{100 * agree / len(pairs):.1f} %", *map(str, counts), str(len(documents) - len(pairs))]
        sys.stdout.write(f"| {name} | {' | '.join(row)} |\n")
    for error, times in raised.most_common(5):
        sys.stdout.write(f"\nthey raised {times} times: {error[:300]}\n")
    if unanswered:
        sys.exit(f"not compared, because they raised on every document: {', '.join(unanswered)}")
