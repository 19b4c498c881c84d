"""Where a checkpoint comes from: manifest, recipe, inputs, what the filters kept, tokenizer, plan and code."""

import json
from collections import Counter
from pathlib import Path
from typing import Any

from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.errors import InputError, MismatchError

MOST_REASONS = 10


def explain(checkpoint: Path, run: Path | None = None) -> dict[str, Any]:
    """Facts about a checkpoint and the data behind it. `run`: its run directory, by default the one it lies in.

    Raises InputError without a manifest, and MismatchError if the run has been made again since: then the manifest
    does not describe what the checkpoint learnt.
    """
    opened = Checkpoint.open(checkpoint)
    run = opened.path.resolve().parents[2] if run is None else run
    path = run / "manifest.json"
    if not path.exists():
        raise InputError(
            "the run of this checkpoint has no manifest", where=str(path), fix="name the run directory: --run RUN"
        )
    if (found := file_sha256(path)) != opened.origin.manifest:
        raise MismatchError(
            f"the checkpoint was trained on manifest {str(opened.origin.manifest)[:12]}, the run now has {found[:12]}",
            where=str(path),
            fix="the run was made again since; restore the manifest, or train again",
        )
    manifest = json.loads(path.read_text(encoding="utf-8"))
    return {
        "checkpoint": _checkpoint(opened),
        "run": str(run),
        "origin": opened.facts["origin"],
        "recipe": manifest.get("recipe"),
        "gristmill": manifest.get("gristmill"),
        "inputs": _inputs(manifest.get("inputs", [])),
        "steps": _steps(manifest.get("accounts", []), manifest.get("reconciled_steps", [])),
        "vocabulary": opened.config.model.vocabulary,
        "code": opened.facts["code"],
    }


def _checkpoint(opened: Checkpoint) -> dict[str, Any]:
    model, state = opened.config.model, opened.state
    return {
        "path": str(opened.path),
        "step": state.step,
        "of": opened.config.loop.steps,
        "tokens": state.tokens,
        "objective": opened.config.objective,
        "began_with": opened.config.begin or None,
        "model": f"{model.layers} layers, width {model.width}, {model.heads} heads",
        "seeds": {"weights": opened.config.seed, "data": opened.config.data.seed},
        "validation_loss": (opened.facts["evaluation"] or {}).get("loss"),
    }


def _inputs(units: list[dict[str, Any]]) -> dict[str, dict[str, int]]:
    """By source: units and bytes read."""
    inputs: dict[str, dict[str, int]] = {}
    for unit in units:
        mine = inputs.setdefault(unit["source"], {"units": 0, "bytes": 0})
        mine["units"] += 1
        mine["bytes"] += unit["bytes"]
    return inputs


def _steps(accounts: list[dict[str, Any]], order: list[str]) -> dict[str, dict[str, Any]]:
    """By step: documents in, kept, dropped, dead, and the reasons of the dropped, most first."""
    steps: dict[str, dict[str, Any]] = {}
    for name in order or list(dict.fromkeys(account["step"] for account in accounts)):
        mine = [account for account in accounts if account["step"] == name]
        sums: Counter[str] = Counter()
        reasons: Counter[str] = Counter()
        for account in mine:
            sums[account["outcome"]] += account["documents"]
            if account["outcome"] == "dropped":
                reasons[account["reason"]] += account["documents"]
        counts = {outcome: sums[outcome] for outcome in ("in", "kept", "dropped", "dead")}
        steps[name] = counts | {"reasons": dict(reasons.most_common())}
    return steps


def as_text(facts: dict[str, Any]) -> str:
    """The same for people."""
    made, origin, code = facts["checkpoint"], facts["origin"], facts["code"]
    loss = made["validation_loss"]
    lines = [
        f"{made['path']}: step {made['step']:,} of {made['of']:,}, {made['tokens']:,} tokens",
        f"  model      {made['objective']}, {made['model']}"
        + ("" if loss is None else f", validation loss {loss:.4f} nats/token"),
        f"  seeds      weights {made['seeds']['weights']}, order of the data {made['seeds']['data']}",
        f"  code       gristmill {code['gristmill']}, trainer {code['trainer_sha256'][:12]}, torch {code['torch']}",
        f"  recipe     {facts['recipe']} {_short(origin['recipe'])}, by gristmill {facts['gristmill']}",
        f"  manifest   {_short(origin['manifest'])} ({facts['run']}/manifest.json)",
        *([f"  other runs {', '.join(map(_short, origin['others']))} (manifests)"] if origin.get("others") else []),
        f"  tokenizer  {_short(origin['tokenizer'])}, {facts['vocabulary']:,} ids",
        f"  pack plan  {_short(origin['plan'])}",
        *([f"  began with {_short(origin['parent'])} ({made['began_with']})"] if origin.get("parent") else []),
        *_contamination(origin.get("contamination")),
        "inputs",
    ]
    lines += [f"  {name}: {i['units']:,} units, {i['bytes']:,} bytes" for name, i in facts["inputs"].items()]
    outcomes = ("in", "kept", "dropped", "dead")
    lines.append(f"{'documents':<16}" + "".join(f"{outcome:>12}" for outcome in outcomes))
    for name, step in facts["steps"].items():
        lines.append(f"  {name:<14}" + "".join(f"{step[outcome]:>12,}" for outcome in outcomes))
        for reason, count in list(step["reasons"].items())[:MOST_REASONS]:
            lines.append(f"{'':40}{count:>12,}  {reason}")
        if len(step["reasons"]) > MOST_REASONS:
            lines.append(f"{'':54}and {len(step['reasons']) - MOST_REASONS} more reasons (--json)")
    return "\n".join(lines)


def _contamination(sets: dict[str, Any] | None) -> list[str]:
    """A line for each evaluation set."""
    if sets is None:
        return ["  evaluation sets were not looked for in what it was trained on"]
    return [
        f"  evaluation set {name}: {of['contaminated']:,} of {of['items']:,} items found in "
        f"{of['documents']:,} documents, {of['left']:,} left in the text"
        for name, of in sets.items()
    ]


def _short(digest: str | None) -> str:
    return "none" if digest is None else digest[:12]
