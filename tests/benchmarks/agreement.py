"""Scores of `gristmill eval` against lm-evaluation-harness's own, item by item, and generations against transformers'.

    python -m tests.benchmarks.agreement FOLDER --peer PYTHON [--tasks en,zh] [--shots 0,3]

FOLDER: a model that `gristmill export` wrote. PYTHON: an interpreter with lm_eval (make agreement makes one).
Examples are the first ones (`first_n`): drawn ones are drawn otherwise there.
"""

import argparse
import json
import math
import subprocess
import sys
import tempfile
from dataclasses import replace
from pathlib import Path

from gristmill.trainer.checkpoint.subject import open_subject
from gristmill.trainer.devices.world import CPU
from gristmill.trainer.evaluate.examine import ItemResult, examine
from gristmill.trainer.evaluate.selection import open_tasks, write_task
from gristmill.trainer.evaluate.tasks.task import Task

OURS_ALONE = ("likelihood_per_character", "calibration_error", "pass@", "memorised", "verbatim")
PEER = """
import json, sys
import lm_eval, torch
from lm_eval import evaluator
from lm_eval.models.huggingface import HFLM
from lm_eval.tasks import TaskManager
torch.set_num_threads(1)
evaluator.add_env_info = lambda *_: None  # it asks pip for all packages, for every task
folder, tasks, shots = sys.argv[1], sys.argv[2].split(","), int(sys.argv[3])
bos = {"add_bos_token": False} if sys.argv[4] == "rolling" else {}
manager = TaskManager()
model = HFLM(pretrained=folder, batch_size=16, device="cpu", dtype="float32", **bos)
told = {"results": {}, "samples": {}}
for task in tasks:  # one at a time: asked together, requests whose context and answer are one text are mixed up there
    found = lm_eval.simple_evaluate(
        model=model, tasks=[task], num_fewshot=shots, log_samples=True, bootstrap_iters=0, task_manager=manager
    )
    for kind in told:
        told[kind] |= found[kind]
json.dump(told, open(sys.argv[5], "w"), default=str)
"""


def comparable(task: Task, shots: int) -> Task:
    """The task with what both do alike: greedy, one continuation, the first examples, all metrics of choices. Where the
    items are the examples, the last ones alone are, and are not asked: the first ones are examples of themselves there.
    """
    config = replace(task.config, fewshot_config={"sampler": "first_n"}, num_fewshot=None)
    if config.output_type == "multiple_choice":
        config = replace(
            config, metric_list=[{"metric": name} for name in ("acc", "acc_norm", "acc_bytes", "brier_score")]
        )
    if task.examples is None and shots and config.output_type != "loglikelihood_rolling":
        task = replace(task, items=task.items[:-shots], examples=task.items[-shots:])
    return replace(task, config=config)


def theirs(peer: str, model: Path, tasks: list[Task], shots: int, folder: Path, rolling: bool) -> dict:
    """What lm-evaluation-harness finds."""
    paths = [str(write_task(task, folder)) for task in tasks]
    out = folder / f"theirs-{shots}.json"
    kind = "rolling" if rolling else "plain"
    command = [peer, "-c", PEER, str(model), ",".join(paths), str(shots), kind, str(out)]
    done = subprocess.run(command, stdout=subprocess.DEVNULL, stderr=subprocess.PIPE, text=True)
    if done.returncode:
        raise SystemExit(done.stderr[-3000:])
    return json.loads(out.read_text())


def differences(task: Task, ours: list[ItemResult], samples: list[dict]) -> tuple[int, int, float]:
    """(metrics of items that differ, all, the largest difference of a log-probability)."""
    differ, every, largest = 0, 0, 0.0
    by_item: dict[int, list[dict]] = {}
    for sample in samples:
        by_item.setdefault(int(sample["doc_id"]), []).append(sample)
    for item in ours:
        if item.apart:  # the peer's ids do not spell the answer, or it has none and ends with an error
            continue
        for sample in by_item[item.number]:
            if task.config.output_type == "generate_until":
                every += 1
                differ += sample["resps"][0][0] != item.responses[0]
            if task.config.output_type in ("multiple_choice", "loglikelihood"):
                log_p = [float(one[0][0]) for one in sample["resps"]]
                gaps = [abs(a - b) for a, b in zip(item.log_probabilities, log_p, strict=True)]
                largest = max(largest, *gaps)
            for (metric, name), value in item.scores.items():
                if metric.startswith(OURS_ALONE) or name not in (sample.get("filter", "none"), "none"):
                    continue
                if metric not in sample or metric == "brier_score":
                    continue
                found = sample[metric]
                every += 1
                if isinstance(value, tuple):
                    differ += not math.isclose(-value[0], float(found[0]), rel_tol=1e-5)
                    largest = max(largest, abs(value[0] + float(found[0])))
                else:
                    differ += float(found) != value
    return differ, every, largest


def main() -> int:
    """0 where every metric of every item is the same."""
    parser = argparse.ArgumentParser(description=__doc__.splitlines()[0])
    parser.add_argument("folder", type=Path)
    parser.add_argument("--peer", required=True)
    parser.add_argument("--tasks", default="en,zh")
    parser.add_argument("--shots", default="0,3")
    parser.add_argument("--run", type=Path)
    parser.add_argument("--limit", type=int)
    options = parser.parse_args()
    subject = open_subject(options.folder, CPU)
    most = max(map(int, options.shots.split(",")))
    tasks = [comparable(task, most) for task in open_tasks(options.tasks, options.run, options.limit)]
    tasks = [
        task for task in tasks if task.config.repeats == 1 and task.config.metric_list != [{"metric": "memorised"}]
    ]
    bad = 0
    for rolling in (False, True):
        mine = [task for task in tasks if (task.config.output_type == "loglikelihood_rolling") == rolling]
        for shots in [0] if rolling else [int(number) for number in options.shots.split(",")]:
            if not mine:
                continue
            with tempfile.TemporaryDirectory() as folder:
                found = theirs(options.peer, options.folder, mine, shots, Path(folder), rolling)
            for task in mine:
                ours = examine(subject.model, subject.codec, task, shots)
                differ, every, largest = differences(task, ours.items, found["samples"][task.name])
                scores = {f"{metric},{name}": score for (metric, name), score in ours.scores.items()}
                gaps = {
                    name: abs(scores[name].value - float(value)) / max(1.0, abs(scores[name].value))
                    for name, value in found["results"][task.name].items()
                    if name in scores
                }
                worst = max(gaps.values(), default=math.nan)
                apart = sum(item.apart for item in ours.items)
                bad += differ + (not apart and worst > 1e-5)
                print(
                    f"{task.name:20} {shots} shots: {len(ours.items)} items ({apart} left out), "
                    f"{every} metrics, {differ} differ; "
                    f"log-probabilities within {largest:.1e}, scores within {worst:.1e} ({', '.join(gaps)})",
                    flush=True,
                )
    return min(bad, 1)


if __name__ == "__main__":
    sys.exit(main())
