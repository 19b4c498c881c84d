"""`make proof-evaluation`: what evaluation says of models of which is known what they learnt, three seeds.

    python -m tests.benchmarks.proof.evaluation.proof --out DIR [--seeds 0,1,2] [--stages few-shot,"tool use"]

Every model is trained here, on texts that are made here, by the commands that a user has, and asked by `gristmill eval`
(tools: by what `gristmill evaluate --tool` calls). DIR/seed-N/found.json holds every figure of a seed, DIR/proof.md the
tables. A stage that stands in found.json is not run again: what was interrupted goes on.
"""

import argparse
import json
from collections.abc import Callable
from pathlib import Path

import torch

from tests.benchmarks.proof.evaluation.asked import Asked
from tests.benchmarks.proof.evaluation.in_context import few_shot
from tests.benchmarks.proof.evaluation.repeated import memorisation
from tests.benchmarks.proof.evaluation.steps import chain_of_thought, passes
from tests.benchmarks.proof.evaluation.tools import tool_use

STAGES: dict[str, Callable[[Asked], None]] = {
    "few-shot": few_shot,
    "chain of thought": chain_of_thought,
    "pass@k": passes,
    "tool use": tool_use,
    "memorised": memorisation,
}
"""By the name under which its figures are kept."""


def tables(out: Path) -> str:
    """Of what stands in OUT/seed-N/found.json: a row a seed."""
    seeds = {
        path.parent.name: json.loads(path.read_text(encoding="utf-8")) for path in sorted(out.glob("seed-*/found.json"))
    }
    parts = []
    for name in dict.fromkeys(name for found in seeds.values() for name in found):
        having = {seed: found[name] for seed, found in seeds.items() if name in found}
        columns = list(next(iter(having.values())))
        lines = [f"| {name} | {' | '.join(columns)} |", "|---" * (len(columns) + 1) + "|"]
        lines += [f"| {seed} | {' | '.join(f'{one[key]:.3f}' for key in columns)} |" for seed, one in having.items()]
        parts.append("\n".join(lines))
    return "\n\n".join(parts)


def main() -> None:
    """From the command line."""
    parser = argparse.ArgumentParser(description=__doc__, formatter_class=argparse.RawDescriptionHelpFormatter)
    parser.add_argument("--out", type=Path, required=True)
    parser.add_argument("--seeds", default="0,1,2")
    parser.add_argument("--stages", default=",".join(STAGES), help="with commas")
    parser.add_argument("--scale", type=float, default=1.0, help="of all numbers of steps")
    asked = parser.parse_args()
    torch.set_num_threads(1)
    for seed in map(int, asked.seeds.split(",")):
        proof = Asked(asked.out / f"seed-{seed}", seed, scale=asked.scale)
        for name in asked.stages.split(","):
            if name not in proof.read():
                STAGES[name](proof)
    text = tables(asked.out)
    (asked.out / "proof.md").write_text(text + "\n", encoding="utf-8")
    print(text)


if __name__ == "__main__":
    main()
