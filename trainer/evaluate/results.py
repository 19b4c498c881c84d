"""Results on disk, as lm-evaluation-harness writes them, a folder for each number of examples:

OUT/shots-4/results.json           results, configs, versions, n-shot, n-samples, higher_is_better, task_hashes (of all
                                   that is asked and of how it is judged, not of prompts); ours beside them:
                                   contamination, by, notes, model
OUT/shots-4/samples_TASK.jsonl     a line for each item: doc_id, doc_hash, scores; with `texts` also texts
"""

import json
import math
import os
from collections.abc import Sequence
from pathlib import Path
from typing import Any

from gristmill.trainer.evaluate.contamination import Contamination
from gristmill.trainer.evaluate.examine import Examined
from gristmill.trainer.evaluate.scores.summary import Score, metric_of
from gristmill.trainer.evaluate.tasks.task import Task

RESULTS, SAMPLES = "results.json", "samples_"


def write_results(
    folder: Path,
    examined: Sequence[Examined],
    model: dict[str, Any],
    contamination: dict[str, Contamination],
    *,
    texts: bool = False,
    arms: Sequence[dict[str, Any]] = (),
) -> list[Path]:
    """Writes a folder that there is not yet, whole or not at all; the paths of results.json in it. Equal results are
    equal bytes: no date, no machine. `arms`: comparisons of a task's prompts."""
    partial = folder.with_name(f".{folder.name}.partial")
    paths = []
    for shots in sorted({one.shots for one in examined}):
        mine = [one for one in examined if one.shots == shots]
        place = partial / f"shots-{shots}"
        place.mkdir(parents=True, exist_ok=True)
        for one in mine:
            lines = "".join(json.dumps(line, ensure_ascii=False) + "\n" for line in _lines(one, texts))
            (place / f"{SAMPLES}{one.task.name}.jsonl").write_text(lines, encoding="utf-8")
        told = as_lm_eval(mine, model, contamination)
        if ours := [arm for arm in arms if arm["shots"] == shots]:
            told["arms"] = [
                {key: _number(value) if isinstance(value, float) else value for key, value in arm.items()}
                for arm in ours
            ]
        (place / RESULTS).write_text(json.dumps(told, indent=1, ensure_ascii=False) + "\n", encoding="utf-8")
        paths.append(folder / f"shots-{shots}" / RESULTS)
    if folder.is_dir():
        folder.rmdir()  # it is empty: the command refuses others
    os.replace(partial, folder)
    return paths


def holds(folder: Path, model: dict[str, Any], asked: Sequence[tuple[Task, int]]) -> bool:
    """Whether results of exactly these tasks with these numbers of examples, told by what they ask, of this model,
    asked with these facts, lie there."""
    there = [json.loads(path.read_text(encoding="utf-8")) for path in sorted(folder.glob(f"shots-*/{RESULTS}"))]
    found = {
        (number, task, one.get("task_hashes", {}).get(task)) for one in there for task, number in one["n-shot"].items()
    }
    same = json.loads(json.dumps(model))
    wanted = {(number, task.name, task.digest) for task, number in asked}
    return found == wanted and all(one["model"] == same for one in there)


def as_lm_eval(
    examined: Sequence[Examined], model: dict[str, Any], contamination: dict[str, Contamination]
) -> dict[str, Any]:
    """The object of results.json."""
    return {
        "results": {one.task.name: {"alias": one.task.name, **_flat(one.scores)} for one in examined},
        "configs": {one.task.name: _config(one) for one in examined},
        "versions": {one.task.name: one.task.config.metadata.get("version", "Yaml") for one in examined},
        "n-shot": {one.task.name: one.shots for one in examined},
        "task_hashes": {one.task.name: one.task.digest for one in examined},
        "higher_is_better": {
            one.task.name: {metric: metric_of(metric).higher_is_better for metric, _ in one.scores} for one in examined
        },
        "n-samples": {one.task.name: {"original": len(one.items), "effective": len(one.items)} for one in examined},
        "contamination": {one.task.name: contamination[one.task.name].facts() for one in examined},
        "by": {
            one.task.name: {
                group: {value: _flat(scores) for value, scores in values.items()}
                for group, values in one.by_group.items()
            }
            for one in examined
            if one.by_group
        },
        "notes": {one.task.name: notes(one) for one in examined},
        "model": model,
    }


def notes(one: Examined) -> dict[str, int]:
    """What a reader of the scores should know."""
    return {
        "contexts_cut": sum(item.cut > 0 for item in one.items),
        "answers_encoded_apart": sum(item.apart for item in one.items),
        "continuations": sum(len(item.responses) for item in one.items),
        "continuations_without_end": sum(item.unended for item in one.items),
    }


def _flat(scores: dict[tuple[str, str], Score]) -> dict[str, Any]:
    found: dict[str, Any] = {}
    for (metric, name), score in scores.items():
        found[f"{metric},{name}"] = _number(score.value)
        found[f"{metric}_stderr,{name}"] = _number(score.standard_error)
    counts = {score.count for score in scores.values()}
    return found | {"sample_len": max(counts, default=0)}


def _number(value: float) -> float | str:
    """lm-evaluation-harness writes N/A for what is no number."""
    return value if math.isfinite(value) else "N/A"


def _config(one: Examined) -> dict[str, Any]:
    config = {key: value for key, value in vars(one.task.config).items() if value not in (None, {}, [])}
    return config | {"num_fewshot": one.shots, "files": {Path(path).name: sha for path, sha in one.task.files.items()}}


def _lines(one: Examined, texts: bool) -> list[dict[str, Any]]:
    lines = []
    for item in one.items:
        line: dict[str, Any] = {"doc_id": item.number, "doc_hash": item.hash}
        line["scores"] = {f"{metric},{name}": value for (metric, name), value in item.scores.items()}
        line["log_probabilities"] = item.log_probabilities
        if texts or one.task.config.probes:
            asked = one.task.questions[item.number]
            line |= {"doc": one.task.items[item.number], "target": list(asked.answers), "resps": item.responses}
            line |= {"turns": item.turns} if item.turns else {}
        lines.append(line)
    return lines
