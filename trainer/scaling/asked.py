"""The models of a ladder are asked tasks, so that scores can be seen against compute.

Exact match is all or nothing and seems to appear at some size; the likelihood of the right answer rises all along
(Schaeffer et al. 2023, Are emergent abilities of large language models a mirage?). Every task gives both.
"""

import hashlib
import json
import shutil
from collections.abc import Iterator, Sequence
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

from gristmill.trainer.errors import ConfigError
from gristmill.trainer.evaluate.contamination import Contamination
from gristmill.trainer.evaluate.examine import examine
from gristmill.trainer.evaluate.requests.text import TextCodec
from gristmill.trainer.evaluate.results import RESULTS, holds, write_results
from gristmill.trainer.evaluate.table import aligned, number
from gristmill.trainer.evaluate.tasks.task import Task
from gristmill.trainer.model.transformer import Model
from gristmill.trainer.scaling.ladder import Rung

SCORES = "scores"
"""In the folder of a rung: where `gristmill report` finds results."""
TOLD = ("exact_match", "acc", "pass@1", "bits_per_byte", "likelihood_per_character")
"""Metrics that stand in scaling.json and in the table; results.json has all."""


@dataclass(frozen=True)
class Questions:
    """What every model of the ladder is asked."""

    asked: Sequence[tuple[Task, int]]
    """Tasks with a number of examples."""
    codec: TextCodec
    contamination: dict[str, Contamination]
    seed: int = 1234

    def check(self, ranks: int) -> None:
        """Raises ConfigError where the models cannot be asked: it is done by one process."""
        if ranks > 1:
            raise ConfigError(
                f"models are asked by one process, there are {ranks}",
                where="option --tasks",
                fix="start it without torchrun, or leave --tasks out",
            )

    def facts(self, rung: Rung, key: str) -> dict[str, Any]:
        """What results say of the model. `key`: of configuration and data."""
        return {
            "kind": "ladder",
            "width": rung.width,
            "layers": rung.layers,
            "parameters": rung.parameters,
            "step": rung.steps,
            "tokens": rung.tokens,
            "flops": rung.flops,
            "trained": hashlib.sha256(key.encode()).hexdigest(),
            "seed": self.seed,
        }

    def answered(self, folder: Path, facts: dict[str, Any]) -> bool:
        """Whether this model was asked exactly this before."""
        return holds(folder / SCORES, facts, self.asked)

    def ask(self, model: Model, folder: Path, facts: dict[str, Any]) -> None:
        """Writes FOLDER/scores anew, by products of float32."""
        trained, model.config = model.config, replace(model.config, compute="float32")
        model.eval()
        examined = [examine(model, self.codec, task, shots, seed=self.seed) for task, shots in self.asked]
        model.config = trained
        shutil.rmtree(folder / SCORES, ignore_errors=True)
        write_results(folder / SCORES, examined, facts, self.contamination)


def scores_of(folder: Path) -> list[dict[str, Any]]:
    """TOLD of a rung: task, shots, metric, value, stderr (None for one item), items, contaminated."""
    found = []
    for path in sorted((folder / SCORES).glob(f"shots-*/{RESULTS}")):
        told = json.loads(path.read_text(encoding="utf-8"))
        for task, scores in told["results"].items():
            about = {"items": scores["sample_len"], "contaminated": told["contamination"][task]["rate"]}
            for name, value in scores.items():
                metric, _, variant = name.partition(",")
                if metric in TOLD and value != "N/A":
                    error = scores[f"{metric}_stderr,{variant}"]
                    shown = metric if variant == "none" else f"{metric}, {variant}"
                    found.append({"task": task, "shots": told["n-shot"][task], "metric": shown, "value": value,
                                  "stderr": None if error == "N/A" else error, **about})  # fmt: skip
    return found


def table(runs: Sequence[dict[str, Any]]) -> Iterator[str]:
    """Scores over compute, a line for each task and metric, the least compute on the left."""
    ordered = sorted(runs, key=lambda run: float(run["flops"]))
    rows = [("task", "shots", "metric", "items", *(f"{run['flops']:.1e}" for run in ordered), "")]
    found: dict[tuple[str, str, str, str], dict[int, str]] = {}
    for place, run in enumerate(ordered):
        for one in run["scores"]:
            key = (one["task"], str(one["shots"]), one["metric"], str(one["items"]))
            found.setdefault(key, {})[place] = number(one["value"])
    rows += [(*key, *(values.get(place, "-") for place in range(len(ordered))), "") for key, values in found.items()]
    yield from aligned(rows)
