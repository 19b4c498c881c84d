"""One seed of the proof of evaluation: texts and tasks written down, and `gristmill eval` asked about them."""

import json
import os
import shutil
from collections.abc import Mapping, Sequence
from contextlib import redirect_stderr, redirect_stdout
from pathlib import Path
from typing import Any

import yaml

from gristmill.trainer.commands.app import app
from tests.benchmarks.proof.runs import make_tokenizer, write_texts
from tests.benchmarks.proof.settings import SHAPE, TUNING, Stage
from tests.benchmarks.proof.trained import Trained

Scores = dict[tuple[int, str], dict[str, Any]]
"""(shots, task) -> what results.json says of it: scores by name, and `by`."""


SMALL = ("data.tokens_per_step=512", "data.tokens_per_batch=512")
"""Steps of few tokens: what is made here is learnt from fewer of them than in large steps."""


class Asked(Trained):
    """A folder of runs, trainings and results."""

    def __init__(self, folder: Path, seed: int, *, scale: float = 1.0):
        super().__init__(folder, "evaluation", seed, scale=scale)

    def learn(
        self, run: str, texts: Sequence[str], held: Sequence[str], length: int, steps: int, *settings: str
    ) -> Path:
        """Trains a model from nothing on texts; the training's folder."""
        tokenizer = make_tokenizer(self.fresh(f"{run}-tokens"), texts[:4000])
        write_texts(self.fresh(run), tokenizer, {"train": list(texts), "validation": list(held)}, length)
        return self.train("", run, "main", Stage(steps, (*SHAPE, *TUNING, f"seed={self.seed}", *settings)))

    def write_task(
        self, name: str, items: Sequence[Mapping[str, Any]], examples: Sequence[Mapping[str, Any]] = (), **keys: Any
    ) -> Path:
        """TASK.yaml with its items beside it."""
        folder = self.folder / "tasks"
        folder.mkdir(parents=True, exist_ok=True)
        files = {"test": f"{name}.jsonl"}
        _lines(folder / files["test"], items)
        if examples:
            files["train"] = f"{name}_examples.jsonl"
            _lines(folder / files["train"], examples)
            keys["fewshot_split"] = "train"
        data = {"task": name, "dataset_path": "json", "test_split": "test", "dataset_kwargs": {"data_files": files}}
        path = folder / f"{name}.yaml"
        path.write_text(yaml.safe_dump(data | keys, allow_unicode=True), encoding="utf-8")
        return path

    def ask(self, model: Path, name: str, tasks: Sequence[str | Path], *options: str) -> Scores:
        """By the command; results go to FOLDER/scores/NAME."""
        out = self.folder / "scores" / name
        shutil.rmtree(out, ignore_errors=True)
        words = ["eval", str(model), "--tasks", ",".join(map(str, tasks)), "--out", str(out), *options]
        with open(os.devnull, "w") as nowhere, redirect_stdout(nowhere), redirect_stderr(nowhere):
            app(words, standalone_mode=False)
        found: Scores = {}
        for path in sorted(out.glob("shots-*/results.json")):
            told = json.loads(path.read_text(encoding="utf-8"))
            for task, scores in told["results"].items():
                found[told["n-shot"][task], task] = scores | {"by": told["by"].get(task, {})}
        return found


def _lines(path: Path, items: Sequence[Mapping[str, Any]]) -> None:
    path.write_text("".join(json.dumps(item, ensure_ascii=False) + "\n" for item in items), encoding="utf-8")
