"""Precision and recall of names and addresses on labelled files (sources.py), each by itself.

python tests/benchmarks/names/measure.py FILE.jsonl... [--set strict|web] [--show 20]

A finding counts where it overlaps a label. --show: some of what was missed and of what was found wrongly, for files of
the development part alone: who looks at a test set has tuned on it.
"""

import argparse
import json
import random
from pathlib import Path

from gristmill.filters.pii.engine import Scrubber
from gristmill.filters.pii.evaluate import ANY, Labelled, evaluate


def samples(file: Path) -> list[Labelled]:
    """The texts of a file."""
    lines = [json.loads(line) for line in file.read_text(encoding="utf-8").split("\n") if line]
    return [Labelled(line["text"], tuple(map(tuple, line["spans"]))) for line in lines]


def show(texts: list[Labelled], scrubber: Scrubber, count: int) -> None:
    """Some of what is missed (-) and of what is wrong (+), with what stands around."""
    lines = []
    for text in texts:
        found = [(f.start, f.end, f.entity) for f in scrubber.find(text.text) if f.entity in ("PERSON", "ADDRESS")]
        for sign, here, there in (("-", text.spans, found), ("+", found, text.spans)):
            for start, end, entity in here:
                if entity != ANY and not any(a < end and start < b and e in (entity, ANY) for a, b, e in there):
                    around = text.text[max(0, start - 18) : start], text.text[start:end], text.text[end : end + 18]
                    lines.append(f"{sign} {around[0]!r}[{around[1]}]{around[2]!r}")
    random.Random(5).shuffle(lines)
    print("\n".join(lines[:count]))


def main() -> None:
    """A line for each file and type."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("files", nargs="+", type=Path)
    parser.add_argument("--set", default="strict")
    parser.add_argument("--show", type=int, default=0)
    args = parser.parse_intermixed_args()
    scrubber = Scrubber([args.set] if args.set != "strict" else ["PERSON", "ADDRESS"])
    for file in args.files:
        texts = samples(file)
        for (entity, _), score in evaluate(texts, scrubber).items():
            if entity in ("PERSON", "ADDRESS"):
                print(
                    f"{file.stem:20} {entity:8} precision {score.precision or 0:.3f} recall {score.recall or 0:.3f} "
                    f"F1 {score.f() or 0:.3f} ({score.labels} labels, {score.findings} findings)",
                    flush=True,
                )
        if args.show:
            show(texts, scrubber, args.show)


if __name__ == "__main__":
    main()
