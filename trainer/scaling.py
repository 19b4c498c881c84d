"""A ladder of small models, the laws fitted to it, a prediction for a run ten times as large, and what came of it.

Every run is a whole one (its own schedule to the end), so runs of different lengths can be compared. Results are kept
in runs.jsonl as they come: a second call trains only what is missing.
"""

import json
import math
import os
from collections.abc import Callable, Iterator
from dataclasses import asdict, dataclass, replace
from pathlib import Path
from typing import Any

import numpy as np

from trainer import build as parts
from trainer.config import RunConfig
from trainer.errors import ConfigError
from trainer.loop import fit
from trainer.meters import flops_per_token
from trainer.model import Model, parameter_counts
from trainer.parallel import World
from trainer.scaling_chart import chart
from trainer.scaling_fit import Law, fit_law

HEAD_WIDTH = 32
LEAST_STEPS = 20
RUNS_FILE, RESULT_FILE, CHART_FILE = "runs.jsonl", "scaling.json", "scaling.svg"


@dataclass(frozen=True)
class Rung:
    """A model and how long it is trained."""

    width: int
    layers: int
    parameters: int
    """PaLM's N: `parameter_counts()["matrix"]`."""
    steps: int
    tokens: int
    """Read, over all steps."""
    flops: float

    @property
    def name(self) -> str:
        """Of its folder."""
        return f"{self.width}x{self.layers}-{self.steps}"


@dataclass(frozen=True)
class Ladder:
    """What is trained: every size for every number of tokens per parameter; then the target."""

    rungs: list[Rung]
    target: Rung


def plan(
    base: RunConfig, sources: parts.Sources, sizes: list[tuple[int, int]], ratios: list[float], target: tuple[int, int],
    factor: float,
) -> Ladder:  # fmt: skip
    """The runs. The target gets `factor` times the compute of the largest rung. Raises ConfigError where the fit would
    have too few runs."""
    if len(sizes) < 2 or len(ratios) < 2 or len(sizes) * len(ratios) < 6:
        raise ConfigError(
            f"{len(sizes)} sizes x {len(ratios)} ratios are too few to fit five numbers",
            where="options --sizes, --ratios",
            fix="give at least 2 of each, and 6 runs in all",
        )
    rungs = [_rung(base, sources, size, ratio=ratio) for size in sizes for ratio in ratios]
    most = max(rung.flops for rung in rungs)
    return Ladder(rungs, _rung(base, sources, target, flops=factor * most))


def _rung(
    base: RunConfig, sources: parts.Sources, size: tuple[int, int], *, ratio: float = 0.0, flops: float = 0.0
) -> Rung:
    """A size trained on `ratio` tokens per parameter, or with this much compute."""
    config = parts.complete(sized(base, size), sources)
    N = parameter_counts(Model(config.model))["matrix"]
    per_step = base.data.rows_per_step * sources.train.sequence_length
    per_token = flops_per_token(config.model, N, sources.train.sequence_length)
    tokens = flops / per_token if flops else ratio * N
    steps = max(LEAST_STEPS, math.ceil(tokens / per_step * (1 + 1e-9)))  # rounding must not make it less
    return Rung(size[0], size[1], N, steps, steps * per_step, per_token * steps * per_step)


def sized(base: RunConfig, size: tuple[int, int]) -> RunConfig:
    """The configuration at another (width, layers), with heads of 32."""
    width, layers = size
    heads = max(1, width // HEAD_WIDTH)
    model = replace(base.model, width=width, layers=layers, heads=heads, kv_heads=0, head_width=0, hidden=0)
    return replace(base, model=model)


def climb(
    base: RunConfig, sources: parts.Sources, ladder: Ladder, out: Path, world: World, say: Callable[[str], None]
) -> dict[str, Any]:
    """Trains the ladder, predicts, trains the target; writes and returns the result."""

    def write(name: str, text: str) -> None:
        if world.first:
            _write(out / name, text)

    out.mkdir(parents=True, exist_ok=True)
    known = _known(out, base, sources)
    losses = []
    for number, rung in enumerate(ladder.rungs, 1):
        losses.append(_loss(base, sources, rung, out, world, known))
        say(f"{number}/{len(ladder.rungs)} {_described(rung)}: loss {losses[-1]:.4f}")
    laws = fitted(ladder.rungs, losses)
    result = summary(base, sources, ladder, losses, laws)
    predicted = result["target"]["predicted"]["L(N, D)"]
    say(f"predicted for {_described(ladder.target)}: loss {predicted['loss']:.4f}, 90 % in {predicted['interval_90']}")
    write(RESULT_FILE, json.dumps(result, indent=1))  # before the target is trained: a prediction, not a fit
    actual = _loss(base, sources, ladder.target, out, world, known)
    low, high = predicted["interval_90"]
    result["target"] |= {"actual": actual, "error": predicted["loss"] / actual - 1, "inside": low <= actual <= high}
    write(RESULT_FILE, json.dumps(result, indent=1))
    write(CHART_FILE, chart(ladder.rungs, losses, ladder.target, result["target"], laws.get("L(C)")))
    return result


def _loss(
    base: RunConfig, sources: parts.Sources, rung: Rung, out: Path, world: World, known: dict[str, float]
) -> float:
    """Validation loss (nats per token) at the end of a run; of the files it leaves only the metrics."""
    if rung.name in known:
        return known[rung.name]
    config = sized(base, (rung.width, rung.layers))
    loop = replace(config.loop, steps=rung.steps, evaluate_every=rung.steps, save_every=rung.steps)
    config = parts.complete(replace(config, loop=loop), sources)
    folder = out / rung.name
    folder.mkdir(parents=True, exist_ok=True)
    made, state = parts.build(config, sources, folder, world, None, lambda: False)
    made.save = lambda state, evaluation: None
    try:
        state = fit(made, state)
    finally:
        made.loader.close()
        made.terminal.close()
        if made.metrics is not None:
            made.metrics.close()
    known[rung.name] = state.best
    if world.first:
        with (out / RUNS_FILE).open("a", encoding="utf-8") as file:
            file.write(json.dumps({"key": _key(base, sources), "name": rung.name, "loss": state.best}) + "\n")
    return state.best


def _known(out: Path, base: RunConfig, sources: parts.Sources) -> dict[str, float]:
    """Losses of runs that were done before with this configuration on these data."""
    path, key = out / RUNS_FILE, _key(base, sources)
    lines = path.read_text(encoding="utf-8").splitlines() if path.exists() else []
    runs = [json.loads(line) for line in lines if line.endswith("}")]
    return {run["name"]: run["loss"] for run in runs if run["key"] == key}


def _key(base: RunConfig, sources: parts.Sources) -> str:
    return json.dumps({"config": asdict(base), "origin": asdict(sources.origin)}, sort_keys=True)


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
    base: RunConfig, sources: parts.Sources, ladder: Ladder, losses: list[float], laws: dict[str, Law]
) -> dict[str, Any]:
    """The result without the target's training."""
    target = ladder.target
    inputs = {"L(N, D)": (target.parameters, target.tokens), "L(C)": (target.flops,)}
    length = sources.train.sequence_length
    return {
        "objective": base.objective,
        "origin": asdict(sources.origin),
        "runs": [
            asdict(rung) | {"epochs": rung.tokens / (len(sources.train) * length), "loss": loss}
            for rung, loss in zip(ladder.rungs, losses, strict=True)
        ],
        "laws": {name: law.coefficients() for name, law in laws.items()},
        "target": asdict(target)
        | {
            "epochs": target.tokens / (len(sources.train) * length),
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
