"""Writes a checkpoint as transformers reads it."""

import json
import os
import shutil
from pathlib import Path
from typing import Annotated

import typer

from gristmill.trainer.commands.options import CheckpointArgument
from gristmill.trainer.errors import ConfigError


def export(
    checkpoint: CheckpointArgument,
    folder: Annotated[Path, typer.Argument(metavar="FOLDER", help="new folder for transformers' from_pretrained")],
) -> None:
    """Writes a folder for transformers. Example: gristmill export runs/demo/train/main mill-hf."""
    from gristmill.tokenizer.foreign.encoder import open_encoder
    from gristmill.trainer.checkpoint.checkpoint import Checkpoint
    from gristmill.trainer.checkpoint.huggingface import write_transformers
    from gristmill.trainer.devices.world import CPU

    if folder.exists() and (not folder.is_dir() or any(folder.iterdir())):
        raise ConfigError("the folder is not empty", where=str(folder), fix="name a new one, or remove this one")
    opened = Checkpoint.open(checkpoint)
    partial = folder.with_name(f".{folder.name}.partial")
    shutil.rmtree(partial, ignore_errors=True)
    mean = {"score_mean": opened.facts["score_mean"]} if "score_mean" in opened.facts else {}
    family = write_transformers(opened.load_model(CPU), partial, open_encoder(opened.path / "tokenizer"), mean)
    os.replace(partial, folder)
    typer.echo(json.dumps({"model_type": family, "folder": str(folder)}))
