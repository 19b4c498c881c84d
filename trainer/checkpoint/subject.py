"""What is examined: a checkpoint of ours, or a folder of transformers; model, tokenizer, and the runs behind it."""

import json
from collections.abc import Mapping
from dataclasses import dataclass, replace
from pathlib import Path
from typing import Any

import torch

from gristmill.tokenizer.shards.arrow_file import file_sha256
from gristmill.tokenizer.special_ids import BOS
from gristmill.tokenizer.train import MODEL_FILE
from gristmill.trainer.checkpoint.checkpoint import Checkpoint
from gristmill.trainer.checkpoint.huggingface import read_transformers
from gristmill.trainer.errors import ConfigError, InputError
from gristmill.trainer.evaluate.requests.text import LibraryCodec, OwnCodec, TextCodec
from gristmill.trainer.model.transformer import Model

CONFIG, GENERATION = "config.json", "generation_config.json"
MOST_PARENTS = 16


@dataclass(frozen=True)
class Subject:
    """An opened model."""

    model: Model
    codec: TextCodec
    facts: dict[str, Any]
    """What results say it is: no path of this machine."""
    run: Path | None
    """The run that it was trained on last, where it lies in one."""
    manifests: list[tuple[str, Mapping[str, Any] | None]]
    """(name, manifest) of every run behind it; None where the manifest is gone or another one."""


def open_subject(path: Path, device: torch.device, compute: str = "float32") -> Subject:
    """A checkpoint, a training's folder (its last), or a folder that transformers wrote. `compute`: dtype of the matrix
    products. Raises InputError, ConfigError."""
    if compute not in ("float32", "bfloat16"):
        raise ConfigError(f"dtype {compute!r} is not known", where="--compute", fix="float32 or bfloat16")
    subject = _transformers(path) if (path / CONFIG).exists() else _checkpoint(path, device)
    model = subject.model.to(device).eval()
    model.config = replace(model.config, compute=compute)
    return replace(subject, facts=subject.facts | {"compute": compute})


def _checkpoint(path: Path, device: torch.device) -> Subject:
    opened = Checkpoint.open(path)
    facts = {
        "kind": "gristmill",
        "sha256": opened.sha256(),
        "step": opened.state.step,
        "tokens": opened.state.tokens,
        "objective": opened.config.objective,
        "origin": opened.facts["origin"],
    }
    run = opened.path.resolve().parents[2]
    codec = OwnCodec(opened.path / "tokenizer")
    return Subject(opened.load_model(device), codec, facts, run, manifests_behind(opened))


def _transformers(path: Path) -> Subject:
    """An exported folder, or one of the families that are read. Its corpus is not known: no contamination is."""
    model = read_transformers(path)
    theirs = json.loads((path / CONFIG).read_text(encoding="utf-8"))
    generation = json.loads((path / GENERATION).read_text(encoding="utf-8")) if (path / GENERATION).exists() else {}
    ends = generation.get("eos_token_id", theirs.get("eos_token_id"))
    bos = theirs.get("bos_token_id")
    ends = [ends] if isinstance(ends, int) else list(ends or [])
    if bos is None:  # Qwen3 has none; lm-evaluation-harness takes the end in its place
        bos = ends[0] if ends else BOS
    if (path / "info.json").exists() and (path / MODEL_FILE).exists():
        codec: TextCodec = OwnCodec(path)
    else:
        codec = LibraryCodec(path, int(bos), tuple(ends))
    weights = {part.name: file_sha256(part) for part in sorted(path.glob("model*.safetensors"))}
    facts = {"kind": theirs.get("model_type"), "weights": weights}
    return Subject(model, codec, facts, None, [])


def manifests_behind(opened: Checkpoint) -> list[tuple[str, Mapping[str, Any] | None]]:
    """Of the checkpoint's run, then of the runs of the checkpoints that it began with, as far as they are there."""
    found: list[tuple[str, Mapping[str, Any] | None]] = []
    for _ in range(MOST_PARENTS):
        found.append(_manifest(opened))
        if opened.origin.parent is None:
            return found
        try:
            parent = Checkpoint.open(Path(opened.config.begin))
        except InputError:
            break
        if parent.sha256() != opened.origin.parent:
            break
        opened = parent
    return [*found, ("what it began with", None)]


def _manifest(opened: Checkpoint) -> tuple[str, Mapping[str, Any] | None]:
    run = opened.path.resolve().parents[2]
    path = run / "manifest.json"
    same = path.exists() and file_sha256(path) == opened.origin.manifest
    return run.name, json.loads(path.read_text(encoding="utf-8")) if same else None
