"""Trains a ladder, fits the laws to it, predicts the target and trains that too.

Every run is a whole one (its own schedule to the end), so runs of different lengths can be compared. Results are kept
in runs.jsonl as they come: a second call trains only what is missing.
"""

import json
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, replace
from pathlib import Path
from typing import Any

import numpy as np

from gristmill.trainer.config import TrainConfig
from gristmill.trainer.devices.world import World
from gristmill.trainer.loop.build import build, complete
from gristmill.trainer.loop.fit import fit
from gristmill.trainer.loop.inputs import TrainingData
from gristmill.trainer.loop.reports.metrics import read_lines
from gristmill.trainer.scaling import asked
from gristmill.trainer.scaling.asked import Questions
from gristmill.trainer.scaling.chart import chart
from gristmill.trainer.scaling.fit import Law, fit_law
from gristmill.trainer.scaling.ladder import Ladder, Rung, sized

RUNS_FILE, RESULT_FILE, CHART_FILE = "runs.jsonl", "scaling.json", "scaling.svg"


def run_ladder(
    base: TrainConfig,
    data: TrainingData,
    ladder: Ladder,
    out: Path,
    world: World,
    say: Callable[[str], None],
    questions: Questions | None = None,
) -> dict[str, Any]:
    """Trains the ladder, predicts, trains the target; writes and returns the result. `questions`: what each model is
    asked when it is trained; one that was not asked before is trained again, for none is kept. Raises ConfigError."""
    if questions is not None:
        questions.check(world.size)

    def write(name: str, text: str) -> None:
        if world.first:
            _write(out / name, text)

    out.mkdir(parents=True, exist_ok=True)
    known = _known(out, base, data)
    losses = []
    for number, rung in enumerate(ladder.rungs, 1):
        losses.append(_loss(base, data, rung, out, world, known, questions))
        say(f"{number}/{len(ladder.rungs)} {_described(rung)}: loss {losses[-1]:.4f}")
    laws = fitted(ladder.rungs, losses)
    result = summary(base, data, ladder, losses, laws)
    predicted = result["target"]["predicted"]["L(N, D)"]
    say(f"predicted for {_described(ladder.target)}: loss {predicted['loss']:.4f}, 90 % in {predicted['interval_90']}")
    write(RESULT_FILE, json.dumps(result, indent=1))  # before the target is trained: a prediction, not a fit
    actual = _loss(base, data, ladder.target, out, world, known, questions)
    low, high = predicted["interval_90"]
    result["target"] |= {"actual": actual, "error": predicted["loss"] / actual - 1, "inside": low <= actual <= high}
    if questions is not None:
        for run, rung in zip([*result["runs"], result["target"]], [*ladder.rungs, ladder.target], strict=True):
            run["scores"] = asked.scores_of(out / rung.name)
    write(RESULT_FILE, json.dumps(result, indent=1))
    write(CHART_FILE, chart(ladder.rungs, losses, ladder.target, result["target"], laws.get("L(C)")))
    return result


def _loss(
    base: TrainConfig,
    data: TrainingData,
    rung: Rung,
    out: Path,
    world: World,
    known: dict[str, float],
    questions: Questions | None,
) -> float:
    """Validation loss (nats per token) at the end of a run; of the files it leaves only the metrics, and scores."""
    folder, facts = out / rung.name, questions.facts(rung, _key(base, data)) if questions else {}
    if rung.name in known and (questions is None or questions.answered(folder, facts)):
        return known[rung.name]
    config = sized(base, (rung.width, rung.layers))
    loop = replace(config.loop, steps=rung.steps, evaluate_every=rung.steps, save_every=rung.steps)
    config = complete(replace(config, loop=loop), data)
    folder.mkdir(parents=True, exist_ok=True)
    training, state = build(config, data, folder, world, None, lambda: False)
    training.save = lambda state, evaluation: None
    with training:
        state = fit(training, state)
    if questions is not None:
        questions.ask(training.model, folder, facts)
    if world.first and rung.name not in known:
        with (out / RUNS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": _key(base, data), "name": rung.name, "loss": state.best}) + "\n")
    return known.setdefault(rung.name, state.best)


def _known(out: Path, base: TrainConfig, data: TrainingData) -> dict[str, float]:
    """Losses of runs that were done before with this configuration on these data."""
    key = _key(base, data)
    lines, _ = read_lines(out / RUNS_FILE)
    return {line["name"]: line["loss"] for line in lines if line.keys() >= {"name", "loss"} and line.get("key") == key}


def _key(base: TrainConfig, data: TrainingData) -> str:
    return json.dumps({"config": asdict(base), "origin": asdict(data.origin)}, sort_keys=True)


def fitted(rungs: list[Rung], losses: list[float]) -> dict[str, Law]:
    """ "L(N, D)" of all runs; "L(C)" of the frontier: runs that no cheaper run beats, where there are at least four."""
    n, d, c = (np.array([getattr(rung, name) for rung in rungs], float) for name in ("parameters", "tokens", "flops"))
    loss = np.array(losses)
    laws = {"L(N, D)": fit_law({"N": n, "D": d}, loss)}
    best = [i for i in range(len(rungs)) if not ((c <= c[i]) & (loss < loss[i])).any()]
    if len(best) >= 4:
        laws["L(C)"] = fit_law({"C": c[best]}, loss[best])
    return laws


def summary(
    base: TrainConfig, data: TrainingData, ladder: Ladder, losses: list[float], laws: dict[str, Law]
) -> dict[str, Any]:
    """The result without the target's training."""
    target = ladder.target
    inputs = {"L(N, D)": (target.parameters, target.tokens), "L(C)": (target.flops,)}
    length = data.train.sequence_length
    return {
        "objective": base.objective,
        "origin": asdict(data.origin),
        "runs": [
            asdict(rung) | {"epochs": rung.tokens / (len(data.train) * length), "loss": loss}
            for rung, loss in zip(ladder.rungs, losses, strict=True)
        ],
        "laws": {name: law.coefficients() for name, law in laws.items()},
        "target": asdict(target)
        | {
            "epochs": target.tokens / (len(data.train) * length),
            "compute_factor": target.flops / max(rung.flops for rung in ladder.rungs),
            "predicted": {
                name: {"loss": law(*inputs[name]), "interval_90": [round(x, 4) for x in law.interval(*inputs[name])]}
                for name, law in laws.items()
            },
        },
    }


def table(result: dict[str, Any]) -> Iterator[str]:
    """Lines for people."""
    yield f"{'size':>8} {'N':>12} {'steps':>7} {'tokens':>12} {'epochs':>7} {'FLOPs':>9} {'loss':>8}"
    for run in result["runs"]:
        yield _row(run) + f" {run['loss']:8.4f}"
    target = result["target"]
    yield _row(target) + f" {target['actual']:8.4f}  = target, {target['compute_factor']:.1f} x the largest run's FLOPs"
    for name, law in result["laws"].items():
        numbers = ", ".join(
            f"{key} {value['value']:.4g} ({value['interval_90'][0]:.4g} to {value['interval_90'][1]:.4g})"
            for key, value in law.items()
        )
        yield f"{name}: {numbers}"
    for name, predicted in target["predicted"].items():
        low, high = predicted["interval_90"]
        error = predicted["loss"] / target["actual"] - 1
        yield (
            f"{name} predicted {predicted['loss']:.4f} (90 %: {low:.4f} to {high:.4f}), "
            f"actual {target['actual']:.4f}: {error:+.2%}"
        )
    if "scores" in target:
        yield from asked.table([*result["runs"], target])


def _row(run: dict[str, Any]) -> str:
    size = f"{run['width']}x{run['layers']}"
    return (
        f"{size:>8} {run['parameters']:>12,} {run['steps']:>7,} {run['tokens']:>12,} {run['epochs']:>7.2f} "
        f"{run['flops']:9.2e}"
    )


def _described(rung: Rung) -> str:
    return f"width {rung.width}, {rung.layers} layers, {rung.parameters:,} parameters, {rung.tokens:,} tokens"


def _write(path: Path, text: str) -> None:
    partial = path.with_name(f".{path.name}.partial")
    partial.write_text(text + "\n", encoding="utf-8")
    os.replace(partial, path)
